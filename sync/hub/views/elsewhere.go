package views

import (
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

const (
	// elsewhereWithin is how long before and after a vehicle was in the lane a decision may be that was about it, and is
	// another's: what moved between passages was read at about the same time.
	elsewhereWithin = 10 * time.Minute
	// mostElsewhere bounds the decisions of that time that are looked at: a full lane decides ten a minute.
	mostElsewhere = 300
)

// DecidedElsewhere returns the decisions of a passage's lanes at about its time that are about other passages, or none,
// and rest on readings that are this one's now, or name its plate or a container of it: the newest first. The association
// may have moved a reading after its vehicle was decided about.
func (v *Views) DecidedElsewhere(p *Passage) (out []Decided, err error) {
	if !v.there() || p.Document == nil {
		return nil, nil
	}
	from := p.Document.OpenedNs - int64(elsewhereWithin)
	to := max(p.Document.ClosedNs, p.Document.OpenedNs) + int64(elsewhereWithin)
	all, err := v.decision("owner=? AND at>=? AND at<? AND idx>=0 ORDER BY at DESC, presentation LIMIT ?",
		p.Owner, from, to, int64(mostElsewhere))
	for _, d := range all {
		if d.Decision.Passage != p.Document.Id && mentions(d.Decision, p.Document) {
			out = append(out, d)
		}
	}
	return out, err
}

// mentions reports whether a decision rests on a reading of a passage, or names its vehicle.
func mentions(d *observation.ClearanceDecision, p *observation.PassageClosed) bool {
	rows := map[int64]bool{}
	for _, r := range p.Readings {
		rows[r.Idx] = true
	}
	row := int64(0)
	for _, delta := range d.Rows { // each but the first less the one before
		if row += delta; rows[row] {
			return true
		}
	}
	return p.Plate != "" && slices.Contains(d.Plates, p.Plate) ||
		slices.ContainsFunc(d.Shipments, func(s *observation.ShipmentDecision) bool {
			return s.Container != "" && slices.Contains(p.Containers, s.Container)
		})
}
