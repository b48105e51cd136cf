package clearance

import (
	"encoding/csv"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/lane/clearance/clearancetest"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/lists"
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

// fixtureRow is one row of a list of the page, by column.
type fixtureRow map[string]string

func (r fixtureRow) several(column string) []string {
	if r[column] == "" {
		return nil
	}
	return strings.Split(r[column], ";")
}

func (r fixtureRow) number(column string) float64 {
	n, _ := strconv.ParseFloat(r[column], 64)
	return n
}

func (r fixtureRow) hex(column string) []byte {
	b, _ := hex.DecodeString(r[column])
	return b
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

func (r fixtureRow) period(from, to string) lists.Period {
	return lists.Period{From: instant(r[from]), To: instant(r[to])}
}

// fixtures returns the lists of the page, without versions.
func fixtures(t testing.TB) *clearancetest.Lists {
	t.Helper()
	l := clearancetest.New()
	for _, block := range strings.Split(page(t), "```csv ")[1:] {
		name, body, _ := strings.Cut(block, "\n")
		body, _, _ = strings.Cut(body, "```")
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, cells := range rows[1:] {
			r := fixtureRow{}
			for i, cell := range cells {
				r[rows[0][i]] = cell
			}
			l.Put(r.row(lists.Kind(name)))
		}
	}
	return l
}

// row returns the row of a list.
func (r fixtureRow) row(k lists.Kind) any {
	status, valid := lists.Status(r["status"]), r.period("valid_from", "valid_to")
	switch k {
	case lists.Drivers:
		return lists.Driver{Program: r["program"], Number: r["number"], EPC: r.hex("epc"), TID: r.hex("tid"), Valid: valid,
			Status: status, Carriers: r.several("carriers")}
	case lists.Carriers:
		return lists.Carrier{Code: r["code"], SCAC: r["scac"], Name: r["name"], Programs: r.several("programs"),
			Status: status, Valid: valid}
	case lists.Importers:
		return lists.Importer{BN15: r["bn15"], Name: r["name"], Programs: r.several("programs"), Status: status, Valid: valid}
	case lists.Pairs:
		return lists.Pair{Carrier: r["carrier"], Importer: r["importer"], Valid: valid}
	case lists.Targets:
		return lists.Target{Type: lists.KeyType(r["key_type"]), Key: r["key"], Prefix: r["match"] == "prefix",
			Exams: r.several("exam"), Priority: int(r.number("priority")), Valid: valid, ReasonCode: r["reason_code"],
			Releasability: r["releasability"], Issuer: r["issuer"]}
	case lists.Manifest:
		return lists.Shipment{CCN: r["ccn"], CRN: r["crn"], Carrier: r["carrier"], Importer: r["importer"],
			DeclaredWeightKg: r.number("declared_weight_kg"), HS: r.several("hs"), Goods: r["goods"],
			Arrival: r.period("arrival_from", "arrival_to")}
	case lists.InTransit:
		seals := slices.DeleteFunc([]string{r["seal1"], r["seal2"], r["seal3"], r["seal4"]}, func(s string) bool { return s == "" })
		return lists.Transit{Container: r["container"], Seals: seals, InBondOrCCN: r["inbond_or_ccn"],
			EntrySite: r["entry_site"], ExitSite: r["exit_site"], LeftAt: instant(r["left_at"]), DueAt: instant(r["due_at"]),
			WeightKg: r.number("weight_kg"), ToleranceKg: r.number("tolerance_kg"), RequiredExam: r["required_exam"]}
	}
	return lists.Rate{Site: r["site"], Lane: r["lane"], Class: r["class"], Share: r.number("rate")}
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
