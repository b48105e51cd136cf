package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// recorder is a test of which one knows what it said.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	skipped  string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Skip(args ...any) { r.skipped = fmt.Sprint(args...) }
func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
}
func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
}

func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}

// stub makes a program of that name, which runs a shell script, the first of the path.
func stub(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		name, script, required string
		skipped, failed        string
	}{
		{name: "works", script: "exit 0"},
		{name: "broken", script: "echo starting; echo no module named x >&2; exit 1",
			skipped: "no module named x"},
		{name: "broken, and required", script: "echo no module named x >&2; exit 1", required: "required",
			failed: "(apt-get install some-package): peer-stub --version: exit status 1: no module named x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stub(t, "peer-stub", c.script)
			t.Setenv(requiredVariable, c.required)
			r := &recorder{TB: t}
			Need(r, programs(c.name, "some-package", "peer-stub"))
			failed := strings.Join(r.errors, "\n")
			if (r.skipped == "") != (c.skipped == "") || !strings.Contains(r.skipped, c.skipped) {
				t.Errorf("skipped: %q, want %q", r.skipped, c.skipped)
			}
			if (failed == "") != (c.failed == "") || !strings.Contains(failed, c.failed) {
				t.Errorf("failed: %q, want %q", failed, c.failed)
			}
		})
	}
}

func TestMissingTool(t *testing.T) {
	r := &recorder{TB: t}
	t.Setenv(requiredVariable, "")
	Need(r, programs("nothing", "no-package", "no-such-program-here"))
	if !strings.Contains(r.skipped, "no-such-program-here") || !strings.Contains(r.skipped, "apt-get install no-package") {
		t.Errorf("skipped: %q", r.skipped)
	}
}

// A server that dies ends the context and fails the test with its words, so that nobody waits for it.
func TestServerDies(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"with an error": {"echo listening; echo No module named serial_asyncio >&2; exit 1", "No module named serial_asyncio"},
		"without one":   {"exit 0", "it printed nothing"},
		"long words":    {"yes much | head -n 9000; echo the end; exit 3", "the end"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			ctx := Start(t.Context(), r, exec.Command("sh", "-c", c.script))
			<-ctx.Done()
			r.end()
			if len(r.errors) != 1 || !strings.Contains(r.errors[0], c.want) || len(r.errors[0]) > wordsSize+500 {
				t.Errorf("%q", r.errors)
			}
			if context.Cause(ctx) == nil || !strings.Contains(context.Cause(ctx).Error(), c.want) {
				t.Error(context.Cause(ctx))
			}
		})
	}
}

// A server that is stopped with its test is no failure, and takes its children with it.
func TestServerStopped(t *testing.T) {
	r := &recorder{TB: t}
	here, there, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "sleep 1000 & wait")
	cmd.ExtraFiles = []*os.File{there} // open in every child: its end is theirs
	ctx := Start(t.Context(), r, cmd)
	there.Close()
	if ctx.Err() != nil {
		t.Error(ctx.Err())
	}
	r.end()
	if _, err := here.Read(make([]byte, 1)); err == nil {
		t.Error("a child wrote")
	}
	if len(r.errors) > 0 {
		t.Error(r.errors)
	}
	if ctx.Err() == nil {
		t.Error("the context goes on")
	}
}
