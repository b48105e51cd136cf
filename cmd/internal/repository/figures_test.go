package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// README's figures and what .ci/bench prints are of the same number of devices, samples and faults.
func TestFiguresAgree(t *testing.T) {
	lane, err := firmwareconfig.Load(filepath.Join(root, "firmware-config/lanes/demo.yaml"), drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	n := len(lane.Devices) // the X-ray stands idle in the benchmark
	readme, bench := read(t, "README.md"), read(t, ".ci/bench")
	for _, want := range []struct{ text, phrase string }{
		{readme, fmt.Sprintf("%d devices of the %d of `make run`", n-1, n)},
		{bench, fmt.Sprintf("%d devices of the %d of make run", n-1, n)},
		{readme, "10,000 simulated samples, half of them blanks"},
		{bench, "10,000 samples, half of them blanks"},
	} {
		if !strings.Contains(want.text, want.phrase) {
			t.Errorf("README or .ci/bench does not say %q", want.phrase)
		}
	}
	if code := read(t, "drivers/trace/ionscan/sim/tube_test.go"); !strings.Contains(code, "10000") && !strings.Contains(code, "10_000") {
		t.Error("the benchmark of substances has another number of samples")
	}
}
