package booth

import (
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// passage is what the lane's association says of one vehicle.
type passage struct {
	id       string
	closed   time.Time // zero while it is open
	stations map[string]observation.PassageGap
	seen     map[string]bool // stations with a reading
}

// belongs is to which passage a sighting was given.
type belongs struct {
	passage string
	other   string // of which it may be as well; empty for none
	told    bool   // the association has spoken: passage "" then means no vehicle
}

// open remembers a passage, and lets the oldest go.
func (b *Booth) open(id string) *passage {
	if p := b.passages[id]; p != nil {
		return p
	}
	p := &passage{id: id, seen: map[string]bool{}}
	b.passages[id] = p
	b.opened = append(b.opened, id)
	for len(b.opened) > keptPassages {
		delete(b.passages, b.opened[0])
		b.opened = b.opened[1:]
	}
	return p
}

// assign notes which readings are a passage's. It reports whether any of them is one of this lane's.
func (b *Booth) assign(id string, readings []*observation.PassageReading) (changed bool) {
	for _, r := range readings {
		s := b.sightings[r.Idx]
		if s == nil {
			continue
		}
		s.of = belongs{passage: id, other: r.Other, told: true}
		b.alarmsChanged = b.alarmsChanged || s.alarm != nil
		b.open(id).seen[s.station.ID] = true
		changed = true
	}
	return changed
}

func (b *Booth) correct(w *observation.PassageCorrected) bool {
	s := b.sightings[w.Idx]
	if s == nil {
		return false
	}
	s.of = belongs{passage: w.To, other: w.GetReading().GetOther(), told: true}
	b.alarmsChanged = b.alarmsChanged || s.alarm != nil
	for _, id := range []string{w.From, w.To} {
		if p := b.passages[id]; p != nil {
			p.seen = b.stationsOf(id)
		}
	}
	return true
}

// stationsOf returns the stations that have a reading of a passage.
func (b *Booth) stationsOf(id string) map[string]bool {
	seen := map[string]bool{}
	for _, s := range b.sightings {
		if s.of.passage == id {
			seen[s.station.ID] = true
		}
	}
	return seen
}

// closePassage notes a passage's document. A vehicle that has left the lane has left the booth.
func (b *Booth) closePassage(w *observation.PassageClosed, at time.Time) bool {
	p := b.passages[w.Id]
	if p == nil {
		return false
	}
	p.closed, p.stations = at, map[string]observation.PassageGap{}
	for _, s := range w.Stations {
		p.stations[s.Station] = s.Gap
	}
	if b.current != nil && w.End == observation.PassageEnd_PASSAGE_END_LEFT && b.certainPassage(b.current) == w.Id {
		b.end(at)
	}
	return true
}

// certainPassage returns the passage of a presentation by what the association says of what was shown; "" while it says
// nothing. Other readings at the booth say less: a portal reports a vehicle when the next one shows its codes.
func (b *Booth) certainPassage(p *Presentation) string {
	count, best := map[string]int{}, ""
	for _, s := range p.sightings {
		if id := s.of.passage; id != "" && s.of.other == "" && s.shown() {
			count[id]++
			if count[id] > count[best] {
				best = id
			}
		}
	}
	return best
}

// passageOf returns the passage of a presentation, and whether it is certain: by its readings, else by a plate or
// another name that the vehicle showed at an earlier station, else the one that is next to come, which is a guess.
func (b *Booth) passageOf(p *Presentation) (id string, certain bool) {
	if id = b.certainPassage(p); id != "" {
		return id, true
	}
	if id = b.passageByName(p); id != "" {
		return id, true
	}
	return b.nextPassage(p), false
}

// passageByName returns the newest passage that has a name of the presentation.
func (b *Booth) passageByName(p *Presentation) string {
	for _, row := range slices.Backward(b.order) {
		s := b.sightings[row]
		if s.of.passage == "" || s.of.other != "" {
			continue
		}
		for _, mine := range p.sightings {
			if s.sharesName(mine) {
				return s.of.passage
			}
		}
	}
	return ""
}

// nextPassage returns the passage that opened first of those that are open and were at no booth yet.
func (b *Booth) nextPassage(p *Presentation) string {
	for _, id := range b.opened {
		if one := b.passages[id]; one.closed.IsZero() && !one.seen[b.lane.Booth] && !b.taken(id, p) {
			return id
		}
	}
	return ""
}

// taken reports whether another presentation has a passage.
func (b *Booth) taken(id string, but *Presentation) bool {
	return slices.ContainsFunc(b.ended, func(p *Presentation) bool { return p != but && p.passage == id })
}
