package web

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
)

func files(t *testing.T, pattern string) map[string]string {
	out := map[string]string{}
	err := fs.WalkDir(embedded, "static", func(name string, d fs.DirEntry, err error) error {
		if ok, _ := path.Match(pattern, path.Base(name)); err == nil && !d.IsDir() && ok && !strings.Contains(name, "/vendor/") {
			text, err := embedded.ReadFile(name)
			out[strings.TrimPrefix(name, "static")] = string(text)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// entry is a line of a catalogue of texts: one text, so that a translator can compare the languages line by line.
var entry = regexp.MustCompile(`^\t"((?:[^"\\]|\\.)+)": "(?:[^"\\]|\\.)*",?$`)

// catalogue returns the texts of a language, and their keys in the order of the file.
func catalogue(t *testing.T, lang string) (texts map[string]string, keys []string) {
	t.Helper()
	name := "/text/" + lang + ".json"
	text := files(t, lang+".json")[name]
	if err := json.Unmarshal([]byte(text), &texts); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines[1 : len(lines)-1] {
		m := entry.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%s, line %d: no text of its own line", name, i+2)
			continue
		}
		if slices.Contains(keys, m[1]) {
			t.Errorf("%s has %q twice", name, m[1])
		}
		keys = append(keys, m[1])
	}
	return texts, keys
}

var value = regexp.MustCompile(`\{\w+\}`)

// Both languages have the same texts with the same values in them, and every text that a page asks for.
func TestCatalogues(t *testing.T) {
	en, order := catalogue(t, "en")
	fr, same := catalogue(t, "fr")
	if !slices.Equal(order, same) {
		t.Error("the languages have their texts in another order")
	}
	for key, text := range en {
		other, ok := fr[key]
		a, b := value.FindAllString(text, -1), value.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !ok || !slices.Equal(a, b) {
			t.Errorf("%q: %q, in French %q", key, text, other)
		}
	}
	if len(en) != len(fr) {
		t.Errorf("%d texts in English, %d in French", len(en), len(fr))
	}
	used := regexp.MustCompile(`\bt\("([^"]+)"`)
	for name, text := range files(t, "*.js") {
		for _, m := range used.FindAllStringSubmatch(text, -1) {
			if _, ok := en[m[1]]; !ok {
				t.Errorf("%s asks for %q, which no catalogue has", name, m[1])
			}
		}
	}
	counted := regexp.MustCompile(`\bplural\("([^"]+)"`)
	for name, text := range files(t, "*.js") {
		for _, m := range counted.FindAllStringSubmatch(text, -1) {
			if en[m[1]] == "" || en[m[1]+".one"] == "" {
				t.Errorf("%s counts %q, which the catalogue does not have for one and for many", name, m[1])
			}
		}
	}
	for n, name := range observation.Kind_name {
		if n != 0 {
			if key := "kind." + observation.Kind(n).Name(); en[key] == "" {
				t.Errorf("the kind %s has no name: %q", name, key)
			}
		}
	}
}

// Every value of the enumerations of passages has words in both languages.
func TestPassageWords(t *testing.T) {
	prefix := regexp.MustCompile(`^PASSAGE_[A-Z]+_`)
	for group, names := range map[string]map[int32]string{
		"end": observation.PassageEnd_name, "gap": observation.PassageGap_name,
		"direction": observation.PassageDirection_name, "passage-state": observation.PassageState_name,
	} {
		for _, lang := range []string{"en", "fr"} {
			texts, _ := catalogue(t, lang)
			for _, name := range names {
				key := group + "." + strings.ToLower(prefix.ReplaceAllString(name, ""))
				if texts[key] == "" {
					t.Errorf("%s.json has no words for %s: %q", lang, name, key)
				}
			}
		}
	}
}

// A page stays small: what a technician's telephone loads.
func TestBudget(t *testing.T) {
	total := 0
	err := fs.WalkDir(embedded, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += int(info.Size())
		return err
	})
	if err != nil || total > 510<<10 {
		t.Errorf("all pages, both languages and the libraries are %d bytes, the budget is 510 KiB (%v)", total, err)
	}
}

// TestViewer tries the pure functions of the X-ray workstation with node.
func TestViewer(t *testing.T) {
	peer.Need(t, peer.Node)
	out, err := exec.Command("node", "--test", "viewer.test.mjs").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestServes(t *testing.T) {
	h := Handler(Lane)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://lane/", nil)
		r.URL.Path = path
		h.ServeHTTP(w, r)
		return w
	}
	w := get("/")
	csp := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(csp, "script-src 'self' 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("/: %d, %s", w.Code, csp)
	}
	if w := get("/app.js"); w.Code != 200 || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("/app.js: %d, %s", w.Code, w.Header())
	}
	for _, path := range []string{"/../web.go", "/..%2fweb.go", "/static/app.js", "/text", "/pages/", "/etc/passwd", "/./../../../etc/passwd"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, want := range []string{"there is nothing at", "il n’y a rien à"} {
		if w := get("/nowhere"); !strings.Contains(w.Body.String(), want) {
			t.Errorf("an unknown address does not say %q: %q", want, w.Body)
		}
	}
}

var (
	// wrongSpace is an ordinary space, or none, where French has a no-break space: before ; : ? ! » and behind «.
	wrongSpace = regexp.MustCompile(`[^\x{a0}\x{202f}][;?!»]|[^\x{a0}\x{202f}\d]:(\s|$)|\s:|«[^\x{a0}\x{202f}]`)
	// untranslated is a word that is English and nothing else.
	untranslated = regexp.MustCompile(`(?i)\b(the|of|with|is|are|was|has|have|and|for|from|this|that|not|when|which|by)\b`)
)

// French has its no-break spaces and its apostrophe, no English words, and no text has blanks that nobody sees.
func TestTypography(t *testing.T) {
	for _, lang := range []string{"en", "fr"} {
		texts, _ := catalogue(t, lang)
		for key, text := range texts {
			bare := value.ReplaceAllString(text, "x")
			switch {
			case text == "" || strings.Contains(text, "  ") || strings.ContainsFunc(text, unicode.IsControl):
				t.Errorf("%s %s: nothing, two blanks or a line end: %q", lang, key, text)
			case strings.Contains(bare, "'"):
				t.Errorf("%s %s: ’ instead of ': %q", lang, key, text)
			case lang == "fr" && wrongSpace.MatchString(bare):
				t.Errorf("fr %s: no-break space missing at %q in %q", key, wrongSpace.FindString(bare), text)
			case lang == "fr" && untranslated.MatchString(bare):
				t.Errorf("fr %s: %q is English in %q", key, untranslated.FindString(bare), text)
			}
		}
	}
}
