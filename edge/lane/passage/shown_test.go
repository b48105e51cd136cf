package passage

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/edge/journal"
)

// TestDocumentsNewest: the newest passages are listed, also when one of them was noticed before older ones, as with a
// device that reports late.
func TestDocumentsNewest(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	sightings(g, "newest", map[string]float64{"loop-1": 1e6}).opened = true
	for i := range 2*maxShown + 5 {
		sightings(g, fmt.Sprintf("v%03d", i), map[string]float64{"loop-1": 60 * float64(i)}).opened = true
	}
	if all := k.documents(); len(all) != maxShown || all[0].Id != "newest" {
		t.Errorf("%d passages, the first is %s", len(all), all[0].Id)
	}
}

// TestPossibleOfNone: a reading that is of no vehicle or of this one is possible here, and names no other passage.
func TestPossibleOfNone(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0})
	from := sightings(g, "b", map[string]float64{"loop-1": 9, "rpm-1": 14})
	r := from.readings[1]
	r.confidence = 0.7
	terms := unexplainedTerms(3)
	r.terms = &terms
	r.setOther(v, 0.3, &terms)
	for _, c := range []struct {
		of    *vehicle
		other string
	}{{from, "b"}, {nil, ""}} {
		r.assign(c.of)
		all := k.document(g, v).Possible
		if len(all) != 1 || all[0].Other != c.other || all[0].Confidence != 0.3 || all[0].OtherConfidence != 0.7 ||
			len(all[0].Terms) != 0 {
			t.Errorf("of %q: %v", c.other, all)
		}
	}
}

// TestAroundSeenOnce: a late result may be of a vehicle that one device alone saw, and not of one of which nothing is
// left.
func TestAroundSeenOnce(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	once := sightings(g, "once", map[string]float64{"loop-1": 0})
	gone := sightings(g, "gone", map[string]float64{"loop-1": 1})
	gone.readings[0].assign(nil)
	g.sortVehicles()
	if all := g.around(g.devices["xray-1"], []*report{{at: sec(8)}}); len(all) != 1 || all[0] != once {
		t.Errorf("%d vehicles", len(all))
	}
}

// TestLateOfNobody: a late result that comes while no vehicle is known is of none, for sure, with no other candidate.
func TestLateOfNobody(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	r := scanned(g, 100, 8)
	p := g.reports["xray-1"][0]
	k.now = p.arrived + reportLast
	g.alignDevice(k, g.reports["xray-1"])
	if !p.final || r.vehicle != nil || r.other != nil || r.confidence < sure {
		t.Errorf("of %v with %.3f, or %v", r.vehicle, r.confidence, r.other)
	}
}

// TestExpectedOfLate: a vehicle of which late results alone are known is expected when the first of these was.
func TestExpectedOfLate(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"xray-1": 8})
	if at := g.expectedAt(v, 24); at != sec(8) {
		t.Errorf("%.1f s from when it was scanned", at-sec(8))
	}
}

// TestTagsAreNoPresence: for how long a tag is heard says nothing of how long a vehicle takes to pass.
func TestTagsAreNoPresence(t *testing.T) {
	for name, tag := range map[string]bool{"a loop": false, "a tag": true} {
		k := New(twoLanes())
		g := k.groups[0]
		for i := range 20 {
			v := sightings(g, "a", map[string]float64{"loop-1": 100 * float64(i), "loop-2": 100*float64(i) + 12})
			v.readings[0].det.Tag = tag
			k.teach(g, v)
		}
		if stood := g.model.StandingTime(g.devices["loop-1"], 100, 7.5, 2); (stood > 0) == tag {
			t.Errorf("%s that lasts 100 s: the vehicle stood for %.1f s", name, stood)
		}
	}
}

// TestToldForGoodLater: what is decided for good, and differs from what was journalled, can be forgotten when that was
// told, and not before.
func TestToldForGoodLater(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0})
	v.opened = true
	r := v.readings[0]
	r.confidence, r.stated = 0.9, &stated{passage: "a", confidence: 0.85}
	g.unsettled = []*reading{r}
	if rows := k.reportAssignments(g, false); len(rows) != 0 || len(g.unsettled) != 1 {
		t.Errorf("between two rounds: %d rows, %d are still to be told", len(rows), len(g.unsettled))
	}
	if rows := k.reportAssignments(g, true); len(rows) != 1 || len(g.unsettled) != 0 {
		t.Errorf("at a round: %d rows, %d are still to be told", len(rows), len(g.unsettled))
	}
}

// TestAlignmentRoom: the room in which late results are compared is used again: a lane runs for years.
func TestAlignmentRoom(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	scanned(g, 100, 8)
	k.now = g.reports["xray-1"][0].arrived
	g.alignDevice(k, g.reports["xray-1"])
	once := len(g.room)
	if g.alignDevice(k, g.reports["xray-1"]); len(g.room) != once || once == 0 {
		t.Errorf("%d fixes at first, and then %d", once, len(g.room))
	}
}

// askerGone is a journal that calls gone when it is read, and waits until whoever that concerns has gone.
type askerGone struct {
	*shelf
	gone func()
}

func (j *askerGone) Read(from int64, most int) ([]journal.Row, error) {
	if gone := j.gone; gone != nil {
		j.gone = nil
		gone()
		synctest.Wait()
	}
	return j.shelf.Read(from, most)
}

// TestAskerGone: who asks for the passages and does not wait for the answer does not hold up the follower.
func TestAskerGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &askerGone{shelf: newShelf()}
		running, stop := context.WithCancel(t.Context())
		f := NewFollower(j, twoLanes(), slog.New(slog.DiscardHandler))
		done := make(chan error)
		go func() { done <- f.Run(running) }()
		synctest.Wait()
		asking, leave := context.WithCancel(t.Context())
		j.gone = leave
		if _, _, err := f.Passages(asking); err != errNoPassages {
			t.Errorf("the asker who has gone gets %v", err)
		}
		if _, _, err := f.Passages(t.Context()); err != nil {
			t.Errorf("the next one gets %v", err)
		}
		stop()
		<-done
	})
}

// TestCorrectedNearly: a time that is two seconds later than its arrival is believed, a later one is not.
func TestCorrectedNearly(t *testing.T) {
	for late, believed := range map[time.Duration]bool{early: true, early + 1: false} {
		o := plate("lpr-1", 100, "ABC123")
		o.Body.DeviceTimeNs, o.Body.AgentDelayNs = o.TimeNs, -int64(late)
		var f *Follower
		if got := f.Corrected(o); got.Equal(o.Time()) != believed {
			t.Errorf("%v later than it arrived: %v", late, got.Sub(o.Time()))
		}
	}
}
