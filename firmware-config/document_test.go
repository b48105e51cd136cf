package firmwareconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
)

// Every built-in profile is right, and reads the recorded session that lies beside it without a fault.
func TestBuiltinProfiles(t *testing.T) {
	for _, name := range Builtin(Profiles) {
		t.Run(name, func(t *testing.T) {
			var ref driver.Ref[line.Profile]
			if err := LoadDocument(&ref, Profiles, name); err != nil {
				t.Fatal(err)
			}
			session, err := os.ReadFile(filepath.Join(Profiles, "sessions", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := line.NewReader(ref.Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]int{}
			alarms := 0
			emit := func(e line.Event) {
				if !e.Fault.IsZero() {
					t.Errorf("%s: %q", e.Fault.English(), e.Frame)
					return
				}
				kinds[e.Reading.Kind]++
				if !e.Reading.Alarm.IsZero() {
					alarms++
				}
			}
			r.Feed(time.Unix(0, 0), session, emit)
			r.Flush(time.Unix(0, 0), emit)
			if kinds["analysis"] != 2 || kinds["blank"] != 2 || kinds["verification"] != 1 || alarms != 1 {
				t.Errorf("kinds %v, %d alarms", kinds, alarms)
			}
		})
	}
}

func TestBuiltinSubstances(t *testing.T) {
	for _, name := range Builtin(Substances) {
		var ref driver.Ref[plasmagram.Library]
		if err := LoadDocument(&ref, Substances, name); err != nil {
			t.Error(err)
		}
		if ref.Value.Name != name || ref.SHA256 == [32]byte{} {
			t.Errorf("%s is named %s", name, ref.Value.Name)
		}
	}
}

// A document's own problems are told at its own lines; one that is missing at the setting that names it.
func TestDocumentProblems(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "scale.yaml")
	for text, want := range map[string]string{
		"name: s\ntitle: t\nmanual: m\nmessages:\n  - {name: a, pattern: \"{x:flaot}\"}\n":                    `scale.yaml:1:1: file: message a: pattern "{x:flaot}": type "flaot"`,
		"name: s\ntitle: t\nmanual: m\nmesages:\n  - {name: a, pattern: \"{x}\"}\n":                           `scale.yaml:4:1: file: unknown key "mesages"; did you mean "messages"?`,
		"name: s\ntitle: t\nmanual: m\nmessages:\n  - {name: a, pattern: \"{x}\", fields: [{name: y}]}\n":     "fields: y is in none of its patterns",
		"name: s\ntitle: t\nmanual: m\nmessages:\n  - {name: a, pattern: \"{x}\", alarm: [{field: x}]}\n":     "give is, above or below",
		"name: s\ntitle: t\nmanual: m\nframing: {max_bytes: 4}\nmessages:\n  - {name: a, pattern: \"{x}\"}\n": "4 is too small",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var ref driver.Ref[line.Profile]
		if err := LoadDocument(&ref, Profiles, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	var ref driver.Ref[line.Profile]
	if err := LoadDocument(&ref, Profiles, "example-swap"); err == nil || !strings.Contains(err.Error(), `did you mean "example-swab"?`) {
		t.Errorf("%v", err)
	}
}
