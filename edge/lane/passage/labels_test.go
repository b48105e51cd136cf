package passage

import (
	"testing"

	"lanewarden/edge/lane/passage/associate"
)

// TestSettledKeepsLabel: a vehicle of which something was decided under a label stays that label's, whatever was
// journalled of the readings that can still change.
func TestSettledKeepsLabel(t *testing.T) {
	for name, decided := range map[string]bool{"decided": true, "not decided": false} {
		g := newGroups(twoLanes())[0]
		own := sightings(g, "own", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12})
		other := sightings(g, "other", map[string]float64{"loop-1": 9})
		var all []associate.Assignment
		for i, r := range own.readings {
			r.label, r.det.Idx, r.final = 1, int64(i+1), i == 0 && decided
			if g.readings[r.det.Idx] = r; i > 0 {
				r.stated = &stated{passage: "other"}
				all = append(all, associate.Assignment{Detection: r.det, Label: 1})
			}
		}
		g.byLabel[1] = own
		want := other
		if decided {
			want = own
		}
		if g.labelVehicles(all); g.byLabel[1] != want {
			t.Errorf("%s: the label is that of %s, not %s", name, g.byLabel[1].id, want.id)
		}
	}
}

// TestNewLaneAtBound: in a new lane what would be called sure is in doubt; what would not be is not called doubtful
// too.
func TestNewLaneAtBound(t *testing.T) {
	for confidence, want := range map[float64]string{sure: newLane, sure - 0.001: ""} {
		k, g, r := doubted(confidence, explained())
		g.taught = firstTaught - 1
		g.vehicles = []*vehicle{g.vehicles[0], r.vehicle}
		if code, _ := k.why(g, r); code != want {
			t.Errorf("%.3f: %q", confidence, code)
		}
	}
}

// TestNotSeenEnteringBeside: a vehicle that nobody saw coming in may be the one just ahead of it, or just behind it.
func TestNotSeenEnteringBeside(t *testing.T) {
	born := associate.Terms{From: -1}
	born.Score[associate.Birth] = -3
	for name, order := range map[string]func(a, own *vehicle) []*vehicle{
		"ahead":  func(a, own *vehicle) []*vehicle { return []*vehicle{a, own} },
		"behind": func(a, own *vehicle) []*vehicle { return []*vehicle{own, a} },
	} {
		k, g, r := doubted(0.99, born)
		r.det.Dev, r.det.Device = 2, "rpm-1"
		g.vehicles = order(g.vehicles[0], r.vehicle)
		if k.doubt(g, r); r.doubtful != "doubt.not-seen-entering" || (r.other != nil) != (name == "ahead") {
			t.Errorf("one %s: %q, or %v", name, r.doubtful, r.other)
		}
	}
}
