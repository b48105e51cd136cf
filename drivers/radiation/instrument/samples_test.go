package instrument

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

const samples = "../../../../shared/samples/n42"

// TestSamples reads real files; expected.json was made with another reader (SpecUtils).
func TestSamples(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(samples, "expected.json"))
	if err != nil {
		t.Skipf("no samples here: %v", err)
	}
	var want map[string]map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, fields := range want {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(samples, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d, err := describe(f, name)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			text, _ := json.Marshal(d)
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			for k, w := range fields {
				if g := got[k]; !same(g, w) {
					t.Errorf("%s = %v, want %v", k, g, w)
				}
			}
		})
	}
}

func same(got, want any) bool {
	if w, ok := want.(float64); ok {
		g, ok := got.(float64)
		return ok && math.Abs(g-w) <= 1e-4*math.Max(1, math.Abs(w)*1e-2)
	}
	return got == want
}
