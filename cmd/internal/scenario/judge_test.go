package scenario

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage"
)

// TestVerdict: what is right, what is shown at its own passage as uncertain, what is wrong although called certain.
func TestVerdict(t *testing.T) {
	type says = passage.Assignment
	for name, c := range map[string]struct {
		says   says
		own    string
		orphan bool
		want   verdict
	}{
		"right":                  {says{Passage: "a", Confidence: 1}, "a", false, verdict{right: true, shown: true}},
		"right, unsure":          {says{Passage: "a", Confidence: 0.5, Other: "b"}, "a", false, verdict{right: true, shown: true}},
		"wrong, shown at both":   {says{Passage: "b", Confidence: 0.9, Other: "a"}, "a", false, verdict{shown: true}},
		"wrong, other is wrong":  {says{Passage: "b", Confidence: 0.9, Other: "c"}, "a", false, verdict{}},
		"wrong, nothing shown":   {says{Passage: "b", Confidence: 0.9}, "a", false, verdict{}},
		"certain hides other":    {says{Passage: "b", Confidence: 0.95, Other: "a"}, "a", false, verdict{sureWrong: true}},
		"none is right":          {says{Confidence: 0.8}, "", false, verdict{right: true, shown: true}},
		"none, own is other":     {says{Confidence: 0.8, Other: "a"}, "a", false, verdict{shown: true}},
		"nobody's, none other":   {says{Passage: "b", Confidence: 0.8, OtherConfidence: 0.2}, "", false, verdict{shown: true}},
		"nobody's, no other":     {says{Passage: "b", Confidence: 0.8}, "", false, verdict{}},
		"nobody's, certain":      {says{Passage: "b", Confidence: 0.99}, "", false, verdict{sureWrong: true}},
		"vehicle has no passage": {says{Confidence: 0.3}, "", true, verdict{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judgeOne(c.says, c.own, c.orphan, false); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestMatch: a passage is its vehicle's when each has most of the other, and what a passage holds of two is counted.
func TestMatch(t *testing.T) {
	d, said := &Day{}, []*passage.Assignment{}
	add := func(vehicle int, id string, body *observation.XrayImage) {
		o := &observation.Observation{Body: &observation.Body{}}
		if body != nil {
			o = observation.New(observation.Class_CLASS_EVENT, Begin, body)
		}
		d.Told = append(d.Told, Told{Obs: o, Vehicle: vehicle})
		said = append(said, &passage.Assignment{Passage: id})
	}
	for range 3 {
		add(0, "a", nil)
		add(1, "b", nil)
	}
	add(0, "b", &observation.XrayImage{})
	add(1, "b", &observation.XrayImage{})
	add(2, "b", nil) // it has no passage of its own
	add(3, "", nil)
	add(-1, "neighbour's", nil)
	m := match(d, said)
	for vehicle, want := range map[int]string{0: "a true", 1: "b true", 2: "b false", 3: " false", -1: " true"} {
		id, ok := m.own(vehicle)
		if got := fmt.Sprint(id, " ", ok); got != want {
			t.Errorf("vehicle %d: own passage %s, want %s", vehicle, got, want)
		}
	}
	if n := holdTwo(d, said, observation.Kind_KIND_XRAY_IMAGE); n != 1 || len(m.owner) != 3 || len(m.main) != 4 {
		t.Errorf("%d passages with two scans, %d passages, %d vehicles", n, len(m.owner), len(m.main))
	}
}

// TestCalibrationTable: a reading counts in its range, the last tenth as a whole as well, and the difference has the sign
// of what is kept less what is promised.
func TestCalibrationTable(t *testing.T) {
	var c Calibration
	for _, x := range []struct {
		confidence float64
		right      bool
	}{{0, false}, {0.25, true}, {0.9, true}, {0.92, false}, {0.95, true}, {0.99, true}, {1, true}} {
		c.add(x.confidence, x.right)
	}
	text := c.Table()
	for _, want := range []string{
		"| 0 to 0.1 | 1 | 0.0000 | 0.00 % | +0.00 |", "| 0.2 to 0.3 | 1 | 0.2500 | 100.00 % | +75.00 |",
		"| 0.3 to 0.4 | 0 | | | |", "| 0.9 to 1 | 5 | 0.9520 | 80.00 % | -15.20 |",
		"| 0.9 to 0.95 | 2 | 0.9100 | 50.00 % | -41.00 |", "| 0.95 to 0.99 | 1 |", "| 0.99 to 1 | 2 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
}

// TestJudgeCountsEachReading: totals, cases, kinds of device and calibration are of the same readings, over several
// lanes and days.
func TestJudgeCountsEachReading(t *testing.T) {
	s := load(t, "two-lanes")
	s.Vehicles = 60
	sum, told := newScore(), 0
	for seed := range uint64(2) {
		d := Make(s, seed)
		told += len(d.Told)
		sum.Add(Judge(s, d))
	}
	count := func(of map[string]*Tally) (n int) {
		for _, t := range of {
			n += t.Readings.All
		}
		return n
	}
	calibrated := sum.Undecided
	for _, b := range sum.Calibration.bins {
		calibrated += b.readings
	}
	for name, n := range map[string]int{
		"total": sum.Total.Readings.All, "cases": count(sum.Cases), "kinds": count(sum.Kinds), "calibration": calibrated,
	} {
		if n != told || n == 0 {
			t.Errorf("%s: %d of %d readings", name, n, told)
		}
	}
	if sum.Days != 2 || sum.Vehicles < 110 || sum.Vehicles > 120 || sum.Kinds[""] != nil {
		t.Errorf("%d days, %d vehicles, %v", sum.Days, sum.Vehicles, sum.Kinds)
	}
}
