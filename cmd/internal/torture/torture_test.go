package torture

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

var (
	faults = flag.Int("faults", 0, "random faults of TestTorture; 0 skips it")
	cuts   = flag.Int("cuts", 0, "power cuts under the agent, and as many under the hub")
	seed   = flag.Uint64("seed", 1, "which faults are drawn")
	broken = flag.Bool("controls", false, "run TestControls")
	keep   = flag.String("keep", "", "a folder for programs and logs that stays; without it one is made and removed")
)

// TestTorture: nothing acknowledged is lost or doubled, evidence holds, and nobody has to do anything.
func TestTorture(t *testing.T) {
	if *faults+*cuts == 0 {
		t.Skip("make torture runs it")
	}
	if err := Able(); err != nil {
		t.Skip(err)
	}
	c := Config{Seed: *seed, Faults: *faults, Cuts: *cuts, Dir: *keep, Log: os.Stdout, Patience: 4 * time.Minute}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result := report(ctx, t, c)
	for _, p := range result.Problems() {
		t.Error(p)
	}
	if result.Broken() {
		t.Error("a promise was broken")
	}
}

// report runs and prints the table.
func report(ctx context.Context, t *testing.T, c Config) *Result {
	result, err := Run(ctx, c)
	if err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", result)
	return result
}

// TestControls: a run of programs that are broken on purpose fails, each in its own way.
func TestControls(t *testing.T) {
	if !*broken {
		t.Skip("make torture-controls runs it")
	}
	if err := Able(); err != nil {
		t.Skip(err)
	}
	for name, control := range Controls {
		t.Run(name, func(t *testing.T) {
			c := Config{Seed: *seed, Faults: 30, Cuts: 5, Control: control, Dir: t.TempDir(), Log: os.Stdout,
				Patience: 30 * time.Second}
			result := report(t.Context(), t, c)
			for _, p := range result.Problems() {
				t.Logf("%.200s", p)
			}
			if !result.Broken() {
				t.Error("nothing was found wrong")
			}
		})
	}
}

// TestPatches: each control, and the clock, still fits the code that it changes.
func TestPatches(t *testing.T) {
	roots, err := goEnv(t.Context(), "GOROOT", "GOMOD")
	if err != nil {
		t.Fatal(err)
	}
	patches := Control{clockPatch}
	for _, control := range Controls {
		patches = append(patches, control...)
	}
	for _, p := range patches {
		if err := p.write(p.source(roots), t.TempDir()+"/patched.go"); err != nil {
			t.Error(err)
		}
	}
	missing := Patch{"sync/hub/ledger/batch.go", "this is not in the code", ""}
	if missing.write(missing.source(roots), t.TempDir()+"/patched.go") == nil {
		t.Error("a patch that does not fit was made")
	}
}
