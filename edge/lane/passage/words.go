package passage

import (
	"math"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
)

// reading returns what journal and documents say of a reading, with the terms of its assignment
// when asked. g is the group of its device, nil for one in no lane.
func (c *Correlator) reading(g *group, r *reading, terms bool) *observation.PassageReading {
	d := r.det
	p := &observation.PassageReading{
		Idx: d.Idx, Device: d.Device, Kind: uint32(d.Kind), TimeNs: int64(d.At * 1e9), Class: uint32(d.Class),
		Confidence: float32(r.confidence), Artifacts: d.Artifacts,
	}
	why := c.reason(g, r)
	p.Reason, p.Message = why.English(), driver.EncodeMessage(why)
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

// onTime is the difference from predicted, s, below which no number is given.
const onTime = 0.5

// reason explains to people why a reading is where it is, as a message for both languages.
func (c *Correlator) reason(g *group, r *reading) message.Message {
	t := r.terms
	switch {
	case r.pin != nil:
		return message.Verbatim(r.pin.reason)
	case r.linked:
		return message.New("passage.same-scan")
	case r.vehicle == nil && r.det.Tag:
		return message.New("passage.stray-tag")
	case r.vehicle == nil:
		return message.New("passage.of-no-vehicle")
	case t == nil:
		return r.why
	case t.Score[associate.Birth] != 0:
		return message.New("passage.first-detection")
	case r.det.Reverse:
		return message.New("passage.reversing")
	}
	var parts []message.Message
	if t.Name != nil && t.Score[associate.Names] > 0 {
		parts = append(parts, nameMessage(t))
	}
	if t.Score[associate.Repeated] != 0 {
		parts = append(parts, message.New("passage.seen-again"))
	}
	if t.From >= 0 {
		parts = append(parts, g.arrivalMessage(t))
	}
	if r.doubtful != "" {
		parts = append(parts, message.New(r.doubtful))
	}
	return message.Join("; ", parts...)
}

// nameKinds are the names of vehicles that are compared.
var nameKinds = map[string]message.Message{
	"plate": message.New("name.plate"), "tag": message.New("name.tag"), "container": message.New("name.container"),
	"code": message.New("name.code"), "party": message.New("name.party"),
}

// nameMessage says which name fits, and whether it was read exactly.
func nameMessage(t *associate.Terms) message.Message {
	kind, ok := nameKinds[t.Name.Kind]
	if !ok {
		kind = message.Verbatim(t.Name.Kind)
	}
	if t.Read.Value == t.Name.Value {
		return message.New("passage.name", message.Nested("kind", kind), message.String("name", t.Name.Shown))
	}
	return message.New("passage.name-nearly", message.Nested("kind", kind), message.String("read", t.Read.Shown),
		message.String("name", t.Name.Shown))
}

// arrivalMessage says how the time fits the prediction, and whether the vehicle had to wait.
func (g *group) arrivalMessage(t *associate.Terms) message.Message {
	from := g.layout.Devices[t.From].ID
	off := math.Abs(float64(t.Residual))
	if off < max(float64(t.Sigma), onTime) {
		return message.New("passage.matches", message.String("from", from))
	}
	args := []message.Arg{
		message.Aligned("off", off, 1, "s"), message.String("from", from),
		message.Aligned("sigma", float64(t.Sigma), 1, "s"),
	}
	arrival := message.New("passage.later", args...)
	if t.Residual < 0 {
		arrival = message.New("passage.earlier", args...)
	}
	if t.Queued {
		return message.Join("; ", arrival, message.New("passage.behind"))
	}
	return arrival
}

// termKinds are the kinds of terms as the journal has them.
var termKinds = [...]observation.PassageTerm_Kind{
	associate.Arrival: observation.PassageTerm_KIND_ARRIVAL, associate.Names: observation.PassageTerm_KIND_NAME,
	associate.Lengths: observation.PassageTerm_KIND_LENGTH, associate.Missed: observation.PassageTerm_KIND_MISSED,
	associate.Repeated: observation.PassageTerm_KIND_REPEAT, associate.Order: observation.PassageTerm_KIND_ORDER,
	associate.Birth: observation.PassageTerm_KIND_BIRTH, associate.Clutter: observation.PassageTerm_KIND_CLUTTER,
	associate.Size: observation.PassageTerm_KIND_SIZE, associate.Strength: observation.PassageTerm_KIND_STRENGTH,
}

// terms returns the terms of an assignment, beside those of the other candidate. There are none for
// readings that go where a person, or another one of the same scan, says: only who or what decided.
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
			if r.terms.Queued {
				t.Kind = observation.PassageTerm_KIND_QUEUE
			}
			if r.terms.From >= 0 {
				t.ResidualS, t.SigmaS = round(r.terms.Residual), round(r.terms.Sigma)
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
