package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar with the programs on the path, and an agent that has nothing at $AGENT.
func TestScripts(t *testing.T) {
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("REPO", repo)
			e.Setenv("AGENT", filepath.Join(e.WorkDir, "agent.sock"))
			return emptyAgent(e)
		},
	})
}

// exits runs a program that must end with a certain exit code: exits CODE PROGRAM ARGUMENTS. What it prints is looked
// at with stdout and stderr, as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	have := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		have, err = failed.ExitCode(), nil
	}
	ts.Check(err)
	if have != want {
		ts.Fatalf("exit code %d, want %d", have, want)
	}
}

// emptyAgent answers at $AGENT as an agent does that has no devices, passages or observations.
func emptyAgent(e *testscript.Env) error {
	l, err := net.Listen("unix", e.Getenv("AGENT"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for path, text := range map[string]string{"/v1/tail": "", "/v1/passages": `{"passages":[]}`, "/v1/status": "{}"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	}
	s := httptest.NewUnstartedServer(mux)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	e.Defer(s.Close)
	return nil
}
