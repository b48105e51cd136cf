// Package peer runs the programs of others that tests hold the drivers against: Modbus servers, brokers, DICOM tools,
// browsers. Need skips a test, with the tool's own words, where a tool is missing or broken; Start runs a server for as
// long as a test, and fails the test at once when the server ends by itself.
package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// probeTime is for a probe to end: a first start takes half a minute on a busy machine.
	probeTime = 3 * time.Minute
	// stopTime is for a server to end after SIGTERM, before SIGKILL.
	stopTime = 5 * time.Second
	// wordsSize is the number of bytes of a program's last output that are kept.
	wordsSize = 4 << 10
	// requiredVariable makes a missing tool a failure instead of a skip, when it is "required": for machines on which
	// .ci/setup has installed everything.
	requiredVariable = "LANEWARDEN_PEERS"
)

// Tool is a program of others, or several of one package.
type Tool struct {
	Name     string
	Packages string // of Debian, that have it
	// Probes are commands that end with 0 when the tool can do what the tests ask of it: the imports of their scripts,
	// the start of each program. Presence of a file is not enough.
	Probes [][]string
}

var results sync.Map // by name: func() error, which probes once

// Check runs the tool's probes, once in each test binary, and returns why it cannot be used.
func (tool Tool) Check() error {
	check, _ := results.LoadOrStore(tool.Name, sync.OnceValue(tool.probe))
	return check.(func() error)()
}

func (tool Tool) probe() error {
	for _, command := range tool.Probes {
		ctx, cancel := context.WithTimeout(context.Background(), probeTime)
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		cancel()
		if err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				err = fmt.Errorf("no answer within %s", probeTime)
			}
			return fmt.Errorf("%s cannot be used (apt-get install %s): %s: %w: %s", tool.Name, tool.Packages,
				strings.Join(command, " "), err, lastLine(out))
		}
	}
	return nil
}

// lastLine is the last line of a program's output, where interpreters and shells say what is wrong.
func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// Need skips the test where a tool cannot be used, with the reason. With LANEWARDEN_PEERS=required it fails.
func Need(t testing.TB, tools ...Tool) {
	t.Helper()
	for _, tool := range tools {
		switch err := tool.Check(); {
		case err == nil:
		case os.Getenv(requiredVariable) == "required":
			t.Fatal(err)
		default:
			t.Skip(err)
		}
	}
}

// Start runs a server, with its process group, until the test ends. The context that it returns ends with ctx, and when
// the server ends by itself: that fails the test and says what the server printed last. So a test that waits on it
// does not wait for a server that has died.
func Start(ctx context.Context, t testing.TB, cmd *exec.Cmd) context.Context {
	t.Helper()
	words := &lastWords{}
	cmd.Stdout, cmd.Stderr = words, words
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // a child that outlives the server may hold its output open
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	asked, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		err := cmd.Wait()
		select {
		case <-asked:
		default:
			if err == nil {
				err = errors.New("exit status 0")
			}
			err = fmt.Errorf("%s ended by itself: %w: %s", strings.Join(cmd.Args, " "), err, words)
			t.Error(err)
			cancel(err)
		}
	}()
	t.Cleanup(func() {
		close(asked)
		stop(cmd.Process.Pid, ended)
		cancel(nil)
	})
	return ctx
}

// stop ends a process group: SIGTERM, and SIGKILL for what is left after stopTime.
func stop(group int, ended <-chan struct{}) {
	_ = syscall.Kill(-group, syscall.SIGTERM) // it may have ended
	select {
	case <-ended:
	case <-time.After(stopTime):
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-ended
}

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	w.text = w.text[max(0, len(w.text)-wordsSize):]
	return len(p), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.text) == 0 {
		return "it printed nothing"
	}
	return "\n" + string(w.text)
}
