package clearance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/lane/clearance/clearancetest"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/sheet"
	"lanewarden/firmware-config/policy"
)

// page is docs/clearance.md, with its lists and its table.
func page(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "clearance.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instant reads a day, or a time to the minute or second, UTC.
func instant(text string) time.Time {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// fixtures returns the lists of the page, without versions, read as those that the centre imports.
func fixtures(t testing.TB) *clearancetest.Lists {
	t.Helper()
	l := clearancetest.New()
	for _, block := range strings.Split(page(t), "```csv ")[1:] {
		name, body, _ := strings.Cut(block, "\n")
		body, _, _ = strings.Cut(body, "```")
		report, err := sheet.Read(lists.Kind(name), strings.NewReader(body), 1<<20, func(_ int, r lists.Row) error {
			row, err := decode(lists.Kind(name), r)
			if err == nil {
				l.Put(row)
			}
			return err
		})
		if err != nil || report.Count() > 0 {
			t.Fatalf("%s: %v %+v", name, err, report)
		}
	}
	return l
}

// decode returns a row of a list as its type.
func decode(k lists.Kind, r lists.Row) (any, error) {
	switch k {
	case lists.Drivers:
		return lists.DecodeDriver(r)
	case lists.Carriers:
		return lists.DecodeCarrier(r)
	case lists.Importers:
		return lists.DecodeImporter(r)
	case lists.Pairs:
		return lists.DecodePair(r)
	case lists.Targets:
		return lists.DecodeTarget(r)
	case lists.Manifest:
		return lists.DecodeShipment(r)
	case lists.InTransit:
		return lists.DecodeTransit(r)
	}
	return lists.DecodeRate(r)
}

// versions returns a version of each list, issued at a time.
func versions(issued time.Time) (out []lists.Version) {
	for _, k := range lists.Kinds() {
		out = append(out, lists.Version{Kind: k, Number: 1, Issued: issued, Rows: 1})
	}
	return out
}

// readPolicy returns a built-in policy.
func readPolicy(t testing.TB, name string) *policy.Policy {
	t.Helper()
	p, _, err := firmwareconfig.ReadPolicy(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
