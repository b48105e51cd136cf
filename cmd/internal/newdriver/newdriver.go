// Package newdriver writes the folder of a new driver: a driver of a made-up device that compiles, passes the test kit
// and shows where each thing belongs. Its author replaces the decoding with that of the device.
package newdriver

import (
	"bytes"
	"embed"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"lanewarden/drivers/message"
)

//go:embed templates/*.tmpl
var templates embed.FS

// Groups are the folders of drivers.
var Groups = []string{"radiation", "site", "trace", "vehicle", "xray"}

// Driver holds the names of a new driver.
type Driver struct {
	Name    string // as lane files have it: "tyre-strip"
	Title   string // for people, English: "Tyre temperature strip"
	TitleFR string // and French; Title when it is empty
	Group   string // folder below drivers
}

// files are the written files: the name, in which NAME stands for the driver's, and the template.
var files = [][2]string{
	{"NAME.go", "driver.go.tmpl"},
	{"decode.go", "decode.go.tmpl"},
	{"NAME_test.go", "driver_test.go.tmpl"},
	{"NAME.en.yaml", "text.en.yaml.tmpl"},
	{"NAME.fr.yaml", "text.fr.yaml.tmpl"},
	{"PROTOCOL.md", "PROTOCOL.md.tmpl"},
	{"sim/sim.go", "sim.go.tmpl"},
	{"sim/serve/main.go", "serve.go.tmpl"},
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// maxName bounds a driver's name, so that it fits tables and logs.
const maxName = 24

// Check reports what is wrong with the names.
func (d Driver) Check() error {
	switch {
	case !namePattern.MatchString(d.Name) || len(d.Name) > maxName:
		return message.Errorf("sim.driver-name", message.Quoted("name", d.Name), message.Int("most", maxName))
	case strings.TrimSpace(d.Title) == "":
		return message.Errorf("sim.driver-title")
	case strings.ContainsAny(d.Title+d.TitleFR, "\"\\\n{}"):
		return message.Errorf("sim.driver-title-characters")
	case !slices.Contains(Groups, d.Group):
		return message.Errorf("sim.driver-group", message.Quoted("group", d.Group), message.String("known", strings.Join(Groups, ", ")))
	}
	return nil
}

// Package returns the name of the driver's Go package.
func (d Driver) Package() string { return strings.ReplaceAll(d.Name, "-", "") }

// Folder returns the driver's folder, from the repository's root.
func (d Driver) Folder() string { return "drivers/" + d.Group + "/" + d.Package() }

// Import returns the import path of the driver's package.
func (d Driver) Import() string { return "lanewarden/" + d.Folder() }

// LowerTitle returns the English title as it stands within a sentence.
func (d Driver) LowerTitle() string { return lower(d.Title) }

// LowerTitleFR returns the French title as it stands within a sentence.
func (d Driver) LowerTitleFR() string {
	if d.TitleFR == "" {
		return d.LowerTitle()
	}
	return lower(d.TitleFR)
}

// FrenchTitle returns the French title, the English one where there is none.
func (d Driver) FrenchTitle() string {
	if d.TitleFR == "" {
		return d.Title
	}
	return d.TitleFR
}

// lower writes the first letter small, but in an abbreviation: "UV lamp".
func lower(title string) string {
	r := []rune(title)
	if len(r) > 1 && unicode.IsUpper(r[1]) {
		return title
	}
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

// Write writes the driver's folder into the repository at root, adds the driver to the catalog, and returns the files
// that it wrote or changed, from the root. A folder that is there already is an error, and nothing is written.
func (d Driver) Write(root string) (written []string, err error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	catalog := filepath.Join(root, "drivers", "catalog.go")
	source, err := os.ReadFile(catalog)
	if err != nil {
		return nil, message.Wrap(err, "sim.driver-root", message.String("folder", root))
	}
	listed, err := d.list(source)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(root, d.Folder())
	if _, err := os.Stat(folder); err == nil {
		return nil, message.Errorf("sim.driver-there", message.String("folder", d.Folder()))
	}
	if err := os.MkdirAll(filepath.Join(folder, "sim", "serve"), 0o755); err != nil {
		return nil, err
	}
	for _, f := range files {
		name := strings.Replace(f[0], "NAME", d.fileName(f[0]), 1)
		text, err := d.render(f[1])
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o644)
		}
		if err != nil {
			return written, err
		}
		written = append(written, d.Folder()+"/"+name)
	}
	return append(written, "drivers/catalog.go"), os.WriteFile(catalog, listed, 0o644)
}

// fileName is the driver's name as it stands in the name of a file: that of its package in Go's.
func (d Driver) fileName(file string) string {
	if strings.HasSuffix(file, ".go") {
		return d.Package()
	}
	return d.Name
}

// render fills in a template; Go source is formatted.
func (d Driver) render(name string) ([]byte, error) {
	t, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".go.tmpl") {
		return format.Source(b.Bytes())
	}
	return b.Bytes(), nil
}

// list adds the driver to the source of the catalog: its import, and its entry at the end of the list.
func (d Driver) list(source []byte) ([]byte, error) {
	entry, head := "\t"+d.Package()+".Spec,\n", "\t\"lanewarden/drivers/driver\"\n"
	text := string(source)
	if strings.Contains(text, entry) {
		return nil, message.Errorf("sim.driver-package", message.String("name", d.Package()))
	}
	start := strings.Index(text, "var Catalog = ")
	end := strings.Index(text[max(start, 0):], "\n}")
	if start < 0 || end < 0 || !strings.Contains(text, head) {
		return nil, message.Errorf("sim.driver-catalog")
	}
	text = text[:start+end+1] + entry + text[start+end+1:]
	text = strings.Replace(text, head, head+"\t\""+d.Import()+"\"\n", 1)
	return format.Source([]byte(text))
}
