package downlink

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// journalOf opens a lane's journal.
func journalOf(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// killed is a lane in a folder whose process ends at a step, the hard way.
func killed(t *testing.T, dir, centre, step string, rounds int) {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(centre, "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	l := &lane{user: &user{dir: filepath.Join(dir, "user")}, now: time.Now(), trusted: true}
	j := journalOf(t, dir)
	defer j.Close()
	l.open(t, filepath.Join(dir, "orders"), root)
	l.o.Journal = j
	l.o.stop = func(at string) {
		if at == step {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			select {}
		}
	}
	l.reportInterrupted(t.Context())
	for range rounds {
		if _, err := l.Import(t.Context(), centre); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKillChild is the process that TestKill ends; alone it does nothing.
func TestKillChild(t *testing.T) {
	if dir := os.Getenv("DOWNLINK_LANE"); dir != "" {
		killed(t, dir, os.Getenv("DOWNLINK_CENTRE"), os.Getenv("DOWNLINK_STEP"), 1)
	}
}

// kills is how often the process is killed at each step.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("LANEWARDEN_KILLS")); err == nil {
		return n
	}
	return 1
}

// An agent that is killed at any step goes on: what it took is in use and journalled once, and nothing
// else is.
func TestKill(t *testing.T) {
	c := newCentre(t)
	c.publish(t, "lists/targets/full-1.csv", "", "one", "lists")
	c.publish(t, "bundles/b.zip", "", "bundle", "targets-1", "targets-2")
	for _, step := range []string{"checked", "kept", "fetched", "pending", "applied", "journalled"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			for range kills() {
				killAndGoOn(t, c, step)
			}
		})
	}
}

// killAndGoOn has a process killed at a step, goes on with what it left, and checks what is in use and journalled.
func killAndGoOn(t *testing.T, c *centre, step string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "user"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), "DOWNLINK_LANE="+dir, "DOWNLINK_CENTRE="+c.dir, "DOWNLINK_STEP="+step)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed: %v\n%s", err, out)
	}
	killed(t, dir, c.dir, "", 2)
	if told := toldTargets(t, dir); len(told) != 2 || told["bundles/b.zip"] != 1 || told["lists/targets/full-1.csv"] != 1 {
		t.Errorf("journalled: %v", told)
	}
	u := &user{dir: filepath.Join(dir, "user")}
	if got := fmt.Sprint(u.has("lists/targets/full-1.csv"), u.has("bundles/b.zip")); got != "onebundle" {
		t.Errorf("in use: %s", got)
	}
}

// toldTargets returns how often a lane's journal says that each target was taken.
func toldTargets(t *testing.T, dir string) map[string]int {
	t.Helper()
	j := journalOf(t, dir)
	defer j.Close()
	rows, err := j.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		if o.Body.Kind() != observation.Kind_KIND_ORDERS_CHECKED {
			continue
		}
		for _, one := range o.Body.GetOrdersChecked().Taken {
			told[one.Path]++
		}
	}
	return told
}
