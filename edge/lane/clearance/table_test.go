package clearance

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/edge/lane/clearance/clearancetest"
	"lanewarden/firmware-config/lists"
)

// situation is what a row of the decision table stands for.
type situation struct {
	in     Input
	lists  *clearancetest.Lists
	policy string
	ages   map[lists.Kind]time.Duration
	absent map[lists.Kind]bool
	row    int64
	err    error
}

// TestDecisionTable runs every row of docs/clearance.md.
func TestDecisionTable(t *testing.T) {
	_, table, _ := strings.Cut(page(t), "## Decision table")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if len(cells) != 7 || strings.HasPrefix(cells[0], "-") || strings.TrimSpace(cells[0]) == "#" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows++
		t.Run(cells[0]+" "+cells[1], func(t *testing.T) { runRow(t, cells[2:]) })
	}
	if rows < 80 {
		t.Errorf("%d rows", rows)
	}
}

// runRow decides about the facts of a row and compares. cells are facts, outcome, reasons, exams, shipments.
func runRow(t *testing.T, cells []string) {
	s := read(t, strings.Trim(cells[0], "`"))
	d := Decide(s.in, s.lists, readPolicy(t, s.policy))
	if string(d.Outcome) != cells[1] {
		t.Errorf("outcome %s, want %s", d.Outcome, cells[1])
	}
	var got []string
	for _, r := range d.Reasons {
		got = append(got, string(r.Code))
	}
	want := strings.Fields(cells[2])
	slices.Sort(got)
	slices.Sort(want)
	if got := slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("reasons %v, want %v", got, want)
	}
	exams := strings.Trim(fmt.Sprint(d.Exams), "[]")
	if want := strings.TrimPrefix(cells[3], "-"); exams != want {
		t.Errorf("exams %q, want %q", exams, want)
	}
	if cells[4] != "" {
		compareShipments(t, d.Shipments, cells[4])
	}
	for _, r := range d.Reasons {
		t.Logf("%s %s %v %q / %q", r.Outcome, r.Code, r.Rows, r.Text.English(), r.Text.In("fr"))
	}
}

func compareShipments(t *testing.T, got []ShipmentDecision, want string) {
	t.Helper()
	var all []string
	for _, s := range got {
		name := s.CCN
		if s.Container != "" {
			name = s.Container
		} else if name == "" {
			name = s.Importer
		}
		all = append(all, fmt.Sprintf("%s:%s=%s", s.Class, name, s.Outcome))
	}
	wanted := strings.Split(want, "; ")
	slices.Sort(all)
	slices.Sort(wanted)
	if !slices.Equal(all, wanted) {
		t.Errorf("shipments %v, want %v", all, wanted)
	}
}

// read returns the situation of a cell of facts.
func read(t testing.TB, facts string) *situation {
	t.Helper()
	s := &situation{lists: fixtures(t), policy: "csa-land", ages: map[lists.Kind]time.Duration{},
		absent: map[lists.Kind]bool{}, row: 100}
	s.in = Input{Site: "emerson", SiteKind: "land", Lane: "lane-1", Now: instant("2026-12-01"), ClockTrusted: true,
		Draw: Draw{Value: 0.5, Secret: "2026-12-01"}, Vehicle: Vehicle{Stations: map[string]Seen{"portal": SeenYes, "scale": SeenYes}}}
	s.in.Now = s.in.Now.Add(12 * time.Hour)
	for _, word := range strings.Fields(strings.ReplaceAll(" "+facts+" ", " CSA ", " 8080 123456782RM0001 12345678 ")) {
		s.word(word)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	if !strings.Contains(facts, "plate:") {
		s.word("plate:ABC123")
	}
	for _, v := range versions(s.in.Now.Add(-time.Hour)) {
		if age, given := s.ages[v.Kind]; given {
			v.Issued = s.in.Now.Add(-age)
		}
		if !s.absent[v.Kind] {
			s.lists.InForce = append(s.lists.InForce, v)
		}
	}
	return s
}

// word takes one word of the notation in.
func (s *situation) word(word string) {
	s.row++
	key, value, found := strings.Cut(word, ":")
	p, v := &s.in.Presented, &s.in.Vehicle
	switch {
	case strings.HasPrefix(word, "@"):
		s.policy = word[1:]
	case !found:
		p.Codes = append(p.Codes, s.code(word))
	case key == "key":
		c := s.code(value)
		c.Manual = true
		p.Codes = append(p.Codes, c)
	case key == "card":
		epc, tid, _ := strings.Cut(value, "/")
		c := Card{Row: s.row}
		c.EPC, s.err = hex.DecodeString(epc)
		c.TID, _ = hex.DecodeString(tid)
		p.Cards = append(p.Cards, c)
	case key == "plate" && value != "none":
		p.Plates = append(p.Plates, Plate{Row: s.row, Normal: value, Sure: 0.9})
	case key == "container":
		p.Containers = append(p.Containers, s.code(value))
	case key == "seal":
		p.Seals = append(p.Seals, Code{Row: s.row, Kind: identifier.Seal, Value: value})
	case key == "kg":
		v.WeightKg, s.err = strconv.ParseFloat(value, 64)
	case key == "tare":
		v.TareKg, s.err = strconv.ParseFloat(value, 64)
	case key == "alarm":
		s.alarm(value)
	case key == "case":
		s.adjudicate(value)
	case key == "portal" || key == "scale" || key == "xray":
		v.Stations[key] = Seen(value)
		if value == "absent" {
			delete(v.Stations, key)
		}
	default:
		s.surrounding(key, value)
	}
}

// surrounding takes a word about lists, place, time and draw in.
func (s *situation) surrounding(key, value string) {
	switch key {
	case "draw":
		s.draw(value)
	case "age":
		kind, age, _ := strings.Cut(value, "=")
		s.ages[lists.Kind(kind)], s.err = time.ParseDuration(age)
	case "missing":
		s.absent[lists.Kind(value)] = true
		s.lists.Drop(lists.Kind(value))
	case "unreadable":
		s.lists.Unreadable[lists.Kind(value)] = true
	case "site":
		s.in.Site = value
	case "kind":
		s.in.SiteKind = value
	case "lane":
		s.in.Lane = value
	case "now":
		s.in.Now = instant(value)
	case "clock":
		s.in.ClockTrusted = value != "untrusted"
	case "elsewhere":
		s.in.Vehicle.SeenBefore = instant(value)
	case "plate":
	default:
		s.err = fmt.Errorf("%s:%s is no notation", key, value)
	}
}

// code returns what a scanner makes of a code.
func (s *situation) code(text string) Code {
	var all []Code
	for _, r := range identifier.Readings(text) {
		all = append(all, Code{Kind: r.Kind, Value: r.Value, Role: r.Kind.Role(), Check: r.Check})
	}
	c := all[0]
	c.Row, c.Device, c.Alternatives = s.row, "scan-1", all[1:]
	return c
}

func (s *situation) alarm(text string) {
	words := strings.Split(text, ",")
	family, nuclides, _ := strings.Cut(words[0], "=")
	a := Alarm{Row: s.row, Device: "device-1", Kind: family + ".alarm", Natural: slices.Contains(words, "natural"),
		Possible: slices.Contains(words, "possible")}
	if nuclides != "" {
		a.Nuclides = strings.Split(nuclides, "+")
	}
	s.in.Vehicle.Alarms = append(s.in.Vehicle.Alarms, a)
}

func (s *situation) adjudicate(result string) {
	c := Case{ID: "C-1", Row: s.row, Open: result == "open"}
	if !c.Open {
		c.Result = result
	}
	for _, a := range s.in.Vehicle.Alarms {
		c.Alarms = append(c.Alarms, a.Row)
	}
	s.in.Vehicle.Cases = append(s.in.Vehicle.Cases, c)
}

func (s *situation) draw(text string) {
	words := strings.Split(text, ",")
	s.in.Draw.Value = math.NaN()
	if words[0] != "none" {
		s.in.Draw.Value, s.err = strconv.ParseFloat(words[0], 64)
	}
	s.in.Draw.Kept = slices.Contains(words, "kept")
	if slices.Contains(words, "local") {
		s.in.Draw.Secret = "local-2026-12-01"
	}
}
