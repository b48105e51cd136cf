package drivers

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// entries returns the texts of a language in a driver's folder, with the names of the values in them.
func entries(t *testing.T, folder fs.FS, language string) map[string][]string {
	t.Helper()
	files, err := fs.Glob(folder, "*."+language+".yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no texts in %s: %v", language, err)
	}
	out := map[string][]string{}
	value := regexp.MustCompile(`\{\{[^}]*?\.(\w+)[^}]*\}\}`)
	for _, name := range files {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]any
		if err := yaml.Unmarshal(data, &texts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for code, text := range texts {
			var names []string
			written, _ := yaml.Marshal(text)
			for _, m := range value.FindAllStringSubmatch(string(written), -1) {
				names = append(names, m[1])
			}
			slices.Sort(names)
			out[code] = slices.Compact(names)
		}
	}
	return out
}

// TestTexts: what drivers bring along is in both languages, with the same values, and belongs to them by its name.
func TestTexts(t *testing.T) {
	if err := AddTexts(); err != nil {
		t.Fatal(err)
	}
	for _, spec := range Catalog {
		if spec.Texts == nil {
			continue
		}
		en, fr := entries(t, spec.Texts, "en"), entries(t, spec.Texts, "fr")
		for code, values := range en {
			if !strings.Contains(strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(spec.Name, "-", "")) {
				t.Errorf("driver %s: %s does not have its name", spec.Name, code)
			}
			if other, ok := fr[code]; !ok || !slices.Equal(values, other) {
				t.Errorf("driver %s: %s has %v in English, %v in French", spec.Name, code, values, other)
			}
		}
		for code := range maps.Keys(fr) {
			if _, ok := en[code]; !ok {
				t.Errorf("driver %s: %s is in French only", spec.Name, code)
			}
		}
	}
}
