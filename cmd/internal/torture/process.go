package torture

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// process is one of the programs. Its methods are for one goroutine.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  *os.File

	cmd   *exec.Cmd // nil when it is not to run
	ended chan struct{}
	err   error // of its end, when ended is closed
}

func newProcess(name, path, dir string, args []string, env ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	return &process{name: name, path: path, args: args, env: append(os.Environ(), env...), log: log}, err
}

// start starts it, unless it runs.
func (p *process) start() error {
	if p.cmd != nil {
		return nil
	}
	cmd, ended := exec.Command(p.path, p.args...), make(chan struct{})
	cmd.Stdout, cmd.Stderr, cmd.Env = p.log, p.log, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.cmd, p.ended = cmd, ended
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal sends a signal when it runs.
func (p *process) signal(sig os.Signal) {
	if p.cmd != nil {
		p.cmd.Process.Signal(sig)
	}
}

// end sends a signal and waits for the end, which is an error when it is not in order. A kill never is.
func (p *process) end(sig os.Signal) error {
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

// revive starts it again when it ended without being told to, as its systemd unit does (Restart=always), and returns
// the error of that end.
func (p *process) revive() (fallen error, err error) {
	if p.cmd == nil {
		return nil, nil
	}
	select {
	case <-p.ended:
	default:
		return nil, nil
	}
	p.cmd = nil
	if fallen = p.err; fallen == nil {
		fallen = errors.New("exit status 0")
	}
	return fallen, p.start()
}

// tail is the end of what it wrote.
func (p *process) tail() string {
	b, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}
