package sheet

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

var update = flag.Bool("update", false, "write the golden files anew")

// read reads a file of a list from memory.
func read(t testing.TB, kind lists.Kind, file string) (*Report, []lists.Row) {
	t.Helper()
	var rows []lists.Row
	report, err := Read(kind, strings.NewReader(file), DefaultMaxBytes, func(_ int, r lists.Row) error {
		if err := lists.CheckRow(kind, r); err != nil {
			t.Error(err)
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, rows
}

func days(from, to string) (p lists.Period) {
	for text, at := range map[string]*time.Time{from: &p.From, to: &p.To} {
		if text != "" {
			t, err := time.Parse(time.DateOnly, text)
			if err != nil {
				panic(err)
			}
			*at = t
		}
	}
	return p
}

// Each list is read from CSV and from JSON, all columns, normalised.
func TestEachList(t *testing.T) {
	cases := map[lists.Kind]struct {
		csv, json string
		want      lists.Row
	}{
		lists.Drivers: {
			"program;number;epc;tid;valid_from;valid_to;status;carriers\n" +
				"fast; f1234567 ;3008 33B2ddd9;E2801130;2026-01-01;2026-12-31;Active;\"XCRS;77-1;xcrs\"\n",
			`[{"program":"FAST","number":"F1234567","epc":"300833B2DDD9","tid":"E2801130","valid_from":"2026-01-01",
			  "valid_to":"2027-01-01T00:00:00Z","status":"active","carriers":["77-1","XCRS"]}]`,
			lists.Driver{Program: "FAST", Number: "F1234567", EPC: []byte{0x30, 8, 0x33, 0xb2, 0xdd, 0xd9}, TID: []byte{0xe2, 0x80, 0x11, 0x30},
				Valid: days("2026-01-01", "2027-01-01"), Status: lists.Active, Carriers: []string{"77-1", "XCRS"}}.Row(),
		},
		lists.Carriers: {
			"code,scac,name,programs,bonded,status,valid_to\nxcrs,abcd,\"Étoile, Inc.\",CSA;PIP,oui,suspended,\n",
			`{"code":"XCRS","scac":"ABCD","name":"Étoile, Inc.","programs":["CSA","PIP"],"bonded":true,"status":"suspended","valid_to":null}`,
			lists.Carrier{Code: "XCRS", SCAC: "ABCD", Name: "Étoile, Inc.", Programs: []string{"CSA", "PIP"}, Bonded: true,
				Status: lists.Suspended}.Row(),
		},
		lists.Importers: {
			"bn15\tname\tprograms\tstatus\tvalid_to\n12345 6782 RM 0001\tA & B\tCSA\trevoked\t2026-06-30\n",
			`[{"bn15":"123456782RM0001","name":"A & B","programs":"CSA","status":"revoked","valid_to":"2026-06-30"}]`,
			lists.Importer{BN15: "123456782RM0001", Name: "A & B", Programs: []string{"CSA"}, Status: lists.Revoked,
				Valid: days("", "2026-07-01")}.Row(),
		},
		lists.Pairs: {
			"\ufeffcarrier;importer;valid_to\n8080;123456782RM0001;\n",
			`[{"carrier":"8080","importer":"123456782RM0001"}]`,
			lists.Pair{Carrier: "8080", Importer: "123456782RM0001"}.Row(),
		},
		lists.Targets: {
			"key_type;key;match;exam;priority;valid_from;valid_to;reason_code;releasability;issuer\n" +
				"plate;qc-1 23;prefix;\"img;K9\";2;;;R12;CBSA only;NTC\n",
			`[{"key_type":"plate","key":"QC123","match":"prefix","exam":["IMG","K9"],"priority":2,"reason_code":"R12",
			  "releasability":"CBSA only","issuer":"NTC"}]`,
			lists.Target{Type: lists.TargetPlate, Key: "QC123", Prefix: true, Exams: []string{"IMG", "K9"}, Priority: 2, ReasonCode: "R12",
				Releasability: "CBSA only", Issuer: "NTC"}.Row(),
		},
		lists.Manifest: {
			"ccn;crn;carrier;importer;declared_weight_kg;pieces;hs;goods;arrival_from;arrival_to\n" +
				"8080pars1;8080TRIP1;8080;123456782RM0001;18400.5;12;\"6907.21;3104\";tiles;2026-11-30T08:00:00-05:00;2026-11-30\n",
			`[{"ccn":"8080PARS1","crn":"8080TRIP1","carrier":"8080","importer":"123456782RM0001","declared_weight_kg":18400.5,"pieces":12,
			  "hs":["3104","690721"],"goods":"tiles","arrival_from":"2026-11-30T13:00:00Z","arrival_to":"2026-11-30"}]`,
			lists.Shipment{CCN: "8080PARS1", CRN: "8080TRIP1", Carrier: "8080", Importer: "123456782RM0001", DeclaredWeightKg: 18400.5, Pieces: 12,
				HS: []string{"3104", "690721"}, Goods: "tiles", Arrival: lists.Period{From: time.Date(2026, 11, 30, 13, 0, 0, 0, time.UTC),
					To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}.Row(),
		},
		lists.InTransit: {
			"container;seal1;seal2;seal3;seal4;inbond_or_ccn;entry_site;exit_site;left_at;due_at;weight_kg;tolerance_kg;required_exam\n" +
				"CSQU 305438 3;ab-12 34;;CD5678;;123456782;halifax;windsor;2026-11-30T10:00:00Z;2026-12-04;24050;250;seal\n",
			`[{"container":"CSQU3054383","seal1":"AB1234","seal2":"CD5678","inbond_or_ccn":"123456782","entry_site":"halifax","exit_site":"windsor",
			  "left_at":"2026-11-30T10:00:00Z","due_at":"2026-12-04","weight_kg":24050,"tolerance_kg":250,"required_exam":"SEAL"}]`,
			lists.Transit{Container: "CSQU3054383", Seals: []string{"AB1234", "CD5678"}, InBondOrCCN: "123456782", EntrySite: "halifax",
				ExitSite: "windsor", LeftAt: time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC), DueAt: days("", "2026-12-05").To,
				WeightKg: 24050, ToleranceKg: 250, RequiredExam: "SEAL"}.Row(),
		},
		lists.Rates: {
			"site;lane;traffic_class;rate\n*;*;CSA;0.05\n",
			`[{"site":"*","lane":"*","traffic_class":"csa","rate":0.05}]`,
			lists.Rate{Site: "*", Lane: "*", Class: "csa", Share: 0.05}.Row(),
		},
	}
	for _, kind := range lists.Kinds() {
		c := cases[kind]
		for form, file := range map[string]string{"CSV": c.csv, "JSON": c.json} {
			report, rows := read(t, kind, file)
			if report.Count() > 0 || report.Format != form || len(rows) != 1 || report.Rows != 1 {
				t.Errorf("%s %s: %+v", kind, form, report)
				continue
			}
			if !reflect.DeepEqual(rows[0], c.want) {
				t.Errorf("%s %s:\ngot  %q %q\nwant %q %q", kind, form, rows[0].Key, rows[0].Value, c.want.Key, c.want.Value)
			}
		}
	}
}

// What spreadsheets and people do to cells is refused, each by its own reason, at its place.
func TestCellsAreRefused(t *testing.T) {
	cases := []struct {
		kind         lists.Kind
		column, cell string
		code         string
	}{
		{lists.Carriers, "code", "123", "lists.lost-zero"},
		{lists.Carriers, "code", "8", "lists.lost-zero"},
		{lists.Carriers, "code", "1.23E+08", "lists.scientific"},
		{lists.Carriers, "code", "1,23E+08", "lists.scientific"},
		{lists.Carriers, "code", "8,080", "lists.code-number"},
		{lists.Carriers, "code", "8080.0", "lists.no-carrier"},
		{lists.Carriers, "code", "XCRSX", "lists.no-carrier"},
		{lists.Carriers, "code", "#N/A", "lists.error-value"},
		{lists.Carriers, "code", "#NOM?", "lists.error-value"},
		{lists.Carriers, "code", "#DIV/0!", "lists.error-value"},
		{lists.Carriers, "code", "Err:502", "lists.error-value"},
		{lists.Carriers, "code", "=0123", "lists.formula"},
		{lists.Carriers, "code", "'0123", "lists.apostrophe"},
		{lists.Carriers, "code", "X\u200bCR", "lists.no-carrier"},
		{lists.Carriers, "code", "XC\tS", "lists.control"},
		{lists.Carriers, "code", "", "lists.empty-cell"},
		{lists.Carriers, "scac", "ABCDE", "lists.no-scac"},
		{lists.Carriers, "bonded", "perhaps", "lists.not-one-of"},
		{lists.Carriers, "status", "actve", "lists.not-one-of-meant"},
		{lists.Carriers, "programs", "CSA;XYZ", "lists.not-one-of"},
		{lists.Carriers, "name", strings.Repeat("é", 121), "lists.text-long"},
		{lists.Carriers, "name", "caf\ufffd", "lists.encoding"},
		{lists.Carriers, "valid_to", "43,892", "lists.date-serial"},
		{lists.Carriers, "valid_to", "46356", "lists.date-serial"},
		{lists.Carriers, "valid_to", "4.6356E+04", "lists.date-serial"},
		{lists.Carriers, "valid_to", "01/02/2026", "lists.date-order"},
		{lists.Carriers, "valid_to", "31.01.26", "lists.date-order"},
		{lists.Carriers, "valid_to", "2026-02-30", "lists.date-order"},
		{lists.Carriers, "valid_to", "2026-01-31 14:05", "lists.date-order"},
		{lists.Carriers, "valid_to", "2026-01-31T14:05:00", "lists.date-order"},
		{lists.Carriers, "valid_to", "2026-01-31T14:05:00.5Z", "lists.time-range"},
		{lists.Carriers, "valid_to", "1926-01-31", "lists.time-range"},
		{lists.Carriers, "valid_to", "tomorrow", "lists.no-time"},
		{lists.Importers, "bn15", "1.23457E+08", "lists.scientific"},
		{lists.Importers, "bn15", "123456789RM0001", "lists.check-digit"},
		{lists.Importers, "bn15", "23456782RM0001", "lists.no-importer"},
		{lists.Importers, "bn15", "123456782", "lists.no-importer"},
		{lists.Drivers, "number", "1.23E+08", "lists.scientific"},
		{lists.Drivers, "number", "12", "lists.no-driver"},
		{lists.Drivers, "epc", "3E+23", "lists.scientific"},
		{lists.Drivers, "epc", "08033B2DDD9", "lists.no-chip"},
		{lists.Drivers, "tid", "xyz1", "lists.no-chip"},
		{lists.Drivers, "program", "FASTER", "lists.not-one-of-meant"},
		{lists.Drivers, "carriers", "XCRS;123", "lists.lost-zero"},
		{lists.Drivers, "valid_to", "2025-01-01", "lists.period"},
		{lists.Targets, "key_type", "plaque", "lists.not-one-of-meant"},
		{lists.Targets, "key", "CSQU3054384", "lists.check-digit"},
		{lists.Targets, "key", "CSQU305438", "lists.no-container"},
		{lists.Targets, "priority", "0", "lists.no-whole"},
		{lists.Targets, "priority", "1.0", "lists.number-marks"},
		{lists.Targets, "exam", "look under the seat", "lists.no-exam"},
		{lists.Targets, "match", "prefixed", "lists.not-one-of-meant"},
		{lists.Manifest, "ccn", "80", "lists.no-cargo"},
		{lists.Manifest, "crn", "8080PARS2", "lists.no-conveyance"},
		{lists.Manifest, "crn", "8080X1", "lists.ccn-is-crn"},
		{lists.Manifest, "declared_weight_kg", "1,234.5", "lists.number-marks"},
		{lists.Manifest, "declared_weight_kg", "1.234,5", "lists.number-marks"},
		{lists.Manifest, "declared_weight_kg", "1.234", "lists.number-marks"},
		{lists.Manifest, "declared_weight_kg", "1\u00a0234", "lists.number-marks"},
		{lists.Manifest, "declared_weight_kg", "12 t", "lists.no-weight"},
		{lists.Manifest, "declared_weight_kg", "1.8E+04", "lists.no-weight"},
		{lists.Manifest, "declared_weight_kg", "-5", "lists.number-marks"},
		{lists.Manifest, "declared_weight_kg", "9999999999", "lists.no-weight"},
		{lists.Manifest, "pieces", "1,000", "lists.number-marks"},
		{lists.Manifest, "hs", "80390", "lists.lost-zero"},
		{lists.Manifest, "hs", "tiles", "lists.no-heading"},
		{lists.InTransit, "seal1", "12", "lists.no-seal"},
		{lists.InTransit, "inbond_or_ccn", "123", "lists.no-inbond"},
		{lists.InTransit, "entry_site", "new york", "lists.blank-inside"},
		{lists.InTransit, "due_at", "2026-01-01", "lists.period"},
		{lists.Rates, "rate", "5%", "lists.no-share"},
		{lists.Rates, "rate", "0,05", "lists.no-share"},
		{lists.Rates, "rate", "1.5", "lists.no-share"},
		{lists.Rates, "traffic_class", "trucks", "lists.not-one-of"},
	}
	for _, c := range cases {
		column, file := fileWith(t, c.kind, c.column, c.cell)
		report, rows := read(t, c.kind, file)
		if report.Count() != 1 || len(rows) > 0 || report.Refused != 1 {
			t.Errorf("%s %s %q: %d rows, refusals %+v", c.kind, c.column, c.cell, len(rows), report.Refusals)
			continue
		}
		r := report.Refusals[0]
		if !r.Why.Is(c.code) || r.Line != 2 || r.Column != column || r.Header != c.column {
			t.Errorf("%s %s %q: %+v, want %s in column %d", c.kind, c.column, c.cell, r, c.code, column)
		}
	}
}

// sound is a row of each list.
var sound = map[lists.Kind]map[string]string{
	lists.Drivers:   {"program": "FAST", "number": "F1234567", "epc": "300833B2", "tid": "", "valid_from": "2026-01-01", "valid_to": "2026-12-31", "status": "active", "carriers": "XCRS"},
	lists.Carriers:  {"code": "XCRS", "scac": "", "name": "", "programs": "", "bonded": "no", "status": "active", "valid_to": ""},
	lists.Importers: {"bn15": "123456782RM0001", "status": "active"},
	lists.Targets: {"key_type": "container", "key": "CSQU3054383", "match": "exact", "priority": "1", "exam": "IMG", "reason_code": "R1",
		"issuer": "NTC"},
	lists.Manifest: {"ccn": "8080X1", "crn": "", "declared_weight_kg": "", "pieces": "", "hs": ""},
	lists.InTransit: {"container": "CSQU3054383", "seal1": "AB1234", "entry_site": "a", "exit_site": "b", "left_at": "2026-11-30T10:00:00Z",
		"due_at": "2026-12-04", "inbond_or_ccn": ""},
	lists.Rates: {"site": "*", "lane": "*", "traffic_class": "*", "rate": "0.1"},
}

// fileWith is a sound file with one other cell, and the number of its column.
func fileWith(t *testing.T, kind lists.Kind, column, cell string) (number int, file string) {
	t.Helper()
	var header, row []string
	for _, name := range forms[kind].columns() {
		value, there := sound[kind][name]
		if !there {
			continue
		}
		header = append(header, name)
		if name == column {
			number, value = len(header), cell
		}
		row = append(row, `"`+value+`"`)
	}
	if number == 0 {
		t.Fatalf("%s has no %s", kind, column)
	}
	return number, strings.Join(header, ";") + "\r\n" + strings.Join(row, ";") + "\r\n;;\r\n"
}

// A beginning is checked for its characters, and must not be of everything.
func TestPrefixes(t *testing.T) {
	for key, want := range map[string]string{"CSQU": "", "csqu-30": "", "C": "lists.no-prefix", "C*": "lists.no-prefix", "1.2E+08": "lists.scientific"} {
		_, file := fileWith(t, lists.Targets, "key", key)
		report, _ := read(t, lists.Targets, strings.Replace(file, "exact", "prefix", 1))
		if want == "" && report.Count() > 0 || want != "" && (report.Count() != 1 || !report.Refusals[0].Why.Is(want)) {
			t.Errorf("%q: %+v", key, report.Refusals)
		}
	}
}

// What is wrong with a file as a whole is said once, and nothing is handed on.
func TestFilesAreRefused(t *testing.T) {
	const header = "carrier;importer;valid_to\n"
	cases := map[string]struct {
		file, code   string
		line, column int
	}{
		"empty":            {"", "lists.empty-file", 0, 0},
		"blank":            {"\n\n;;\n", "lists.empty-file", 0, 0},
		"workbook":         {"PK\x03\x04 and so on", "lists.workbook", 0, 0},
		"UTF-16":           {"\xff\xfec\x00a\x00", "lists.utf-16", 0, 0},
		"zero bytes":       {"c\x00a\x00r\x00", "lists.utf-16", 0, 0},
		"unknown column":   {"carrier;importr;importer\n", "lists.no-column-meant", 1, 2},
		"far from any":     {"carrier;importer;favourite dish\n", "lists.no-column", 1, 3},
		"column twice":     {"carrier;importer;Carrier\n", "lists.column-twice", 1, 3},
		"column missing":   {"carrier;valid_to\n", "lists.column-missing", 1, 0},
		"column unnamed":   {"carrier;;importer\n", "lists.column-unnamed", 1, 2},
		"no delimiter":     {"carrier|importer\n", "lists.no-column", 1, 1},
		"too few cells":    {header + "8080;123456782RM0001\n", "lists.cells", 2, 0},
		"too many cells":   {header + "8080;123456782RM0001;;x\n", "lists.cells", 2, 0},
		"quote inside":     {header + "80\"80;123456782RM0001;\n", "lists.quotes", 2, 0},
		"quote never ends": {header + "\"8080;123456782RM0001;\n" + strings.Repeat("8080;123456782RM0001;\n", 20_000), "lists.row-long", 2, 0},
		"JSON cut off":     {`[{"carrier":"8080"`, "lists.json", 1, 18},
		"JSON of numbers":  {`[1,2]`, "lists.json-shape", 1, 2},
		"JSON nested":      {"[\n{\"carrier\":{}}]", "lists.json-shape", 2, 12},
		"JSON behind":      {"[]\n[]", "lists.json-shape", 2, 1},
		"JSON number":      {"[{\n\"carrier\":8080,\"importer\":\"123456782RM0001\"}]", "lists.json-number", 2, 14},
		"JSON twice":       {"[{\"carrier\":\"8080\",\"carrier\":\"8080\"}]", "lists.column-twice", 1, 28},
		"JSON unknown":     {"[{\"carrier\":\"8080\",\n \"importers\":\"123456782RM0001\"}]", "lists.no-column-meant", 2, 12},
		"JSON endless":     {`[{"carrier":"` + strings.Repeat("8", 1<<20), "lists.row-long", 1, 0},
		"JSON missing":     {"\n[{\"carrier\":\"8080\"}]", "lists.empty-cell", 2, 0},
	}
	for name, c := range cases {
		report, rows := read(t, lists.Pairs, c.file)
		if len(rows) > 0 || report.Count() == 0 {
			t.Errorf("%s: %d rows, %+v", name, len(rows), report)
			continue
		}
		if r := report.Refusals[0]; !r.Why.Is(c.code) || r.Line != c.line || r.Column != c.column {
			t.Errorf("%s: %+v, want %s at %d:%d", name, r, c.code, c.line, c.column)
		}
	}
}

// A file over the limit is refused, whatever is in it.
func TestSizeLimit(t *testing.T) {
	file := "carrier;importer\n" + strings.Repeat("8080;123456782RM0001\n", 10_000)
	report, err := Read(lists.Pairs, strings.NewReader(file), 100_000, func(int, lists.Row) error { return nil })
	if err != nil || report.Count() != 1 || !report.Refusals[0].Why.Is("lists.too-long") {
		t.Errorf("%+v, %v", report, err)
	}
	want := errors.New("disk")
	if _, err := Read(lists.Pairs, strings.NewReader(file), DefaultMaxBytes, func(int, lists.Row) error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
	if _, err := Read("nonsense", strings.NewReader(file), DefaultMaxBytes, nil); !message.Of(err).Is("lists.no-kind") {
		t.Error(err)
	}
}

// The first refusals are kept and the rest is counted.
func TestManyRefusals(t *testing.T) {
	report, _ := read(t, lists.Pairs, "carrier;importer\n"+strings.Repeat("8080;x\n", MaxRefusals+500))
	if len(report.Refusals) != MaxRefusals || report.More != 500 || report.Refused != MaxRefusals+500 {
		t.Errorf("%d kept, %d more, %d rows", len(report.Refusals), report.More, report.Refused)
	}
}

// Encodings: UTF-8 with or without a mark, or Windows-1252, by the first character beyond ASCII; what does not fit is refused
// at its cell.
func TestEncodings(t *testing.T) {
	const file = "bn15;name;status\n123456782RM0001;Entrepôt Š 5 €;active\n"
	windows, err := charmap.Windows1252.NewEncoder().String(file)
	if err != nil {
		t.Fatal(err)
	}
	want := lists.Importer{BN15: "123456782RM0001", Name: "Entrepôt Š 5 €", Status: lists.Active}.Row()
	for name, c := range map[string]struct{ file, encoding string }{
		"UTF-8": {file, "UTF-8"}, "with mark": {"\ufeff" + file, "UTF-8"}, "cp1252": {windows, "Windows-1252"},
	} {
		report, rows := read(t, lists.Importers, c.file)
		if report.Encoding != c.encoding || report.Count() > 0 || !reflect.DeepEqual(rows, []lists.Row{want}) {
			t.Errorf("%s: %+v", name, report)
		}
	}
	mixed := file + "100000009RM0001;Entrep\xf4t;active\n"
	for name, file := range map[string]string{"mixed": mixed, "mark": "\ufeffbn15;name;status\n\n123456782RM0001;\xe9t\xe9;active"} {
		report, _ := read(t, lists.Importers, file)
		if report.Count() != 1 || !report.Refusals[0].Why.Is("lists.encoding") || report.Refusals[0].Line != 3 || report.Refusals[0].Column != 2 {
			t.Errorf("%s: %+v", name, report.Refusals)
		}
	}
}

// Files as spreadsheets write them: each is taken, or refused with exactly these words.
func TestSpreadsheetFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(filepath.Base(name), "-")
		report, rows := read(t, lists.Kind(kind), string(content))
		var got strings.Builder
		fmt.Fprintf(&got, "%s, %c, %d rows\n", report.Encoding, report.Delimiter, len(rows))
		for _, r := range report.Refusals {
			for _, l := range message.Languages {
				fmt.Fprintln(&got, r.Message().In(l))
			}
		}
		golden := strings.TrimSuffix(name, ".csv") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got.String() != string(want) {
			t.Errorf("%s: %v\n%s", name, err, got.String())
		}
	}
}

// The first line "sep=;" of some spreadsheets is skipped, and lines are counted with it.
func TestSeparatorLine(t *testing.T) {
	report, rows := read(t, lists.Pairs, "sep=,\r\ncarrier,importer\r\n8080,123456782RM0001\r\n80,123456782RM0001\r\n")
	if len(rows) != 1 || report.Count() != 1 || report.Refusals[0].Line != 4 || report.Delimiter != ',' {
		t.Errorf("%+v", report)
	}
}

// endless is a list without end.
type endless struct{ row []byte }

func (e endless) Read(b []byte) (n int, err error) {
	for n+len(e.row) <= len(b) {
		n += copy(b[n:], e.row)
	}
	if n == 0 {
		n = copy(b, bytes.Repeat([]byte("\n"), len(b)))
	}
	return n, nil
}

// A file without end is read until the limit, and of its refusals no more are kept than of any other.
func TestEndlessFile(t *testing.T) {
	in := io.MultiReader(strings.NewReader("carrier;importer\n"), endless{[]byte("80;x\n")})
	report, err := Read(lists.Pairs, in, 1<<20, func(int, lists.Row) error { return nil })
	if err != nil || report.More == 0 || len(report.Refusals) != MaxRefusals {
		t.Errorf("%d refusals kept, %d more, %v", len(report.Refusals), report.More, err)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("drivers", "program;number;status\nFAST;F1234;active\n")
	f.Add("manifest", "ccn,declared_weight_kg\n8080X1,\"1,2\"\n")
	f.Add("rates", "sep=;\nsite;lane;traffic_class;rate\n*;*;*;0.1\n")
	fuzz(f, "")
}

func FuzzJSON(f *testing.F) {
	f.Add("pairs", `{"carrier":"8080","importer":"123456782RM0001"}]`)
	f.Add("carriers", `{"code":"XCRS","bonded":true,"status":"active"},{"code":null}]`)
	fuzz(f, "[")
}

// fuzz reads any file: rows that are handed on are canonical, and every row that is not has a refusal.
func fuzz(f *testing.F, head string) {
	f.Fuzz(func(t *testing.T, kind, file string) {
		if forms[lists.Kind(kind)] == nil {
			kind = "targets"
		}
		report, rows := read(t, lists.Kind(kind), head+file)
		if int64(len(rows)) != report.Rows || report.Refused > report.Count() {
			t.Errorf("%d rows, report %+v", len(rows), report)
		}
		for _, r := range report.Refusals {
			if r.Message().In(message.French) == "" {
				t.Errorf("%+v says nothing", r)
			}
		}
	})
}
