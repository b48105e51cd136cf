package motion

import "math"

// Rate is the share of vehicles that a device sees. What was long ago fades.
type Rate struct {
	seen, of float64
	run      int // vehicles since it saw one
}

// rateMemory is the number of vehicles after which an old one counts half.
const rateMemory = 200

// Prior of a device that nothing is known of: it sees two of three, as good as one vehicle's word.
const (
	priorSeen = 2.0
	priorOf   = 3.0
)

// Add counts a vehicle.
func (r *Rate) Add(seen bool) {
	if r.of++; r.of > rateMemory {
		r.seen, r.of = r.seen/2, r.of/2
	}
	r.run++
	if seen {
		r.seen++
		r.run = 0
	}
}

// Of returns the number of vehicles that the share rests on.
func (r *Rate) Of() float64 { return r.of }

// Seen returns how many of them were seen.
func (r *Rate) Seen() float64 { return r.seen }

// failing is the share of vehicles at which a device that worked has just stopped to.
const failing = 1e-4

// Share returns the probability that the next vehicle is seen. A device that has missed many in a row has stopped, with
// the probability that Bayes' rule gives for such a run, and then sees none.
func (r *Rate) Share() float64 {
	p := (r.seen + priorSeen) / (r.of + priorOf)
	if r.run > 2 {
		luck := math.Pow(1-p, float64(r.run))
		p *= luck / (luck + failing*float64(r.run))
	}
	return min(max(p, 0.005), 0.995)
}

// Late counts a vehicle as seen that had been counted as missed.
func (r *Rate) Late() {
	r.seen = min(r.seen+1, r.of)
	r.run = 0
}
