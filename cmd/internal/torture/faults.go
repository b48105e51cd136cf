package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"

	"lanewarden/cmd/internal/process"
)

// Names of kinds of faults, as the table has them.
const (
	kill      = "kill -9"
	pausing   = "SIGSTOP"
	restart   = "SIGTERM"
	linkCut   = "link cut"
	slowLink  = "slow link"
	halfOpen  = "half-open link"
	fullDisk  = "full disk"
	ioError   = "EIO"
	clockStep = "clock step"
	powerCut  = "power cut"
)

// Targets.
const (
	agentName = "agent"
	hubName   = "hub"
	linkName  = "link"
)

// kind is a kind of fault. inflict returns how often something was injected.
type kind struct {
	weight  int // share in the draw; 0 for what is not drawn
	targets []string
	inflict func(*rig, context.Context, fault, *rand.Rand) (injected int, err error)
}

// kindNames is the order of the table, and of the draw.
var kindNames = []string{kill, pausing, restart, linkCut, slowLink, halfOpen, fullDisk, ioError, clockStep, powerCut}

var both = []string{agentName, hubName}

// kinds is filled in by init: the faults draw kinds themselves.
var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		kill:      {6, both, (*rig).kill},
		pausing:   {3, both, (*rig).pauseProcess},
		restart:   {2, both, (*rig).restart},
		linkCut:   {3, []string{linkName}, (*rig).cutLink},
		slowLink:  {2, []string{linkName}, (*rig).slowLink},
		halfOpen:  {2, []string{linkName}, (*rig).halfOpen},
		fullDisk:  {2, both, (*rig).fillDisk},
		ioError:   {3, both, (*rig).failWrites},
		clockStep: {3, both, (*rig).stepClock},
		powerCut:  {0, both, (*rig).cutPower},
	}
}

// kill kills a program and starts it again.
func (r *rig) kill(ctx context.Context, f fault, rng *rand.Rand) (int, error) {
	p := r.process(f.target)
	p.End(syscall.SIGKILL)
	if rng.IntN(2) == 0 {
		if err := sleep(ctx, f.length/4); err != nil {
			return 1, err
		}
	}
	return 1, p.Start()
}

// pauseProcess stops a program for a while, as a machine that is busy or a hypervisor does.
func (r *rig) pauseProcess(ctx context.Context, f fault, _ *rand.Rand) (int, error) {
	p := r.process(f.target)
	p.Signal(syscall.SIGSTOP)
	err := sleep(ctx, f.length)
	p.Signal(syscall.SIGCONT)
	return 1, err
}

// restart ends a program in order, and starts it again.
func (r *rig) restart(_ context.Context, f fault, _ *rand.Rand) (int, error) {
	r.stop(r.process(f.target))
	return 1, r.process(f.target).Start()
}

// stop ends a program in order. One that had only begun ends by the signal itself.
func (r *rig) stop(p *process.Process) {
	err := p.End(syscall.SIGTERM)
	if err == nil {
		return
	}
	fmt.Fprintf(r.log, "  the %s ended with %v\n", p.Name, err)
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		r.noteCrash(p, err)
	}
}

// noteCrash notes an end that is no error of which the program told, as that its disk is full (status 1), but a crash.
func (r *rig) noteCrash(p *process.Process, err error) {
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		r.result.note("the %s crashed: %v\n%s", p.Name, err, p.Tail())
	}
}

// cutLink closes the connection and refuses new ones.
func (r *rig) cutLink(_ context.Context, f fault, _ *rand.Rand) (int, error) {
	r.proxy.Stop()
	r.heal(f, func() error { return ignoreRunning(r.proxy.Start()) })
	return 1, nil
}

// slowLink is 20 kB/s and 300 ms.
func (r *rig) slowLink(ctx context.Context, f fault, _ *rand.Rand) (int, error) {
	return 1, r.toxics(ctx, f, `{"name":"thin","type":"bandwidth","stream":"upstream","attributes":{"rate":20}}`,
		`{"name":"far","type":"latency","stream":"downstream","attributes":{"latency":300}}`)
}

// halfOpen swallows what is sent either way: the connection is dead without a word.
func (r *rig) halfOpen(ctx context.Context, f fault, _ *rand.Rand) (int, error) {
	return 1, r.toxics(ctx, f, `{"name":"up","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
		`{"name":"down","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
}

// toxics puts toxics on the link, as toxiproxy names them, in place of those that are there.
func (r *rig) toxics(ctx context.Context, f fault, list ...string) error {
	r.proxy.Toxics.ResetToxics(ctx)
	var errs []error
	for _, toxic := range list {
		_, err := r.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
		errs = append(errs, err)
	}
	r.heal(f, func() error {
		r.proxy.Toxics.ResetToxics(ctx)
		return nil
	})
	return errors.Join(errs...)
}

// fillDisk leaves no room on a program's disk.
func (r *rig) fillDisk(_ context.Context, f fault, _ *rand.Rand) (int, error) {
	d := r.disk(f.target)
	d.Fill()
	r.heal(f, func() error {
		d.Free()
		return nil
	})
	return 1, nil
}

// cutPower takes the power from a program's machine: it is gone at once, and so is what its disk had not synced.
func (r *rig) cutPower(_ context.Context, f fault, rng *rand.Rand) (int, error) {
	p, d := r.process(f.target), r.disk(f.target)
	lost := d.Cut(rng)
	p.End(syscall.SIGKILL)
	if err := errors.Join(d.Unmount(), d.Mount()); err != nil {
		return 1, err
	}
	r.result.cut(lost)
	fmt.Fprintf(r.log, "  %d pages gone, %d torn or kept, %d names undone\n", lost.Pages, lost.Torn, lost.Names)
	return 1, p.Start()
}
