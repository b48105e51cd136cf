package liststore

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lanewarden/firmware-config/lists"
)

// Environment of the program that is killed: the store, the file to install, and the step at which it kills itself.
const (
	killDir  = "LISTSTORE_KILL_DIR"
	killFile = "LISTSTORE_KILL_FILE"
	killStep = "LISTSTORE_KILL_STEP"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDir) != "" {
		os.Exit(installAndDie())
	}
	os.Exit(m.Run())
}

// installAndDie installs a file and kills its own process at a step.
func installAndDie() int {
	s, err := Open(os.Getenv(killDir))
	if err != nil {
		return 2
	}
	s.step = func(name string) {
		if name == os.Getenv(killStep) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Hour) // until the signal is there
		}
	}
	f, err := os.Open(os.Getenv(killFile))
	if err != nil {
		return 2
	}
	if _, err := s.Install(context.Background(), f); err != nil {
		return 3
	}
	return 0
}

// steps are the failpoints of a full file and of a delta.
var steps = map[string][]string{
	"full":  {"begun", "built", "synced", "renamed", "switched", "old-removed"},
	"delta": {"begun", "applied", "committed", "log-copied", "log-emptied"},
}

// kills is how often the program is killed at each step.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("LANEWARDEN_KILLS")); err == nil {
		return n
	}
	return 2
}

// Killed at any step of a switch, the store has the old or the new version, whole, and takes the file when it comes again.
func TestKilledAtEachStep(t *testing.T) {
	before, next := drivers(400, 0), mutate(drivers(400, 0), rand.New(rand.NewPCG(1, 2)))
	full1, _ := listFile(t, lists.Drivers, 1, before)
	full2, _ := listFile(t, lists.Drivers, 2, next)
	files := map[string]string{"full": full2, "delta": deltaFile(t, full1, full2)}
	for form, names := range steps {
		for _, step := range names {
			t.Run(form+"/"+step, func(t *testing.T) {
				for range kills() {
					killed(t, step, full1, files[form], rowsByKey(before), rowsByKey(next))
				}
			})
		}
	}
}

func killed(t *testing.T, step, first, second string, before, next map[string]string) {
	dir := filepath.Join(t.TempDir(), "lists")
	s := openStore(t, dir)
	check(t, install(t, s, first))
	check(t, s.Close())
	child(t, dir, second, step)
	for range 2 { // opening must not change what is in force
		s = openStore(t, dir)
		if len(s.Problems()) > 0 {
			t.Fatal(s.Problems())
		}
		want := map[int64]map[string]string{1: before, 2: next}[s.Versions()[0].Number]
		if got := content(t, s, lists.Drivers); !maps.Equal(got, want) {
			t.Fatalf("version %d has %d rows that are not its own", s.Versions()[0].Number, len(got))
		}
		check(t, s.Close())
	}
	s = openStore(t, dir)
	if s.Versions()[0].Number == 1 {
		check(t, install(t, s, second))
	}
	if got := content(t, s, lists.Drivers); !maps.Equal(got, next) {
		t.Fatalf("%d rows after the second try", len(got))
	}
}

// child runs the program that installs a file; at a step it ends by SIGKILL.
func child(t *testing.T, dir, file, step string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir, killFile+"="+file, killStep+"="+step)
	err := cmd.Run()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signal() != syscall.SIGKILL {
		t.Fatalf("was not killed at %s: %v", step, err)
	}
}

// Killed at any moment, between the steps too, the same holds.
func TestKilledAtAnyMoment(t *testing.T) {
	before, next := drivers(3000, 0), mutate(drivers(3000, 0), rand.New(rand.NewPCG(3, 4)))
	full1, _ := listFile(t, lists.Drivers, 1, before)
	full2, _ := listFile(t, lists.Drivers, 2, next)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for i, file := range []string{full2, deltaFile(t, full1, full2)} {
		for range kills() {
			dir := filepath.Join(t.TempDir(), "lists")
			s := openStore(t, dir)
			check(t, install(t, s, full1))
			check(t, s.Close())
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), killDir+"="+dir, killFile+"="+file, killStep+"=none")
			check(t, cmd.Start())
			timer := time.AfterFunc(time.Duration(rng.IntN(80))*time.Millisecond, func() { cmd.Process.Kill() })
			cmd.Wait() // by the signal or by itself
			timer.Stop()
			s = openStore(t, dir)
			want := map[int64]map[string]string{1: rowsByKey(before), 2: rowsByKey(next)}[s.Versions()[0].Number]
			if got := content(t, s, lists.Drivers); !maps.Equal(got, want) || len(s.Problems()) > 0 {
				t.Fatalf("file %d: version %d has %d rows that are not its own; %v", i, s.Versions()[0].Number, len(got), s.Problems())
			}
			check(t, s.Close())
		}
	}
}
