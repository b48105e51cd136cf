package jcampdx

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// samples lists the files of others, which stand beside the project.
func samples(t testing.TB) []string {
	files, err := filepath.Glob("../../../../shared/samples/jcamp/*")
	if err != nil || len(files) == 0 {
		t.Skip("../shared/samples/jcamp is not there")
	}
	return files
}

func read(t testing.TB, path string) *File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := Read(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file
}

func tables(f *File) (out []*Table) {
	f.Walk(func(b *Block) { out = append(out, b.Tables...) })
	return out
}

// What each file holds: tables, and the points of each.
func TestSamples(t *testing.T) {
	want := map[string][]int{
		"ISAS_MS1.DX": {26}, "ISAS_MS3.DX": {18, 26, 26}, "jcamp-difdup.dx": {30}, "jcamp-fix.dx": {8},
		"jcamp-packed.dx": {30}, "jcamp-squeezed.dx": {38},
		"mass_ACD.jdx": {180}, "multivariable.jdx": {6}, "noend.jdx": {2}, "ntuples.jdx": {3, 3, 3, 3},
		"tree.jdx": {2, 3, 3}, "two.jdx": {2, 2}, "uv_ACD.jdx": {881},
	}
	for _, path := range samples(t) {
		name := filepath.Base(path)
		f := read(t, path)
		var got []int
		for _, table := range tables(f) {
			got = append(got, table.Points())
		}
		if fmt.Sprint(got) != fmt.Sprint(want[name]) {
			t.Errorf("%s: tables of %v points, not %v", name, got, want[name])
		}
		for _, fault := range f.Faults {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

// The four files are one spectrum in four forms, each cut after another number of points.
func TestSampleForms(t *testing.T) {
	dir := filepath.Dir(samples(t)[0])
	fix := tables(read(t, filepath.Join(dir, "jcamp-squeezed.dx")))[0]
	for _, form := range []string{"fix", "packed", "difdup"} {
		got := tables(read(t, filepath.Join(dir, "jcamp-"+form+".dx")))[0]
		for i := range min(fix.Points(), got.Points()) {
			if got.Y()[i] != fix.Y()[i] || got.X()[i] != fix.X()[i] {
				t.Errorf("%s: point %d is %v, %v; squeezed %v, %v", form, i, got.X()[i], got.Y()[i],
					fix.X()[i], fix.Y()[i])
				break
			}
		}
	}
}

const comparer = "bench/compare.mjs"

// node runs the comparison script, or skips the test where it is not set up.
func node(t testing.TB, args ...string) string {
	if _, err := os.Stat("bench/node_modules/jcampconverter"); err != nil {
		t.Skip("jcampconverter is not set up: see bench/README.md")
	}
	out, err := exec.Command("node", append([]string{comparer}, args...)...).Output()
	if err != nil {
		t.Skipf("node: %v", err)
	}
	return string(out)
}

// Where jcampconverter reads something else, and what the standard says.
var explained = map[string]string{
	"ntuples.jdx": "no spectra: it makes a contour plot of two-dimensional data; the file has four pages of three " +
		"points (5.00, NTUPLES)",
}

func TestAsJcampconverter(t *testing.T) {
	files := samples(t)
	lines := strings.Split(strings.TrimSpace(node(t, append([]string{"values"}, files...)...)), "\n")
	for i, path := range files {
		var blocks []struct {
			Title   string
			Spectra []map[string][]float64
		}
		if err := json.Unmarshal([]byte(lines[i]), &blocks); err != nil {
			t.Fatal(err)
		}
		var theirs []map[string][]float64
		for _, b := range blocks {
			theirs = append(theirs, b.Spectra...)
		}
		if why := differ(tables(read(t, path)), theirs); why != "" && explained[filepath.Base(path)] == "" {
			t.Errorf("%s: %s", filepath.Base(path), why)
		}
	}
}

// differ compares numbers to 14 digits: jcampconverter adds up steps and multiplies decimals by powers of ten that
// are not exact.
func differ(ours []*Table, theirs []map[string][]float64) string {
	if len(ours) != len(theirs) {
		return fmt.Sprintf("%d tables, theirs %d", len(ours), len(theirs))
	}
	for i, table := range ours {
		for k, c := range table.Columns {
			name := []string{"x", "y", strings.ToLower(c.Symbol)}[min(k, 2)]
			other := theirs[i][name]
			if len(other) != len(c.Values) {
				return fmt.Sprintf("table %d: %d values of %s, theirs %d", i, len(c.Values), name, len(other))
			}
			for j := range other {
				if math.Abs(other[j]-c.Values[j]) > 1e-14*float64(len(other))*math.Max(math.Abs(other[j]), 1) {
					return fmt.Sprintf("table %d: %s of point %d is %v, theirs %v", i, name, j, c.Values[j], other[j])
				}
			}
		}
	}
	return ""
}

// large is spectra as an ion scanner makes them: 2,000 points a scan, forty scans, in each form.
func large(b *testing.B) map[string]string {
	dir, out := b.TempDir(), map[string]string{}
	for _, form := range []Form{AFFN, PAC, SQZ, DIF, DIFDUP} {
		link := &Block{Records: []Record{{Label: "TITLE", Value: "scans"}, {Label: "DATA TYPE", Value: "LINK"}}}
		for scan := range 40 {
			y := make([]float64, 2000)
			for i := range y {
				y[i] = math.Round(2e4*math.Exp(-math.Pow(float64(i-900-scan)/12, 2)) + 300*math.Sin(float64(i*i+scan)))
			}
			link.Blocks = append(link.Blocks, &Block{
				Records: []Record{{Label: "TITLE", Value: "scan"},
					{Label: "DATA TYPE", Value: "ION MOBILITY SPECTRUM"}},
				Tables: []*Table{{Columns: []Column{{Symbol: "X", Values: Regular(0, 20, len(y))},
					{Symbol: "Y", Values: y}}}},
			})
		}
		data, err := Bytes(link, Options{Form: form})
		if err != nil {
			b.Fatal(err)
		}
		out[form.String()] = filepath.Join(dir, form.String())
		if err := os.WriteFile(out[form.String()], data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// BenchmarkParse reads files; of-jcampconverter is how many times faster than jcampconverter in the same run.
func BenchmarkParse(b *testing.B) {
	b.Run("samples", func(b *testing.B) { parseAgainst(b, 2000, samples(b)) })
	for form, path := range large(b) {
		b.Run(form, func(b *testing.B) { parseAgainst(b, 20, []string{path}) })
	}
}

func parseAgainst(b *testing.B, passes int, files []string) {
	var data [][]byte
	size := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		data, size = append(data, text), size+len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	begin := time.Now()
	for b.Loop() {
		for _, text := range data {
			if _, err := Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	}
	ours := time.Since(begin) / time.Duration(b.N)
	ns, err := strconv.ParseInt(strings.TrimSpace(node(b,
		append([]string{"time", strconv.Itoa(passes)}, files...)...)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(ns)/float64(passes)/float64(ours), "of-jcampconverter")
}
