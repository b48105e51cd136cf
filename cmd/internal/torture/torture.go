// Package torture runs an agent and a hub under faults drawn by a seed, while devices post without pause, and then
// holds the hub's ledger against what was acknowledged to those devices: each result once, whole, and with its
// evidence.
//
// What goes in is a Config; what comes out is a Result and its table. It is a package that its own test runs, not a
// program, because go test builds, runs and checks it as everything else, and no program of the product has to know
// of it: `make torture` is TestTorture with flags. The programs are built with time.Now overlaid, so that clocks can
// be stepped; nothing else in them differs from what is released.
package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"
)

// Config says what a run does. The same Seed, Faults and Cuts give the same faults in the same order; moments differ.
type Config struct {
	Seed    uint64
	Faults  int     // random ones other than power cuts
	Cuts    int     // power cuts under the agent, and as many under the hub, in between
	Control Control // what is broken on purpose, so that the run has to fail; nil for nothing
	Dir     string  // an empty directory for programs, disks and logs
	Log     io.Writer

	// Patience is how long the programs may take for anything; no promise of theirs, as a machine may be busy with
	// other things. One that needs longer is held to need a person.
	Patience time.Duration
}

// Able returns an error that says what is missing on this machine.
func Able() error {
	if os.Geteuid() != 0 {
		return errors.New("needs root, for FUSE and for strace")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return fmt.Errorf("needs FUSE: %w", err)
	}
	if _, err := exec.LookPath("strace"); err != nil {
		return fmt.Errorf("needs strace (apt-get install strace): %w", err)
	}
	return nil
}

// Run builds the programs, starts them, does what the seed draws, heals everything, waits until the hub has all, and
// checks. What was found wrong is in the Result; an error means that the rig failed.
func Run(ctx context.Context, c Config) (result *Result, err error) {
	begin := time.Now()
	result = &Result{Seed: c.Seed}
	r, err := newRig(ctx, c, result)
	if err != nil {
		return result, err
	}
	defer func() {
		err = errors.Join(err, r.close())
		result.Seconds = time.Since(begin).Seconds()
	}()
	if err := r.awaken(ctx); errors.Is(err, errStuck) {
		result.ManualSteps++
		result.note("%v", err)
		return result, nil
	} else if err != nil {
		return result, err
	}
	load := r.startLoad(ctx)
	err = r.torture(ctx, plan(c))
	load.stop()
	for _, err := range []error{err, r.settle(ctx)} {
		if errors.Is(err, errStuck) {
			result.ManualSteps++
			result.note("%v", err)
		} else if err != nil {
			return result, err
		}
	}
	return result, r.check(ctx)
}

// torture does the faults one after the other. Some last until others have happened.
func (r *rig) torture(ctx context.Context, faults []fault) error {
	for i, f := range faults {
		fmt.Fprintf(r.log, "%s fault %d of %d: %s\n", time.Now().Format("15:04:05.000"), i+1, len(faults), f)
		if err := r.inflict(ctx, f); err != nil {
			return fmt.Errorf("fault %d, %s: %w", i+1, f, err)
		}
		if err := r.healDue(ctx, false); err != nil {
			return err
		}
		if f.watch {
			if err := r.watchProgress(ctx); err != nil {
				return fmt.Errorf("after fault %d, %s: %w", i+1, f, err)
			}
		}
	}
	return r.healDue(ctx, true)
}

// inflict does one fault and counts it.
func (r *rig) inflict(ctx context.Context, f fault) error {
	if err := sleep(ctx, f.pause); err != nil {
		return err
	}
	if err := r.revive(); err != nil { // or a kill would hide a crash
		return err
	}
	begin := time.Now()
	n, err := kinds[f.kind].inflict(r, ctx, f, rand.New(rand.NewPCG(f.seed, 1)))
	r.result.count(f.kind, n, time.Since(begin))
	return err
}

// sleep waits for a time that the seed drew: a random moment is what is tested.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
