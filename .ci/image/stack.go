package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// stack is the compose file's services of ours, run without Docker: each in its image's root, which is read-only,
// with its volumes, arguments and user. They share a network namespace, in which all names are 127.0.0.1. Call it
// through unshare --mount --net --pid: its mounts, ports and programs end with these namespaces.
type stack struct {
	dir      string // copy of docs/deploy
	services map[string]*service
}

// service is a running service.
type service struct {
	name  string
	cmd   *exec.Cmd
	log   bytes.Buffer
	stop  context.CancelFunc
	ended chan struct{} // closed when it has
}

// hosts are the services' names, all on this machine.
const hosts = "127.0.0.1 localhost hub agent\n"

// startOrder is also the order in which they are stopped, backwards: the hub hears the agent's last words.
var startOrder = []string{"hub", "agent", "lane"}

// tryStack runs the compose file of the folder deploy with the images in the folder out.
func tryStack(out, deploy string) (err error) {
	work, err := os.MkdirTemp("", "lanewarden-stack-")
	if err != nil {
		return err
	}
	// What is mounted below it goes with the namespace; nothing is removed through a mount.
	s := &stack{dir: filepath.Join(work, "deploy"), services: map[string]*service{}}
	defer func() {
		err = errors.Join(err, s.end())
		if unmounted(work) {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	if err := s.setUp(work, out, deploy); err != nil {
		return err
	}
	if err := s.observe(); err != nil {
		return errors.Join(err, s.logs())
	}
	return nil
}

// setUp copies the deployment, has its prepare make the secrets with the images' own programs, and starts the services.
func (s *stack) setUp(work, out, deploy string) error {
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	if text, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, text)
	}
	if err := os.CopyFS(s.dir, os.DirFS(deploy)); err != nil {
		return err
	}
	arch := slices.IndexFunc(architectures, native)
	if arch < 0 {
		return fmt.Errorf("no image is for this machine")
	}
	containers, bin := map[string]*container{}, filepath.Join(work, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	for _, p := range plans {
		c := &container{plan: p, root: filepath.Join(work, p.Name)}
		if err := os.Mkdir(c.root, 0o755); err != nil {
			return err
		}
		var err error
		if c.config, err = unpackImage(filepath.Join(out, p.Name), architectures[arch], c.root); err != nil {
			return err
		}
		for _, name := range p.Programs {
			if err := os.Symlink(filepath.Join(c.root, "usr/bin", name), filepath.Join(bin, name)); err != nil {
				return err
			}
		}
		containers[p.Name] = c
	}
	prepare := exec.Command(filepath.Join(s.dir, "compose/prepare"), "try")
	prepare.Env = append(os.Environ(), "BIN="+bin)
	if text, err := prepare.CombinedOutput(); err != nil {
		return fmt.Errorf("prepare: %w: %s", err, text)
	}
	project, err := loadCompose(filepath.Join(s.dir, "compose/compose.yaml"))
	if err != nil {
		return err
	}
	for _, name := range startOrder {
		if err := s.start(containers[name], project.Services[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// start mounts a service's volumes in its root, makes the root read-only, and starts its program.
func (s *stack) start(c *container, of types.ServiceConfig) error {
	if err := os.WriteFile(filepath.Join(c.root, "etc/hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	for _, v := range of.Volumes {
		if err := mountPoint(v.Source, filepath.Join(c.root, v.Target)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(c.root, "proc"), 0o755); err != nil {
		return err
	}
	// A mount of the root on itself can be made read-only without the file system that it is of.
	if err := mount(c.root, c.root, syscall.MS_BIND); err != nil {
		return err
	}
	for _, v := range of.Volumes {
		at := filepath.Join(c.root, v.Target)
		if err := mount(v.Source, at, syscall.MS_BIND); err != nil {
			return err
		}
		if v.ReadOnly {
			if err := mount("", at, syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY); err != nil {
				return err
			}
		}
	}
	if err := syscall.Mount("tmpfs", filepath.Join(c.root, "tmp"), "tmpfs", 0, "mode=1777"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	if err := syscall.Mount("proc", filepath.Join(c.root, "proc"), "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	if err := mount("", c.root, syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	one := &service{name: of.Name, stop: cancel, ended: make(chan struct{})}
	one.cmd = c.command(ctx, append(slices.Clone(c.config.Entrypoint), of.Command...)...)
	one.cmd.Stdout, one.cmd.Stderr = &one.log, &one.log
	if err := one.cmd.Start(); err != nil {
		cancel()
		return err
	}
	s.services[of.Name] = one
	go func() {
		defer close(one.ended)
		_ = one.cmd.Wait() // its exit code is looked at when it was stopped
	}()
	return nil
}

func mount(source, target string, flags uintptr) error {
	if err := syscall.Mount(source, target, "", flags, ""); err != nil {
		return fmt.Errorf("mount %s at %s: %w", source, target, err)
	}
	return nil
}

// mountPoint makes a file or folder at which source can be mounted.
func mountPoint(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(target, 0o755)
	}
	return errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, nil, 0o644))
}

// unmounted unmounts what is below a folder, and reports whether nothing is left.
func unmounted(dir string) bool {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	slices.Reverse(lines) // a mount within another goes first
	for _, line := range lines {
		if part := strings.Fields(line); len(part) > 1 && strings.HasPrefix(part[1], dir+"/") {
			if err := syscall.Unmount(part[1], 0); err != nil {
				return false
			}
		}
	}
	return true
}

// running returns an error when a service has ended by itself.
func (s *stack) running() error {
	for _, one := range s.services {
		select {
		case <-one.ended:
			return fmt.Errorf("%s ended by itself: %s", one.name, one.cmd.ProcessState)
		default:
		}
	}
	return nil
}

// end stops the services and returns an error for each that does not take SIGTERM well.
func (s *stack) end() error {
	var all []error
	for _, name := range slices.Backward(startOrder) {
		one := s.services[name]
		if one == nil {
			continue
		}
		one.stop()
		select {
		case <-one.ended:
		case <-time.After(2 * stopTime):
			all = append(all, fmt.Errorf("%s does not end", name))
			continue
		}
		if code := one.cmd.ProcessState.ExitCode(); code != 0 {
			all = append(all, fmt.Errorf("%s ended with %s\n%s", name, one.cmd.ProcessState, one.log.String()))
		}
	}
	return errors.Join(all...)
}

// logs returns what the services said, as an error.
func (s *stack) logs() error {
	var all []error
	for name, one := range s.services {
		text := one.log.String()
		all = append(all, fmt.Errorf("%s: %s", name, text[max(0, len(text)-2000):]))
	}
	return errors.Join(all...)
}
