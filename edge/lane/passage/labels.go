package passage

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"lanewarden/edge/lane/passage/associate"
)

// readWindow adopts the window's present assignments, and decides those detections that nothing
// later changes. A detection is decided no sooner than settle, hold and the usual delay of reports
// after it.
func (g *group) readWindow(c *Correlator, now float64) {
	if !g.dirty && g.window.Len() == 0 {
		return
	}
	settled := g.window.Settle(now-hold-settle-g.delay, now-hold-g.delay)
	if len(settled) > 0 || g.dirty {
		all := g.window.Assignments()
		if len(settled) > 0 {
			all = append(settled, all...)
		}
		g.adopt(c, all)
	}
	for i := range settled {
		a := &settled[i]
		g.readings[a.Detection.Idx].settle()
		if a.Detection.Tag {
			g.model.StrayRate(a.Detection.Dev).Add(a.Detection.At, a.Probability(associate.None))
		}
	}
	g.dirty = false
}

// settle marks a reading as decided for good. Its terms are copied: in place they would keep the
// window's whole graph of hypotheses in memory.
func (r *reading) settle() {
	r.final = true
	for _, t := range []**associate.Terms{&r.terms, &r.otherTerms} {
		if *t != nil {
			own := **t
			*t = &own
		}
	}
}

// adopt gives readings to vehicles as the window's assignments say. A runner-up that is a vehicle
// of this detection alone is shown as no vehicle.
func (g *group) adopt(c *Correlator, all []associate.Assignment) {
	g.labelVehicles(all)
	for i := range all {
		a := &all[i]
		r := g.readings[a.Detection.Idx]
		r.label, r.placed = a.Label, true
		r.assign(g.byLabel[a.Label])
		r.confidence, r.terms = a.Shares[0].Probability, a.Shares[0].Terms
		r.setOther(nil, 0, nil)
		if len(a.Shares) > 1 {
			s := &a.Shares[1]
			other := g.byLabel[s.Label]
			if s.Label == r.det.Idx { // a vehicle that nobody else saw
				other = nil
			}
			r.setOther(other, s.Probability, s.Terms)
		}
		c.doubt(g, r)
	}
}

// labelVehicles finds the vehicle of each label: the one that it had while its first detection
// stays what it is, else the one to which most of its readings were journalled, else a new one. So
// a passage keeps its id when the window changes its mind about its first detection.
func (g *group) labelVehicles(all []associate.Assignment) {
	members := map[int64][]*reading{}
	var labels []int64
	for i := range all {
		a := &all[i]
		if a.Label == associate.None {
			continue
		}
		if members[a.Label] == nil {
			labels = append(labels, a.Label)
		}
		members[a.Label] = append(members[a.Label], g.readings[a.Detection.Idx])
	}
	taken := map[*vehicle]bool{}
	var open []int64
	for _, label := range labels {
		if v := g.byLabel[label]; v != nil && !taken[v] && g.settledIn(v, label) {
			taken[v] = true
			continue
		}
		open = append(open, label)
	}
	var rest []int64
	for _, label := range open {
		if v := g.elect(label, members[label], taken); v != nil {
			g.byLabel[label], taken[v] = v, true
		} else {
			rest = append(rest, label)
		}
	}
	for _, label := range rest {
		if v := g.byLabel[label]; v != nil && !taken[v] && len(v.readings) > 0 && v.readings[0].stated == nil {
			taken[v] = true
			continue
		}
		v := g.open(members[label])
		g.byLabel[label], taken[v] = v, true
	}
}

// settledIn reports whether a vehicle has readings that were decided under a label.
func (g *group) settledIn(v *vehicle, label int64) bool {
	return slices.ContainsFunc(v.readings, func(r *reading) bool { return r.final && r.label == label })
}

// anothers reports whether readings of a vehicle were decided under another label: it is another
// one's passage then.
func (v *vehicle) anothers(label int64) bool {
	return v != nil && slices.ContainsFunc(v.readings, func(r *reading) bool {
		return r.final && r.label != noLabel && r.label != label
	})
}

// elect returns the vehicle to which most of a label's readings were journalled; nil when none was.
// Of equals, the lower id wins, so that a replay elects the same.
func (g *group) elect(label int64, readings []*reading, taken map[*vehicle]bool) *vehicle {
	votes := map[string]int{}
	best := ""
	for _, r := range readings {
		t := r.stated
		if r.past != nil {
			t = r.past
		}
		if t == nil || t.passage == "" || taken[g.byID[t.passage]] || g.byID[t.passage].anothers(label) {
			continue
		}
		votes[t.passage]++
		if n := votes[t.passage]; n > votes[best] || n == votes[best] && t.passage < best {
			best = t.passage
		}
	}
	if best == "" {
		return nil
	}
	return g.known(best)
}

// open creates a vehicle of readings that were not journalled before, under an id that no other
// passage has.
func (g *group) open(readings []*reading) *vehicle {
	lane := g.laneOf(readings)
	id := ""
	for _, r := range readings {
		if id = g.passageID(lane, r.det); g.byID[id] == nil {
			break
		}
	}
	for n := 1; g.byID[id] != nil; n++ { // other passages were told that these named, and which have lost them
		d := *readings[0].det
		d.At += float64(n)
		id = g.passageID(lane, &d)
	}
	v := &vehicle{id: id, lane: lane}
	g.enroll(v)
	return v
}

// enroll adds a vehicle to the group's.
func (g *group) enroll(v *vehicle) {
	v.home, v.place = g, math.NaN()
	v.changed()
	g.byID[v.id] = v
	g.vehicles = append(g.vehicles, v)
	g.active = append(g.active, v)
}

// laneOf returns the lane of most of the devices that saw a vehicle. A device of one lane alone
// outvotes all that stand in several.
func (g *group) laneOf(readings []*reading) int {
	votes := make([]int, len(g.lanes))
	for _, r := range readings {
		places := g.layout.Devices[r.det.Dev].Places
		for _, p := range places {
			if votes[p.Lane]++; len(places) == 1 {
				votes[p.Lane] += len(g.layout.Devices)
			}
		}
	}
	best := 0
	for i, n := range votes {
		if n > votes[best] {
			best = i
		}
	}
	return best
}

// sortVehicles sorts the vehicles by their first detections. Nearly always they are sorted already;
// a vehicle that had no readings for a while may be anywhere.
func (g *group) sortVehicles() {
	moved := false
	for _, v := range g.changed {
		if first := v.facts(g).first; first != v.place {
			v.place, moved = first, true
		}
		v.listed = false
	}
	if g.changed = g.changed[:0]; !moved {
		return
	}
	sorted := func(a, b *vehicle) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.id, b.id)) }
	if !slices.IsSortedFunc(g.vehicles, sorted) {
		slices.SortStableFunc(g.vehicles, sorted)
	}
}

// known returns the vehicle of a passage that the journal has, creating it when it is not in
// memory. Its lane is the one with the longest id that begins the passage's.
func (g *group) known(id string) *vehicle {
	v := g.byID[id]
	if v == nil {
		v = &vehicle{id: id, opened: true}
		named := ""
		for i, l := range g.lanes {
			if strings.HasPrefix(id, l.ID+"-") && len(l.ID) > len(named) {
				v.lane, named = i, l.ID
			}
		}
		g.enroll(v)
	}
	return v
}
