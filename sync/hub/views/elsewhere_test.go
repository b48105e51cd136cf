package views

import (
	"fmt"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// TestDecidedElsewhere: where a reading moved to another passage when it was decided about, the decision is found from there;
// those about the passage itself, about others' readings, and of another time or agent are not.
func TestDecidedElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l, other := newLane(c, "emerson", "lane-1"), newLane(c, "windsor", "rail-1")
		decide := func(l *lane, presentation, passage string, container string, rows ...int64) {
			var deltas []int64
			before := int64(0)
			for _, r := range rows {
				deltas, before = append(deltas, r-before), r
			}
			d := &observation.ClearanceDecision{Presentation: presentation, Revision: 1, Lane: "lane-1", Passage: passage, Outcome: "REFER",
				Decided: "REFER", Rows: deltas}
			if container != "" {
				d.Shipments = []*observation.ShipmentDecision{{Class: "intransit", Container: container}}
			}
			l.event(d)
		}
		open := func(l *lane, id string, readings ...*observation.PassageReading) {
			l.event(&observation.PassageOpened{Id: id, Lane: "lane-1", Readings: readings})
		}
		begin := l.now
		first, moved := l.plate("AAA111"), l.alarm()
		open(l, "a", first, moved)
		open(l, "b", l.alarm())
		decide(l, "v1", "a", "", first.Idx, moved.Idx)
		decide(l, "v2", "b", "", moved.Idx)
		decide(l, "v3", "c", "", 0, 3)
		open(other, "b", other.alarm())
		decide(other, "v1", "z", "", moved.Idx)
		l.now = begin.Add(2 * elsewhereWithin)
		decide(l, "v4", "d", "", moved.Idx)
		l.now = begin.Add(time.Minute)
		l.event(&observation.PassageCorrected{Idx: moved.Idx, From: "a", To: "b", By: "lane", Reading: moved})
		l.send()
		other.send()
		c.follow(batchRows)
		for id, want := range map[string]string{"a": "[]", "b": "[v1 about a]"} {
			p, err := c.Passage(l.from, id)
			if err != nil {
				t.Fatal(err)
			}
			found, err := c.DecidedElsewhere(&p)
			var got []string
			for _, d := range found {
				got = append(got, d.Decision.Presentation+" about "+d.Decision.Passage)
			}
			if fmt.Sprint(got) != want || err != nil {
				t.Errorf("%s: %v, %v, expected %s", id, got, err, want)
			}
		}
	})
	container := &observation.ClearanceDecision{Shipments: []*observation.ShipmentDecision{{}, {Container: "MSKU1234565"}}}
	for _, c := range []struct {
		d    *observation.ClearanceDecision
		p    *observation.PassageClosed
		want bool
	}{
		{container, &observation.PassageClosed{Containers: []string{"MSKU1234565"}}, true},
		{container, &observation.PassageClosed{Containers: []string{"MSKU1234570"}}, false},
		{container, &observation.PassageClosed{}, false},
		{&observation.ClearanceDecision{Plates: []string{"AAA111"}}, &observation.PassageClosed{Plate: "AAA111"}, true},
		{&observation.ClearanceDecision{Plates: []string{""}}, &observation.PassageClosed{}, false},
	} {
		if got := mentions(c.d, c.p); got != c.want {
			t.Errorf("%v mentions %v: %v", c.d, c.p, got)
		}
	}
}
