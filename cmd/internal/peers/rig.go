package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"lanewarden/cmd/internal/cutlink"
	"lanewarden/cmd/internal/process"
)

// rig is what one run has: a folder, addresses, the link, and the parts of the peer.
type rig struct {
	dir  string // of this run
	bin  string // of programs
	link *cutlink.Link
	// Addresses of this machine. Lane and centre listen there, the lane connects to link.From.
	lane, centre, centreHTTP string

	parts []*part
}

// Where a part runs.
const (
	atLane   = "lane"
	atCentre = "centre"
)

// part is a program of a peer.
type part struct {
	*process.Process
	where string        // atLane or atCentre
	peak  int64         // bytes of memory at most, of the runs that have ended
	begun time.Duration // processor time that it had used when the link came back
}

func newRig(o Options) (*rig, error) {
	dir, err := os.MkdirTemp(o.Dir, "run-*")
	if err != nil {
		return nil, err
	}
	free, err := process.FreeAddresses(4)
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, bin: binDir(o.Dir), link: cutlink.New(free[0], free[1]), centre: free[1], lane: free[2],
		centreHTTP: free[3]}
	return r, errors.Join(os.Mkdir(r.path(atLane), 0o750), os.Mkdir(r.path(atCentre), 0o750), r.link.Restore())
}

// path is a file of this run. What is below atLane is the lane's disk.
func (r *rig) path(elem ...string) string { return filepath.Join(append([]string{r.dir}, elem...)...) }

// part starts a program as a part of the peer.
func (r *rig) part(where, name, path string, args []string, env ...string) (*part, error) {
	p, err := process.New(name, path, r.dir, args, env...)
	if err != nil {
		return nil, err
	}
	one := &part{Process: p, where: where}
	r.parts = append(r.parts, one)
	return one, one.Start()
}

// writer starts the writer of what comes from a source.
func (r *rig) writer(source string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = r.part(atCentre, "writer", self, nil, fmt.Sprintf("%s=%s %s", writerVariable, source, r.log()))
	return err
}

// log is the writer's log.
func (r *rig) log() string { return r.path(atCentre, "received") }

// memory notes what a part that runs had at most.
func (p *part) memory() {
	if p.Runs() {
		p.peak = max(p.peak, peakMemory(p.PID()))
	}
}

// kill kills a part.
func (p *part) kill() error {
	p.memory()
	return p.End(syscall.SIGKILL)
}

// fallen returns an error when a part ended by itself.
func (r *rig) fallen() error {
	for _, p := range r.parts {
		if err := p.Fell(); err != nil {
			return fmt.Errorf("%s ended by itself: %w\n%s", p.Name, err, p.Tail())
		}
	}
	return nil
}

// tails are the ends of what the parts wrote.
func (r *rig) tails() (text string) {
	for _, p := range r.parts {
		text += fmt.Sprintf("--- %s\n%s\n", p.Name, p.Tail())
	}
	return text
}

// close ends everything and removes the folder.
func (r *rig) close() (err error) {
	for _, p := range r.parts {
		err = errors.Join(err, p.kill(), p.Log.Close())
	}
	r.link.Cut()
	return errors.Join(err, os.RemoveAll(r.dir))
}

// binDir is where buildPrograms puts programs.
func binDir(dir string) string { return filepath.Join(dir, "bin") }

// buildPrograms builds our programs, and the NATS server of go.mod.
func buildPrograms(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binDir(dir)+"/", "lanewarden/cmd/laned",
		"lanewarden/cmd/lanehub", natsServer)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return nil
}

// natsServer is the package of the NATS server's program.
const natsServer = "github.com/nats-io/nats-server/v2"
