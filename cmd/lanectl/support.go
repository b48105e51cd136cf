package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/simulate"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/diag/doctor"
)

// simulateCommand groups the simulators that can stand in for a device at a lane.
func simulateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "simulate", Short: "help.simulate",
		Long: "help.simulate.long",
		Example: "  lanectl simulate tsa --listen 127.0.0.1:1601\n" +
			"  lanectl simulate lane --config training.yaml --scenario busy-lane",
	}
	c.AddCommand(simulate.Devices()...)
	return c
}

// supportCommand writes one file with everything that support asks for. It needs no running agent:
// what cannot be had is named in README.txt, with the reason.
func supportCommand() *cobra.Command {
	var out, config string
	var back time.Duration
	c := &cobra.Command{
		Use: "support", Short: "help.support", Args: cobra.NoArgs,
		Long:    "help.support.long",
		Example: "  sudo lanectl support --out lane-3.tar.gz",
	}
	socket := socketFlag(c)
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "help.flag.support.out")
	f.StringVar(&config, "config", "", "help.flag.support.config")
	back = time.Hour
	cli.Duration(f, &back, "since", time.Second, "help.flag.support.since")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if out == "" {
			out = "lanewarden-support-" + time.Now().Format("20060102-150405") + ".tar.gz"
		}
		// Progress goes to standard error: the file itself may go to standard output.
		b := bundle{ctx: cmd.Context(), socket: *socket, config: config, back: back, name: "lanewarden-support",
			progress: cmd.ErrOrStderr(), p: cli.Print(cmd)}
		return writeTo(cmd, out, b.write, message.New("lanectl.support-begin"))
	}
	return c
}

// bundle is a file for support under construction.
type bundle struct {
	ctx            context.Context
	socket, config string
	back           time.Duration
	name           string
	progress       io.Writer
	p              cli.Printer // of README.txt and of what commands of ours say in it
	tar            *tar.Writer
	readme         bytes.Buffer
}

// secret matches a password in a URL up to the last @ before the path, the one place at which a
// lane file could have one: everywhere else it names a file. The first group is what stays.
var secret = regexp.MustCompile(`(://[^/@\s:]*:)[^/\s]*@`)

// write writes the bundle as a compressed tar. A part that fails is left out, and README.txt says
// why; only an error of w is returned. Parts come in the order in which a reader wants them, and
// status names the lane file for those after it.
func (b *bundle) write(w io.Writer) error {
	zip := gzip.NewWriter(w)
	b.tar = tar.NewWriter(zip)
	b.p.Writer = &b.readme
	b.p.Say("lanectl.support-made", message.String("time", time.Now().UTC().Format(time.RFC3339)),
		message.String("version", cli.Version()), message.String("system", runtime.GOOS+"/"+runtime.GOARCH))
	fmt.Fprintln(&b.readme)
	b.p.Say("lanectl.support-parts")
	for _, part := range []struct {
		name, what string
		make       func() ([]byte, error)
	}{
		{"doctor.txt", "lanectl.support-doctor", b.doctor},
		{"status.txt", "lanectl.support-status", b.status},
		{"status.json", "lanectl.support-status-json",
			func() ([]byte, error) { return fetch(b, &api.GetStatus, api.None{}) }},
		{"observations.ndjson", "lanectl.support-observations",
			func() ([]byte, error) { return fetch(b, &api.GetTail, api.TailQuery{N: 2000}) }},
		{"tests.json", "lanectl.support-tests",
			func() ([]byte, error) { return fetch(b, &api.GetTests, api.None{}) }},
		{"lane.yaml", "lanectl.support-lane", b.lane},
		{"machine.txt", "lanectl.support-machine", b.machine},
		{"laned.log", "lanectl.support-log", func() ([]byte, error) {
			return b.run("journalctl", "-u", "laned", "-n", "5000", "--no-pager", "-o", "short-iso")
		}},
	} {
		fmt.Fprintf(b.progress, "%s…\n", part.name)
		text, err := part.make()
		if err != nil {
			fmt.Fprintf(&b.readme, "  %-24s %s\n", part.name,
				b.p.Phrase("lanectl.support-missing", message.Nested("what", message.New(part.what)), message.CausedBy(err)))
			// A command that failed may have said why.
			if len(text) == 0 {
				continue
			}
		} else {
			fmt.Fprintf(&b.readme, "  %-24s %s\n", part.name, b.p.In(message.New(part.what)))
		}
		if err := b.add(part.name, text); err != nil {
			return err
		}
	}
	if err := b.tapes(); err != nil {
		return err
	}
	if err := b.add("README.txt", b.readme.Bytes()); err != nil {
		return err
	}
	if err := b.tar.Close(); err != nil {
		return err
	}
	return zip.Close()
}

// add adds a file to the bundle, private to whoever unpacks it.
func (b *bundle) add(name string, text []byte) error {
	err := b.tar.WriteHeader(&tar.Header{
		Name: path.Join(b.name, name), Mode: 0o600, Size: int64(len(text)), ModTime: time.Now(),
	})
	if err == nil {
		_, err = b.tar.Write(text)
	}
	return err
}

// maxPart bounds what is kept of an answer, in bytes.
const maxPart = 64 << 20

// fetch returns the agent's answer as it comes, up to maxPart.
func fetch[In any](b *bundle, q opener[In], in In) ([]byte, error) {
	body, err := q.Open(b.ctx, local(b.socket), in)
	if err != nil {
		return nil, explain(b.socket, err)
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, maxPart))
}

// doctor examines the machine as lanectl doctor does.
func (b *bundle) doctor() ([]byte, error) {
	var out bytes.Buffer
	options := doctorOptions(doctor.Options{Socket: b.socket, Config: b.config}, b.socket)
	printFindings(&out, doctor.Examine(b.ctx, options), b.p.Language)
	return out.Bytes(), nil
}

// status returns the status as lanectl status prints it. The agent also says which lane file it
// runs with.
func (b *bundle) status() ([]byte, error) {
	s, err := api.GetStatus.Ask(b.ctx, local(b.socket), api.None{})
	if err != nil {
		return nil, explain(b.socket, err)
	}
	if b.config == "" {
		b.config = s.Config
	}
	var out bytes.Buffer
	printStatus(cli.Printer{Writer: &out, Language: b.p.Language}, s)
	return out.Bytes(), nil
}

// lane returns the lane file without passwords.
func (b *bundle) lane() ([]byte, error) {
	text, err := os.ReadFile(b.config)
	return secret.ReplaceAll(text, []byte("${1}***@")), err
}

// machine returns the output of commands about the machine: load, memory, disks, network, clock,
// serial adapters. A command that this machine does not have is named with its error.
func (b *bundle) machine() ([]byte, error) {
	var out bytes.Buffer
	for _, c := range [][]string{{"uname", "-a"}, {"uptime"}, {"free", "-m"}, {"df", "-h"}, {"df", "-i"},
		{"ip", "addr"}, {"ip", "route"}, {"ss", "-tunlp"}, {"timedatectl"}, {"ls", "-l", "/dev/serial/by-id"}} {
		text, err := b.run(c[0], c[1:]...)
		fmt.Fprintf(&out, "$ %s\n%s", c, text)
		if err != nil {
			fmt.Fprintf(&out, "(%v)\n", err)
		}
		fmt.Fprintln(&out)
	}
	return out.Bytes(), nil
}

// commandTime bounds one command: df hangs on a network file system that is away.
const commandTime = 10 * time.Second

// run runs a command and returns what it wrote to both outputs, also when it failed.
func (b *bundle) run(name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(b.ctx, commandTime)
	defer cancel()
	return exec.CommandContext(ctx, name, args...).CombinedOutput()
}

// tapes adds each device's recording of the last while. A device whose recording cannot be had is
// named in README.txt.
func (b *bundle) tapes() error {
	s, err := api.GetStatus.Ask(b.ctx, local(b.socket), api.None{})
	if err != nil {
		fmt.Fprintf(&b.readme, "  %-24s %s\n", "tapes/", b.p.Phrase("lanectl.support-missing",
			message.Nested("what", message.New("lanectl.support-tapes", message.ExactDuration("span", b.back))),
			message.CausedBy(explain(b.socket, err))))
		return nil
	}
	fmt.Fprintf(&b.readme, "  %-24s %s\n", "tapes/*.tape",
		b.p.Phrase("lanectl.support-tapes", message.ExactDuration("span", b.back)))
	to := time.Now().Add(-3 * time.Second) // without waiting for what is under way
	for _, d := range s.Devices {
		fmt.Fprintf(b.progress, "tapes/%s.tape…\n", d.ID)
		r, err := fetchRecording(b.ctx, b.socket, d.ID, to.Add(-b.back), to)
		if err != nil {
			fmt.Fprintf(&b.readme, "    %s\n", b.p.Phrase("lanectl.support-missing",
				message.Nested("what", message.Verbatim(d.ID)), message.CausedBy(err)))
			continue
		}
		var out bytes.Buffer
		if err := r.Write(&out); err != nil {
			return err
		}
		if err := b.add("tapes/"+d.ID+".tape", out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
