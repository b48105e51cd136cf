package passage

import (
	"fmt"
	"math"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
)

// reading returns what the journal and documents say of a reading; with the terms of its assignment when asked. g is
// the group of its device, nil for one in no lane.
func (c *Correlator) reading(g *group, r *reading, terms bool) *observation.PassageReading {
	d := r.det
	p := &observation.PassageReading{
		Idx: d.Idx, Device: d.Device, Kind: uint32(d.Kind), TimeNs: int64(d.At * 1e9), Class: uint32(d.Class),
		Confidence: float32(r.confidence), Reason: c.reason(g, r), Artifacts: d.Artifacts,
	}
	if g != nil {
		if s := g.station(g.laneFor(r), d.Device); s != nil {
			p.Station = s.ID
		}
	}
	if r.uncertain() {
		p.Other, p.OtherConfidence = r.other.id, float32(r.otherShare)
	}
	if r.pin != nil {
		p.PinnedBy = r.pin.by
	}
	if terms {
		p.Terms = g.terms(r)
	}
	return p
}

// laneFor returns the lane in which a reading's station is looked up.
func (g *group) laneFor(r *reading) int {
	if r.vehicle != nil && !r.foreign {
		return r.vehicle.lane
	}
	return g.layout.Devices[r.det.Dev].Places[0].Lane
}

// onTime is the difference from predicted, in s, that is not worth a number.
const onTime = 0.5

// reason says in words why a reading is where it is.
func (c *Correlator) reason(g *group, r *reading) string {
	t := r.terms
	switch {
	case r.pin != nil:
		return r.pin.reason
	case r.linked:
		return "of the same scan"
	case r.vehicle == nil && r.det.Tag:
		return "no vehicle is where this tag was read: the neighbouring lane's?"
	case r.vehicle == nil:
		return "nothing says which vehicle it is about"
	case t == nil:
		return r.why
	case t.Score[associate.Birth] != 0:
		return "first detection"
	case r.det.Reverse:
		return "reversing: the last vehicle that came in"
	}
	var parts []string
	if t.Name != nil && t.Score[associate.Names] > 0 {
		parts = append(parts, nameWords(t))
	}
	if t.Score[associate.Repeated] != 0 {
		parts = append(parts, "seen again by the same device")
	}
	if t.From >= 0 {
		parts = append(parts, g.arrivalWords(t))
	}
	if r.doubtful != "" {
		parts = append(parts, r.doubtful)
	}
	return strings.Join(parts, "; ")
}

// nameWords says which name fits.
func nameWords(t *associate.Terms) string {
	if t.Read.Value == t.Name.Value {
		return fmt.Sprintf("%s %s", t.Name.Kind, t.Name.Shown)
	}
	return fmt.Sprintf("%s %s, nearly %s", t.Name.Kind, t.Read.Shown, t.Name.Shown)
}

// arrivalWords says how the time fits.
func (g *group) arrivalWords(t *associate.Terms) string {
	from := g.layout.Devices[t.From].ID
	off := math.Abs(float64(t.Off))
	if off < max(float64(t.Sigma), onTime) {
		return "matches " + from
	}
	format := "%.1f s later than predicted from %s (± %.1f s)"
	if t.Off < 0 {
		format = "%.1f s earlier than predicted from %s (± %.1f s)"
	}
	text := fmt.Sprintf(format, off, from, t.Sigma)
	if t.Waited {
		text += "; behind the vehicle ahead"
	}
	return text
}

// termKinds are the kinds of terms as the journal has them.
var termKinds = [...]observation.PassageTerm_Kind{
	associate.Arrival: observation.PassageTerm_KIND_ARRIVAL, associate.Names: observation.PassageTerm_KIND_NAME,
	associate.Lengths: observation.PassageTerm_KIND_LENGTH, associate.Missed: observation.PassageTerm_KIND_MISSED,
	associate.Repeated: observation.PassageTerm_KIND_REPEAT, associate.Order: observation.PassageTerm_KIND_ORDER,
	associate.Birth: observation.PassageTerm_KIND_BIRTH, associate.Clutter: observation.PassageTerm_KIND_CLUTTER,
	associate.Size: observation.PassageTerm_KIND_SIZE, associate.Strength: observation.PassageTerm_KIND_STRENGTH,
}

// terms returns what an assignment rests on, beside the same of the other candidate. Nothing of it is said of
// readings that go where a person, or another one of the same scan, says.
func (g *group) terms(r *reading) (out []*observation.PassageTerm) {
	switch {
	case r.pin != nil:
		return []*observation.PassageTerm{{Kind: observation.PassageTerm_KIND_PIN, From: r.pin.by}}
	case r.linked:
		return []*observation.PassageTerm{{Kind: observation.PassageTerm_KIND_LINK}}
	case r.terms == nil:
		return nil
	}
	score, other := r.terms.Score, r.terms.Score
	clear(other[:])
	if r.otherTerms != nil {
		other = r.otherTerms.Score
	}
	n := 0
	for k := range score {
		if score[k] != 0 || other[k] != 0 {
			n++
		}
	}
	room := make([]observation.PassageTerm, n) // in one piece: a reading has several
	for k := associate.Arrival; k <= associate.Strength; k++ {
		if score[k] == 0 && other[k] == 0 {
			continue
		}
		t := &room[len(out)]
		t.Kind, t.Score, t.OtherScore = termKinds[k], score[k], other[k]
		switch k {
		case associate.Arrival:
			if r.terms.Waited {
				t.Kind = observation.PassageTerm_KIND_QUEUE
			}
			if r.terms.From >= 0 {
				t.ResidualS, t.SigmaS = round(r.terms.Off), round(r.terms.Sigma)
				t.From = g.layout.Devices[r.terms.From].ID
			}
		case associate.Names:
			if n := r.terms.Name; n != nil {
				t.From = n.Shown
			}
		}
		out = append(out, t)
	}
	return out
}

// round rounds to a hundredth.
func round(v float32) float64 { return math.Round(float64(v)*100) / 100 }
