package passage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// keep commits the rows of a day to a journal on the disk, where they have the same places.
func keep(t *testing.T, d *day) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	var all []*observation.Observation
	for _, r := range d.rows {
		all = append(all, r.Observation)
	}
	if added, err := j.Commit(t.Context(), all...); err != nil || added != len(all) {
		t.Fatalf("%d of %d rows, %v", added, len(all), err)
	}
	return j
}

// longDay is a day of more vehicles than lists show, of which some are corrected, get late results, or are still there.
func longDay(t *testing.T) *day {
	d := newDay(t, twoLanes())
	for v := range 150 {
		at := 60 * float64(v)
		d.take(through(at, fmt.Sprintf("W%03dX", v))...)
	}
	d.wait(100)
	early := d.said()["loop-1 600.00"]
	d.correct("lpr-1 660.40", early)  // a plate moves to the vehicle ahead
	d.correct("scale-1 673.00", "")   // a weighing is nobody's
	d.correct("loop-2 732.00", early) // and one of the vehicle behind
	scan := late(seen("xray-1", 8760+8.5, &observation.XrayThreatReport{ScanInstance: "scan W146X"}), 400)
	scan.Class = observation.Class_CLASS_ALARM
	d.take(scan)
	d.wait(300)
	d.take(loop("loop-1", 9500), plate("lpr-1", 9500.4, "OPEN11"), portal("rpm-1", 9505, true))
	d.wait(15)
	return d
}

// TestPastEqualsMemory: what the journal says of a passage is what the agent has in memory of it, for each of a day with
// corrections, late results and one that is still there, also when its lists do not have it.
func TestPastEqualsMemory(t *testing.T) {
	d := longDay(t)
	j := keep(t, d)
	names := func(p *observation.PassageClosed) []string { return append(slices.Clone(p.Tags), p.Plate) }
	rows := func(all []*observation.PassageReading) (out []string) {
		for _, r := range all {
			out = append(out, fmt.Sprint(r.Idx, r.Other, r.PinnedBy, r.TimeNs)) // not in the words of the reason: since then the window may have them of another device
		}
		return out
	}
	n := 0
	for _, g := range d.groups {
		for _, v := range g.vehicles {
			if !v.opened {
				continue
			}
			want := d.document(g, v)
			got, err := Find(t.Context(), j, v.id, DefaultLate)
			if err != nil {
				t.Fatalf("%s: %v", v.id, err)
			}
			if !slices.Equal(rows(got.Readings), rows(want.Readings)) || !slices.Equal(rows(got.Possible), rows(want.Possible)) ||
				!slices.Equal(names(got), names(want)) || got.Alarm != want.Alarm || got.State != want.State || got.Lane != want.Lane ||
				got.OpenedNs != want.OpenedNs || got.ClosedNs != want.ClosedNs {
				t.Fatalf("%s in the journal\n%v\nin memory\n%v", v.id, got, want)
			}
			n++
		}
	}
	if n < 151 {
		t.Errorf("%d passages", n)
	}
}

// TestPastRefuses: what the journal never had is unknown; a search ends with its context.
func TestPastRefuses(t *testing.T) {
	d := longDay(t)
	j := keep(t, d)
	for _, id := range []string{"", "lane-1-20260504T060000-99999", "x", d.said()["loop-1 0.00"] + "0"} {
		if p, err := Find(t.Context(), j, id, DefaultLate); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v, %v", id, p, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ended, j, d.said()["loop-1 0.00"], DefaultLate); !errors.Is(err, context.Canceled) {
		t.Errorf("of a search that was given up: %v", err)
	}
}

// removedRows is a journal whose rows about passages were removed to make room.
type removedRows struct{ *journal.Journal }

func (removedRows) Named(string, string) (*journal.Row, bool, error) { return nil, true, nil }

// TestPastRemoved: of a passage whose rows were removed that is said; its readings alone may be gone.
func TestPastRemoved(t *testing.T) {
	d := longDay(t)
	j := keep(t, d)
	id := d.said()["loop-1 0.00"]
	if _, err := Find(t.Context(), removedRows{j}, id, DefaultLate); !errors.Is(err, ErrRemoved) {
		t.Errorf("%v", err)
	}
	if late := NewFollower(newShelf(), []Lane{{ID: "a", Late: 3 * DefaultLate, Stations: twoLanes()[0].Stations}}, nil).Late(); late != 3*DefaultLate {
		t.Errorf("late results are taken for %v", late)
	}
}
