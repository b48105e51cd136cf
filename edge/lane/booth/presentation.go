package booth

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance"
)

// Presentation is what one vehicle presented at the booth.
type Presentation struct {
	ID    string
	Begun time.Time
	Ended time.Time // it left; zero while it is there

	last         time.Time   // something came
	sightings    []*sighting // at the booth, in the order in which they came
	passage      string      // as it was known last
	judgedAlarms map[int64]bool
	said         *observation.ClearanceDecision // the last decision that was journalled; nil before
	overridden   *override
	seenBefore   time.Time // when its container in transit was at its exit already, as the centre says; zero for never
}

// override is an officer's word, and which reasons it was given against: another reason that is worse reopens the
// decision.
type override struct {
	*observation.ClearanceOverride
	against map[string]bool // reasons by reasonKey
}

// FirstRow returns the row with which the presentation began.
func (p *Presentation) FirstRow() int64 { return p.sightings[0].row }

// decided notes a decision that was journalled.
func (p *Presentation) decided(d *observation.ClearanceDecision) {
	if d.Revision >= p.said.GetRevision() {
		p.said = d
	}
}

// override notes an officer's word against the reasons of the decision in force.
func (p *Presentation) override(w *observation.ClearanceOverride) {
	o := &override{w, map[string]bool{}}
	for _, r := range p.said.GetReasons() {
		o.against[reasonKey(r)] = true
	}
	p.overridden = o
}

// reasonKey names a reason with the rows that it rests on.
func reasonKey(r *observation.ClearanceReason) string { return fmt.Sprint(r.Code, r.Rows) }

// present adds a sighting at the booth to the current presentation, or begins one with it. Weighings, detections and
// alarms begin none: a vehicle that presents nothing yet is not there.
func (b *Booth) present(s *sighting) {
	shown := s.shown()
	var before []*sighting
	if b.current != nil && s.plate != nil && b.otherVehicle(s.plate) {
		before = b.current.splitLast(s.at)
		b.end(s.at)
	}
	if b.current == nil && !shown {
		return
	}
	for _, one := range append(before, s) {
		if b.current == nil {
			b.current = &Presentation{
				ID:    fmt.Sprintf("%s-%s-%d", b.lane.ID, one.at.Format("20060102T150405"), one.row),
				Begun: one.at,
			}
		}
		b.current.sightings = append(b.current.sightings, one)
	}
	if shown {
		b.current.last = s.at
	}
}

// A camera reads a plate a little after the driver has begun to show codes: what came within newest of it, and after a
// pause, is the vehicle's of that plate.
const (
	newest   = 10 * time.Second
	newPause = 5 * time.Second
)

// splitLast takes from a presentation, and returns, what was shown just before a moment, after a pause: nothing when there
// was no pause. What else devices at the booth say, an occupancy at its end, is of the vehicle that stood there.
func (p *Presentation) splitLast(now time.Time) (last []*sighting) {
	var shown []*sighting
	for _, s := range p.sightings {
		if s.shown() {
			shown = append(shown, s)
		}
	}
	for i := len(shown) - 1; i > 0; i-- {
		at := shown[i].at
		if now.Sub(at) > newest {
			break
		}
		if at.Sub(shown[i-1].at) >= newPause {
			last = shown[i:]
			break
		}
	}
	p.sightings = slices.DeleteFunc(p.sightings, func(s *sighting) bool { return slices.Contains(last, s) })
	return last
}

// otherPlate is by how many characters two reads of plates differ that are of two vehicles.
const otherPlate = 3

// otherVehicle reports whether a plate is of another vehicle than the one at the booth: the detector that tells when
// vehicles leave may miss one, and there may be none.
func (b *Booth) otherVehicle(plate *clearance.Plate) bool {
	other := false
	for _, s := range b.current.sightings {
		if s.plate != nil {
			if identifier.Distance(s.plate.Normal, plate.Normal) < otherPlate {
				return false
			}
			other = true
		}
	}
	return other
}

// presented returns what was presented: at the booth, and of plates, tags and containers what was read of the vehicle
// before.
func (b *Booth) presented(p *Presentation) clearance.Presented {
	out := clearance.Presented{ID: p.ID, Begun: p.Begun}
	id, certain := b.passageOf(p)
	for _, s := range b.of(p, id, certain) {
		if s.card != nil && !slices.ContainsFunc(out.Cards, func(c clearance.Card) bool { return bytes.Equal(c.EPC, s.card.EPC) }) {
			out.Cards = append(out.Cards, *s.card)
		}
		if s.plate != nil && !slices.ContainsFunc(out.Plates, func(c clearance.Plate) bool { return c.Normal == s.plate.Normal }) {
			out.Plates = append(out.Plates, *s.plate)
		}
		if s.code != nil {
			into := into(&out, s.code)
			*into = addCode(*into, s.code)
		}
	}
	return out
}

// of returns the sightings of a presentation and, when its passage is certain, those of the passage, by row.
func (b *Booth) of(p *Presentation, passage string, certain bool) []*sighting {
	all := map[int64]*sighting{}
	for _, s := range p.sightings {
		all[s.row] = s
	}
	if certain {
		for _, s := range b.sightings {
			if s.of.passage == passage {
				all[s.row] = s
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(x, y *sighting) int { return cmp.Compare(x.row, y.row) })
}

// into returns the list in which a code belongs.
func into(out *clearance.Presented, c *clearance.Code) *[]clearance.Code {
	switch {
	case c.Kind == identifier.Container, c.Kind == identifier.RailCar, c.Kind == identifier.UICWagon:
		return &out.Containers
	case c.Role == identifier.RoleSeal:
		return &out.Seals
	}
	return &out.Codes
}

// addCode adds a code once. One that was scanned as well as keyed in counts as scanned.
func addCode(codes []clearance.Code, c *clearance.Code) []clearance.Code {
	for i := range codes {
		if codes[i].Kind == c.Kind && codes[i].Value == c.Value {
			codes[i].Manual = codes[i].Manual && c.Manual
			return codes
		}
	}
	return append(codes, *c)
}
