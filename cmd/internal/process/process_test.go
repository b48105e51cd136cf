package process

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestProcess: a program is started, killed, started again, and ends by itself; its log has all of it.
func TestProcess(t *testing.T) {
	p, err := New("sleeper", "/bin/sh", t.TempDir(), []string{"-c", "echo begin $WORD; exec sleep 60"}, "WORD=again")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Log.Close()
	for run := range 2 {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return strings.Count(p.Tail(), "begin again\n") == run+1 })
		if p.Fell() != nil || !p.Runs() {
			t.Fatal("it does not run")
		}
		if err := p.End(syscall.SIGKILL); err != nil || p.Runs() {
			t.Fatal(err)
		}
	}
}

// TestRevive: a program that ends by itself is seen to have fallen, and starts again.
func TestRevive(t *testing.T) {
	p, err := New("short", "/bin/sh", t.TempDir(), []string{"-c", "exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Log.Close()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return p.Fell() != nil })
	fallen, err := p.Revive()
	if err != nil || fallen == nil || fallen.Error() != "exit status 3" || !p.Runs() {
		t.Errorf("%v, %v, runs: %t", fallen, err, p.Runs())
	}
	p.End(syscall.SIGKILL)
}

// TestFreeAddresses: no address twice.
func TestFreeAddresses(t *testing.T) {
	all, err := FreeAddresses(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a] {
			t.Errorf("%s twice", a)
		}
		seen[a] = true
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("waited for a minute")
		}
	}
}
