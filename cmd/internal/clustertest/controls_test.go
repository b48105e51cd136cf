package clustertest

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lanewarden/cmd/internal/torture"
)

var (
	broken  = flag.Bool("controls", false, "run TestControls")
	control = flag.String("control", "", "a program of controls that TestCluster takes as its hubs")
)

// controls are hubs that each break a rule on which the promise rests. TestCluster has to fail with each of them, or it
// does not see what it is for.
var controls = map[string]torture.Control{
	// A batch is filed wherever the cursor stands, also when another hub has filed it.
	"cursor-unchecked": {
		{File: "sync/hub/ledger/batch.go", Old: "if b.Prev != cursor.Idx {", New: "if false {"},
		{File: "sync/hub/ledger/postgres/tx.go", Old: "if err := t.refuseHeld(rows); err != nil {",
			New: "if false {\n\t\tvar err error"},
	},
}

// buildHub builds lanehub, or the control that is asked for.
func (r *rig) buildHub(to string) {
	args := []string{"go", "build", "-o", to}
	if *control != "" {
		overlay, err := controls[*control].Overlay(r.Context(), r.dir)
		if err != nil {
			r.Fatal(err)
		}
		args = append(args, "-overlay", overlay)
	}
	r.run(append(args, "lanewarden/cmd/lanehub")...)
}

// TestControls: TestCluster finds rows lost or doubled, or evidence that is wrong, with each of the hubs that are
// broken on purpose.
func TestControls(t *testing.T) {
	if !*broken {
		t.Skip("make cluster-controls runs it")
	}
	for name := range controls {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCluster$", "-test.v", "-test.timeout=0",
				"-every-part", "-control="+name)
			text, err := command.CombinedOutput()
			out := string(text)
			t.Log(out)
			if found := strings.Contains(out, differs) || strings.Contains(out, wrongEvidence); err == nil || !found {
				t.Error("nothing was found wrong with the rows")
			}
		})
	}
}

// TestPatches: each control still fits the code that it changes.
func TestPatches(t *testing.T) {
	for name, c := range controls {
		if _, err := c.Overlay(t.Context(), t.TempDir()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
