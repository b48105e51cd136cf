// Command image makes OCI images of the programs without a daemon, checks them, and runs what is in them. Programs of
// each architecture go in; a layout for registries and, for docker load and podman load, an archive of each
// architecture come out. The same input gives the same bytes.
//
//	image build -programs DIR -version 1.0.0 -revision COMMIT -date SECONDS -out DIR
//	image check -out DIR
//	image try -out DIR -port 22480
//	image stack -out DIR -deploy docs/deploy
//
// Its dependencies are in tools.mod beside it, so that the product's go.mod has none of them.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run does what the first argument says.
func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("build, check, try or stack?")
	}
	var r release
	var programs, out, deploy string
	var seconds int64
	var port int
	f := flag.NewFlagSet("image "+args[0], flag.ContinueOnError)
	f.StringVar(&programs, "programs", "", "folder of folders amd64 and arm64 with static programs")
	f.StringVar(&out, "out", "dist/image", "folder of the images")
	f.StringVar(&r.Version, "version", "", "version of the release")
	f.StringVar(&r.Revision, "revision", "", "commit it is built from")
	f.StringVar(&r.Zones, "zones", "", "zoneinfo.zip of the Go distribution")
	f.Int64Var(&seconds, "date", 0, "time of all files, seconds since 1970")
	f.StringVar(&deploy, "deploy", "docs/deploy", "folder of the compose file and what it mounts")
	f.IntVar(&port, "port", 22480, "first of three ports that programs listen on while they are tried")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	r.Date = time.Unix(seconds, 0).UTC()
	switch args[0] {
	case "build":
		return build(r, programs, out)
	case "check":
		return checkAll(out)
	case "try":
		return tryAll(out, port)
	case "stack":
		return tryStack(out, deploy)
	}
	return fmt.Errorf("%q is none of build, check, try, stack", args[0])
}

// build makes the images of all plans in the folder out, which is emptied before.
func build(r release, programs, out string) error {
	if err := cmp.Or(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	base, err := baseLayer(r)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if err := p.write(r, base, programs, out); err != nil {
			return fmt.Errorf("image %s: %w", p.Name, err)
		}
	}
	return nil
}
