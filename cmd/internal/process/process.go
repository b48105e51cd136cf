// Package process runs programs for tests that kill and restart them: a program with its arguments goes in; it can be
// started, signalled, ended and started again, with one log for all its runs.
package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Process is a program. Its methods are for one goroutine. It dies with the thread that started it.
type Process struct {
	Name string
	Log  *os.File // what it writes

	path string
	args []string
	env  []string

	cmd   *exec.Cmd // nil when it is not to run
	ended chan struct{}
	err   error // of its end, when ended is closed
}

// New returns a program that does not run yet. What it writes goes to NAME.log in dir; env is added to the environment.
func New(name, path, dir string, args []string, env ...string) (*Process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	return &Process{Name: name, path: path, args: args, env: append(os.Environ(), env...), Log: log}, err
}

// Start starts it, unless it runs.
func (p *Process) Start() error {
	if p.cmd != nil {
		return nil
	}
	cmd, ended := exec.Command(p.path, p.args...), make(chan struct{})
	cmd.Stdout, cmd.Stderr, cmd.Env = p.Log, p.Log, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	p.cmd, p.ended = cmd, ended
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
	return nil
}

// Runs reports whether it was started and not ended by us.
func (p *Process) Runs() bool { return p.cmd != nil }

// PID is its process id; it must run.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal when it runs.
func (p *Process) Signal(sig os.Signal) {
	if p.cmd != nil {
		p.cmd.Process.Signal(sig)
	}
}

// End sends a signal and waits for the end, which is an error when it is not in order. A kill never is.
func (p *Process) End(sig os.Signal) error {
	if p.cmd == nil {
		return nil
	}
	p.cmd.Process.Signal(sig)
	<-p.ended
	p.cmd = nil
	if sig == syscall.SIGKILL {
		return nil
	}
	return p.err
}

// Fell reports whether it ended without being told to, and why.
func (p *Process) Fell() (fallen error) {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.ended:
	default:
		return nil
	}
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// Revive starts it again when it ended without being told to, as its systemd unit does (Restart=always), and returns
// the error of that end.
func (p *Process) Revive() (fallen error, err error) {
	if fallen = p.Fell(); fallen == nil {
		return nil, nil
	}
	p.cmd = nil
	return fallen, p.Start()
}

// Tail is the end of what it wrote.
func (p *Process) Tail() string {
	b, err := os.ReadFile(p.Log.Name())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// FreeAddresses returns addresses of this machine on which nobody listens, each another.
func FreeAddresses(n int) (out []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all are held until the last is known
		out = append(out, l.Addr().String())
	}
	return out, nil
}
