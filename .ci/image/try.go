package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// startTime and stopTime bound how long a program may take until it answers, and to end after SIGTERM. They are long:
// the machine may be busy.
const (
	startTime = time.Minute
	stopTime  = 20 * time.Second
)

// tryLane is a lane file with one device, which needs nothing; %q is where the console listens.
const tryLane = `site: {id: try}
agent: {id: lane-1}
lanes: [{id: lane-1}]
devices: [{id: clock-1, driver: clock}]
console: {listen: %q}
`

// container is an image's root file system, unpacked, in which its programs run as in a container: with this root, as
// the image's user, without privileges.
type container struct {
	plan   plan
	root   string
	config v1.Config
}

// tryAll unpacks the images and runs their entry points: each on this machine's architecture in its own root, with
// agent and hub until they answer and then to their end; the other architecture's under qemu-user where that is
// installed. What cannot be run is said, and is no error.
func tryAll(out string, port int) error {
	dir, err := os.MkdirTemp("", "lanewarden-try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the programs' user looks for their root here
		return err
	}
	for _, arch := range architectures {
		for _, p := range plans {
			c := container{plan: p, root: filepath.Join(dir, p.Name+"-"+arch)}
			if err := os.Mkdir(c.root, 0o755); err != nil {
				return err
			}
			if c.config, err = unpackImage(filepath.Join(out, p.Name), arch, c.root); err != nil {
				return err
			}
			if err := c.try(arch, port); err != nil {
				return fmt.Errorf("%s for %s: %w", p.Name, arch, err)
			}
		}
	}
	return nil
}

// try runs what can be run of an image.
func (c *container) try(arch string, port int) error {
	if !native(arch) {
		return c.emulate(arch)
	}
	if os.Getuid() != 0 {
		fmt.Printf("%s for %s: unpacked, not run: chroot needs root\n", c.plan.Name, arch)
		return nil
	}
	for _, name := range c.plan.Programs {
		version, err := c.command(context.Background(), "/usr/bin/"+name, "--version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s --version: %w: %s", name, err, version)
		}
		fmt.Printf("%s for %s: %s", c.plan.Name, arch, version)
	}
	switch c.plan.Name {
	case "hub":
		at := fmt.Sprintf("127.0.0.1:%d", port)
		return c.serve(at, "--http", at, "--mqtt", fmt.Sprintf("127.0.0.1:%d", port+1))
	case "agent":
		at := fmt.Sprintf("127.0.0.1:%d", port+2)
		lane := fmt.Sprintf(tryLane, at)
		if err := os.WriteFile(filepath.Join(c.root, "etc/lanewarden/lane.yaml"), []byte(lane), 0o644); err != nil {
			return err
		}
		return c.serve(at)
	}
	return nil
}

// native reports whether this machine runs programs of an architecture.
func native(arch string) bool {
	name, err := exec.Command("uname", "-m").Output()
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch]
	return err == nil && strings.TrimSpace(string(name)) == machine
}

// command returns a command in the container's root, as its user and with its environment only.
func (c *container) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = c.config.WorkingDir, c.config.Env // within the new root, as the program's path is
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: c.root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	return cmd
}

// serve runs the entry point with its arguments, and those given, until its /healthz answers, and stops it. It must end
// with 0, and have written nothing outside of its volume and /tmp.
func (c *container) serve(at string, more ...string) error {
	before, err := c.files()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	args := append(append(append([]string{}, c.config.Entrypoint...), c.config.Cmd...), more...)
	cmd := c.command(ctx, args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := answers(ctx, "http://"+at+"/healthz", ended); err != nil {
		cancel()
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, log.String())
	}
	took := time.Since(begin).Round(time.Millisecond)
	cancel()
	// Wait says that the context ended it; the exit code says how the program took that.
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s: after SIGTERM: %s\n%s", strings.Join(args, " "), cmd.ProcessState, log.String())
	}
	after, err := c.files()
	if err != nil {
		return err
	}
	for name, was := range after {
		if before[name] != was {
			return fmt.Errorf("%s wrote %s, which is not in its volume", args[0], name)
		}
	}
	fmt.Printf("%s: /healthz answered after %s, SIGTERM ended it with 0, nothing written outside of %s\n",
		strings.Join(args, " "), took, c.plan.State)
	return nil
}

// answers waits until a URL answers with 200. A program that ends meanwhile is an error.
func answers(ctx context.Context, url string, ended <-chan error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
			if resp.Body.Close(); err == nil && resp.StatusCode == http.StatusOK {
				return nil
			}
			fmt.Printf("%s: %s: %s\n", url, resp.Status, text)
		}
		select {
		case <-tick.C:
		case err := <-ended:
			return errors.Join(errors.New("it ended before it answered"), err)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer within %s", url, startTime)
		}
	}
}

// files returns the time and size of everything in the root that a container with a read-only root cannot write.
func (c *container) files() (map[string]string, error) {
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(c.root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if "/"+name == c.plan.State || name == "tmp" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err == nil {
			all[name] = fmt.Sprint(info.ModTime(), info.Size())
		}
		return err
	})
	return all, err
}

// emulate runs the programs' --version under qemu-user. It needs no root of theirs, as they need no libraries.
func (c *container) emulate(arch string) error {
	qemu, err := exec.LookPath(map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}[arch])
	if err != nil {
		fmt.Printf("%s for %s: machine checked, not run: apt-get install qemu-user\n", c.plan.Name, arch)
		return nil
	}
	for _, name := range c.plan.Programs {
		version, err := exec.Command(qemu, filepath.Join(c.root, "usr/bin", name), "--version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s --version under %s: %w: %s", name, filepath.Base(qemu), err, version)
		}
		fmt.Printf("%s for %s under %s: %s", c.plan.Name, arch, filepath.Base(qemu), version)
	}
	return nil
}
