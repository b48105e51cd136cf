package journal

import (
	"encoding/json"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
)

// Every row of a log of several tiles is proven; none is after a change of anything that is hashed.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for n := range 9 {
		var obs []*observation.Observation
		for i := range 100 {
			obs = append(obs, background(100*n+i))
		}
		commit(t, j, len(obs), obs...)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := Export(dir, func(r *Row) bool { return r.Idx%7 == 0 || r.Idx > 880 })
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	read := func() (back evidence.Export) {
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		return back
	}
	check := func(e evidence.Export) []error {
		_, findings, err := e.Check("")
		if err != nil {
			t.Fatal(err)
		}
		return findings
	}
	whole := read()
	if f := check(whole); len(f) > 0 || len(whole.Records) < 130 {
		t.Fatalf("%d records, %v", len(whole.Records), f)
	}
	for name, change := range map[string]func(*evidence.ExportedRecord){
		"body":   func(r *evidence.ExportedRecord) { r.Body[0] ^= 1 },
		"time":   func(r *evidence.ExportedRecord) { r.TimeNs++ },
		"class":  func(r *evidence.ExportedRecord) { r.Class ^= 3 },
		"device": func(r *evidence.ExportedRecord) { r.Device += "x" },
		"kind":   func(r *evidence.ExportedRecord) { r.Kind++ },
		"index":  func(r *evidence.ExportedRecord) { r.Idx++ },
		"proof":  func(r *evidence.ExportedRecord) { r.Proof = r.Proof[1:] },
	} {
		e := read()
		change(&e.Records[len(e.Records)/2])
		if f := check(e); len(f) != 1 {
			t.Errorf("%s changed: %v", name, f)
		}
	}
	e2 := read()
	_, other, err := evidence.NewKey("s", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, f, err := e2.Check(other); err != nil || len(f) == 0 {
		t.Errorf("against another key: %v %v", f, err)
	}
}
