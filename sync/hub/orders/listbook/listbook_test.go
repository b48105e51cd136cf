package listbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane/liststore"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/sheet"
)

const header = "carrier;importer;valid_to\n"

// pairs is a file of n pairs, one of which has another end by version.
func pairs(n, version int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		end := ""
		if i == version {
			end = "2026-12-31"
		}
		fmt.Fprintf(&b, "%04d;123456782RM%04d;%s\n", 9000-i, i, end)
	}
	return b.String()
}

func imported(t *testing.T, b *Book, file string) Entry {
	t.Helper()
	e, report, err := b.Import(lists.Pairs, Source{In: strings.NewReader(file), By: "clerk", Name: "pairs.csv"})
	if err != nil {
		t.Fatal(err, report)
	}
	return e
}

// Versions are numbered, told with all that is known of them, and their files lead a lane from one to the other.
func TestVersions(t *testing.T) {
	b := Open(t.TempDir())
	first, second := imported(t, b, pairs(300, 1)), imported(t, b, pairs(310, 2))
	all, err := b.Versions(lists.Pairs)
	if err != nil || len(all) != 2 || all[0] != second || all[1] != first || first.Number != 1 || second.Number != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if first.Rows != 300 || first.By != "clerk" || first.Source != "pairs.csv" || first.Issued.IsZero() {
		t.Errorf("%+v", first)
	}
	full, err := b.Full(lists.Pairs, 1)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := b.Delta(lists.Pairs, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	store, err := liststore.Open(filepath.Join(t.TempDir(), "lists"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, path := range []string{full, delta} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Install(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if got := store.Versions(); len(got) != 1 || got[0] != second.Version {
		t.Errorf("the lane has %+v, the centre %+v", got, second.Version)
	}
	var differences []string
	err = b.Diff(lists.Pairs, 1, 2, func(d lists.Difference) error {
		differences = append(differences, fmt.Sprint(d.Before != nil, d.After != nil))
		return nil
	})
	if counts := strings.Join(differences, ","); err != nil || strings.Count(counts, "true true") != 2 || len(differences) != 12 {
		t.Errorf("%v, %v", differences, err)
	}
}

// When something is refused nothing is imported, unless that is asked for: then the note says so.
func TestRefusedRows(t *testing.T) {
	b := Open(t.TempDir())
	file := header + "8080;123456782RM0001;\n80;123456782RM0001;\n8081;123456782RM0001;\n8082;x;y\n8081;123456782RM0001;2026-12-31\n"
	_, report, err := b.Import(lists.Pairs, Source{In: strings.NewReader(file)})
	if !errors.Is(err, ErrRefused) || report.Count() != 4 {
		t.Fatalf("%+v, %v", report, err)
	}
	twice := report.Refusals[len(report.Refusals)-1]
	if twice.Line != 6 || twice.Message().English() != "line 6: the key of this row is that of line 4" {
		t.Errorf("%+v: %s", twice, twice.Message().English())
	}
	if all, err := b.Versions(lists.Pairs); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
	e, _, err := b.Import(lists.Pairs, Source{In: strings.NewReader(file), SkipRefused: true, Note: "first try"})
	if err != nil || e.Rows != 1 || e.Skipped != 4 || e.Note != "first try; rows left out because they were refused: 4" {
		t.Errorf("%+v, %v", e, err)
	}
	_, _, err = b.Import(lists.Pairs, Source{In: strings.NewReader(header + "80;;\n"), SkipRefused: true})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("a list of nothing but refused rows: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(b.folder(lists.Pairs), "*"))
	if err != nil || len(left) != 3 { // entry, full file and lock
		t.Errorf("%v, %v", left, err)
	}
}

// The same rows make no new version, in whichever order and form they come.
func TestSameContent(t *testing.T) {
	b := Open(t.TempDir())
	imported(t, b, header+"8080;123456782RM0001;\n8081;123456782RM0001;\n")
	json := `[{"carrier":"8081","importer":"123456782RM0001"},{"carrier":"8080","importer":"123456782RM0001"}]`
	if _, _, err := b.Import(lists.Pairs, Source{In: strings.NewReader(json)}); !message.Of(err).Is("lists.same") {
		t.Error(err)
	}
}

// What is not there, and what is asked for at the wrong moment, is said.
func TestBookRefuses(t *testing.T) {
	b := Open(t.TempDir())
	imported(t, b, pairs(3, 0))
	_, err := b.Full(lists.Pairs, 7)
	if !message.Of(err).Is("lists.no-version") {
		t.Error(err)
	}
	if _, err := b.Delta(lists.Pairs, 1, 7); !message.Of(err).Is("lists.no-version") {
		t.Error(err)
	}
	if _, err := b.Versions("nonsense"); !message.Of(err).Is("lists.no-kind") {
		t.Error(err)
	}
	if _, _, err := b.Import("nonsense", Source{In: strings.NewReader("")}); !message.Of(err).Is("lists.no-kind") {
		t.Error(err)
	}
	unlock, err := b.lock(lists.Pairs)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Import(lists.Pairs, Source{In: strings.NewReader(pairs(4, 0))}); !message.Of(err).Is("lists.one-import") {
		t.Error(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// An import that ended between its two files makes no version, and the next one takes its number.
func TestVersionWithoutEntry(t *testing.T) {
	b := Open(t.TempDir())
	e := imported(t, b, pairs(3, 0))
	if err := os.Remove(b.path(lists.Pairs, e.Number, entryEnd)); err != nil {
		t.Fatal(err)
	}
	if again := imported(t, b, pairs(4, 0)); again.Number != 1 || again.Rows != 4 {
		t.Errorf("%+v", again)
	}
}

// A version that is shown as CSV is the same list when it is imported again.
func TestRowsComeBackFromCSV(t *testing.T) {
	for kind, file := range map[lists.Kind]string{
		lists.Drivers: "program;number;epc;valid_to;status;carriers\nFAST;F1234;300833B2;2026-12-31;active;\"XCRS;8080\"\n",
		lists.Targets: "key_type;key;match;exam;priority;reason_code;issuer\nplate;AB;prefix;\"K9;IMG\";1;R1;NTC\nseal;AB1234;exact;;2;R1;NTC\n",
		lists.InTransit: "container;seal1;seal2;entry_site;exit_site;left_at;due_at;weight_kg\n" +
			"CSQU3054383;AB1234;CD5678;a;b;2026-11-30T10:00:00Z;2026-12-04;24050.25\n",
		lists.Rates:    "site;lane;traffic_class;rate\n*;*;csa;0.000001\n",
		lists.Manifest: "ccn;hs;goods;declared_weight_kg;pieces\n8080X1;\"6907;3104\";\"a, \"\"b\"\"\";18400.5;3\n",
	} {
		b := Open(t.TempDir())
		e, report, err := b.Import(kind, Source{In: strings.NewReader(file)})
		if err != nil {
			t.Fatal(kind, err, report)
		}
		var out bytes.Buffer
		fmt.Fprintln(&out, strings.Join(sheet.Columns(kind), "\t"))
		err = b.Rows(kind, e.Number, func(r lists.Row) error {
			cells, err := sheet.Cells(kind, r)
			for i, c := range cells {
				cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			fmt.Fprintln(&out, strings.Join(cells, "\t"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, report, err := b.Import(kind, Source{In: &out}); !message.Of(err).Is("lists.same") {
			t.Errorf("%s: %v %+v", kind, err, report)
		}
	}
}

func TestCheckKeepsNothing(t *testing.T) {
	report, err := Check(lists.Pairs, strings.NewReader(header+"8080;123456782RM0001;\n8080;123456782RM0001;\n"), 0)
	if err != nil || report.Count() != 1 || report.Rows != 0 || report.Refused != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := Check(lists.Pairs, io.MultiReader(strings.NewReader(header), failing{}), 0); err == nil {
		t.Error("a disk that fails is not said")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk") }
