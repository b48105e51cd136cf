package motion

import "math"

// HitRate is the share of vehicles that a device sees. What was long ago fades.
type HitRate struct {
	hits, total float64
	missRun     int // vehicles since it saw one
}

// hitRateMemory is the number of vehicles after which an old one counts half.
const hitRateMemory = 200

// Prior of a device that nothing is known of: it sees two of three, as good as one vehicle's word.
const (
	priorHits  = 2.0
	priorTotal = 3.0
)

// Add counts a vehicle.
func (r *HitRate) Add(seen bool) {
	if r.total++; r.total > hitRateMemory {
		r.hits, r.total = r.hits/2, r.total/2
	}
	r.missRun++
	if seen {
		r.hits++
		r.missRun = 0
	}
}

// Total returns the number of vehicles that the share rests on.
func (r *HitRate) Total() float64 { return r.total }

// Hits returns how many of them were seen.
func (r *HitRate) Hits() float64 { return r.hits }

// failureRate is the share of vehicles at which a device that worked has just stopped to.
const failureRate = 1e-4

// Probability returns the probability that the next vehicle is seen. A device that has missed many in a row has stopped, with
// the probability that Bayes' rule gives for such a run, and then sees none.
func (r *HitRate) Probability() float64 {
	p := (r.hits + priorHits) / (r.total + priorTotal)
	if r.missRun > 2 {
		luck := math.Pow(1-p, float64(r.missRun))
		p *= luck / (luck + failureRate*float64(r.missRun))
	}
	return min(max(p, 0.005), 0.995)
}

// AddLateHit counts a vehicle as seen that had been counted as missed.
func (r *HitRate) AddLateHit() {
	r.hits = min(r.hits+1, r.total)
	r.missRun = 0
}
