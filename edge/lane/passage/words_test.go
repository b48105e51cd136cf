package passage

import (
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
)

// wordy is a group and a reading of its plate reader that is in a vehicle.
func wordy(terms associate.Terms) (*Correlator, *group, *reading) {
	c, g, r := doubted(0.99, terms)
	r.det.Device = "lpr-1"
	g.prepare(r.det)
	return c, g, r
}

// TestReason: what is said of a reading, in words.
func TestReason(t *testing.T) {
	name := func(value, shown string) *kinds.Name {
		return &kinds.Name{Kind: "plate", Value: value, Shown: shown, Sure: 1}
	}
	late := associate.Terms{From: 0, Residual: 7.25, Sigma: 1.5}
	soon := associate.Terms{From: 0, Residual: -7.25, Sigma: 1.5}
	waited := late
	waited.Queued = true
	first := associate.Terms{From: -1}
	first.Score[associate.Birth] = -3
	same := associate.Terms{From: 0, Read: name("ABC123", "ABC123"), Name: name("ABC123", "ABC 123")}
	same.Score[associate.Names] = 11
	nearly := same
	nearly.Read = name("ABC128", "ABC128")
	against := same
	against.Score[associate.Names] = -6
	again := associate.Terms{From: -1}
	again.Score[associate.Repeated] = -4
	loop1 := "loop-1"
	for _, c := range []struct {
		name   string
		terms  associate.Terms
		change func(r *reading)
		want   []string // all that it says
		not    []string
	}{
		{"in time", explained(), nil, []string{"matches " + loop1}, []string{"later", "earlier"}},
		{"late", late, nil, []string{"7.2 s later than predicted from " + loop1, "± 1.5 s"}, []string{"ahead"}},
		{"early", soon, nil, []string{"7.2 s earlier than predicted from " + loop1}, []string{"later"}},
		{"late, within what is usual", associate.Terms{From: 0, Residual: 1.2, Sigma: 1.5}, nil,
			[]string{"matches"}, []string{"later"}},
		{"in a queue", waited, nil, []string{"later", "behind the vehicle ahead"}, nil},
		{"first", first, nil, []string{"first detection"}, nil},
		{"by name", same, nil, []string{"plate ABC 123", "matches"}, []string{"nearly"}},
		{"nearly by name", nearly, nil, []string{"ABC128, nearly ABC 123"}, nil},
		{"another name", against, nil, []string{"matches"}, []string{"ABC"}},
		{"again", again, nil, []string{"seen again by the same device"}, nil},
		{"in doubt", late, func(r *reading) { r.doubtful = newLane }, []string{"later", "the lane is still new"}, nil},
		{"reversing", explained(), func(r *reading) { r.det.Reverse = true }, []string{"reversing"}, nil},
		{"of the same scan", explained(), func(r *reading) { r.linked = true }, []string{"same scan"}, []string{"matches"}},
		{"a person said so", same, func(r *reading) { r.pin = &pin{reason: "seen by eye"} }, []string{"seen by eye"}, []string{"ABC"}},
		{"a tag of no vehicle", explained(), func(r *reading) { r.vehicle, r.det.Tag = nil, true }, []string{"neighbouring lane"}, nil},
		{"of no vehicle", explained(), func(r *reading) { r.vehicle = nil }, []string{"nothing says"}, nil},
		{"as the journal says", explained(), func(r *reading) { r.terms, r.why = nil, message.Verbatim("as it was") }, []string{"as it was"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, g, r := wordy(c.terms)
			if c.change != nil {
				c.change(r)
			}
			got := strings.ReplaceAll(k.reason(g, r).English(), "\u00a0", " ")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q", got, want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(got, not) {
					t.Errorf("%q says %q", got, not)
				}
			}
		})
	}
}

// TestTermKinds: each kind of term has one of the journal's, and none is shared.
func TestTermKinds(t *testing.T) {
	of := map[observation.PassageTerm_Kind]associate.Kind{}
	for k := associate.Arrival; k <= associate.Strength; k++ {
		kind := termKinds[k]
		if other, had := of[kind]; had || kind == 0 {
			t.Errorf("kind %d is journalled as %v, as is %d", k, kind, other)
		}
		of[kind] = k
	}
	if len(termKinds) != len(of) {
		t.Errorf("%d kinds", len(termKinds))
	}
}

// TestTerms: the terms of an assignment beside those of the other candidate; those that say nothing of either are left
// out.
func TestTerms(t *testing.T) {
	own := associate.Terms{From: 0, Residual: 1.236, Sigma: 0.5, Name: &kinds.Name{Shown: "ABC 123"}}
	own.Score[associate.Arrival], own.Score[associate.Names] = -2, 11
	other := associate.Terms{From: -1}
	other.Score[associate.Arrival], other.Score[associate.Order] = -9, -7
	_, g, r := wordy(own)
	r.otherTerms = &other
	got := map[observation.PassageTerm_Kind]*observation.PassageTerm{}
	for _, term := range g.terms(r) {
		got[term.Kind] = term
	}
	arrival, name := got[observation.PassageTerm_KIND_ARRIVAL], got[observation.PassageTerm_KIND_NAME]
	order := got[observation.PassageTerm_KIND_ORDER]
	if len(got) != 3 || arrival.Score != -2 || arrival.OtherScore != -9 || arrival.From != "loop-1" || arrival.ResidualS != 1.24 {
		t.Errorf("%v", got)
	}
	if name.Score != 11 || name.OtherScore != 0 || name.From != "ABC 123" || order.Score != 0 || order.OtherScore != -7 {
		t.Errorf("%v, %v", name, order)
	}
	r.terms.Queued = true
	if all := g.terms(r); all[0].Kind != observation.PassageTerm_KIND_QUEUE {
		t.Errorf("in a queue: %v", all[0])
	}
	r.linked = true
	if all := g.terms(r); len(all) != 1 || all[0].Kind != observation.PassageTerm_KIND_LINK {
		t.Errorf("of the same scan: %v", all)
	}
	r.pin = &pin{by: "ada"}
	if all := g.terms(r); len(all) != 1 || all[0].Kind != observation.PassageTerm_KIND_PIN || all[0].From != "ada" {
		t.Errorf("a person said so: %v", all)
	}
	r.pin, r.linked, r.terms = nil, false, nil
	if all := g.terms(r); all != nil {
		t.Errorf("without terms: %v", all)
	}
}

// TestTermsOfAllKinds: an assignment may have terms of all kinds, whichever of the two candidates they are of.
func TestTermsOfAllKinds(t *testing.T) {
	var own, other associate.Terms
	own.From, other.From = -1, -1
	for k := range own.Score {
		own.Score[k] = float32(k + 1)
	}
	for _, c := range [][2]associate.Terms{{own, other}, {other, own}} {
		_, g, r := wordy(c[0])
		r.otherTerms = &c[1]
		all := g.terms(r)
		if len(all) != len(termKinds) {
			t.Fatalf("%d terms", len(all))
		}
		for k, term := range all {
			if term.Kind != termKinds[k] || term.Score != c[0].Score[k] || term.OtherScore != c[1].Score[k] {
				t.Errorf("term %d is %v", k, term)
			}
		}
	}
}

// TestReadingWords: what the journal has of a reading: its time, its station in its own lane, both candidates while it is not
// sure, and who pinned it.
func TestReadingWords(t *testing.T) {
	c, g, r := wordy(explained())
	r.det.Class, r.det.Idx, r.confidence = observation.Class_CLASS_ALARM, 7, 0.7
	r.det.At = sec(10)
	r.setOther(&vehicle{id: "other"}, 0.3, nil)
	p := c.reading(g, r, true)
	if p.Idx != 7 || p.Device != "lpr-1" || p.Station != "entry" || p.Other != "other" || p.Confidence != 0.7 ||
		p.OtherConfidence != 0.3 || p.Class != uint32(observation.Class_CLASS_ALARM) || p.PinnedBy != "" {
		t.Errorf("%v", p)
	}
	if off := time.Duration(p.TimeNs - dawn.Add(10*time.Second).UnixNano()); off.Abs() > 10*time.Microsecond {
		t.Errorf("its time is %v off", off)
	}
	r.confidence, r.pin = 1, &pin{by: "ada", reason: "seen by eye"}
	if p = c.reading(g, r, false); p.Other != "" || p.PinnedBy != "ada" || p.Reason != "seen by eye" || p.Terms != nil {
		t.Errorf("%v", p)
	}
	if p = c.reading(nil, &reading{det: &detection.Detection{Device: "rfid-9"}}, false); p.Station != "" || p.Device != "rfid-9" {
		t.Errorf("of a device in no lane: %v", p)
	}
}
