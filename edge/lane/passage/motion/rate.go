package motion

import "math"

// HitRate estimates the detection probability of a device: the share of vehicles that it sees.
// Older vehicles fade. The zero HitRate has the prior alone.
type HitRate struct {
	hits, total float64
	missRun     int // vehicles since it saw one
}

// hitRateMemory is the number of vehicles after which all counts are halved.
const hitRateMemory = 200

// The prior of a device that nothing is known of: it sees two of three, with the weight of three
// vehicles.
const (
	priorHits  = 2.0
	priorTotal = 3.0
)

// Add counts a vehicle that the device saw, or should have seen.
func (r *HitRate) Add(seen bool) {
	r.total++
	r.missRun++
	if seen {
		r.hits++
		r.missRun = 0
	}
	if r.total > hitRateMemory {
		r.hits, r.total = r.hits/2, r.total/2
	}
}

// Total returns the number of vehicles that the estimate rests on, with older ones at less weight.
func (r *HitRate) Total() float64 { return r.total }

// Hits returns how many of them were seen.
func (r *HitRate) Hits() float64 { return r.hits }

// failureRate is the probability, per vehicle, that a device that worked has just stopped.
const failureRate = 1e-4

// Probability returns the detection probability for the next vehicle. After a run of misses Bayes'
// rule weighs bad luck against a device that has stopped and sees none. It stays within 0.005 and
// 0.995, so that its logarithms are finite.
func (r *HitRate) Probability() float64 {
	p := (r.hits + priorHits) / (r.total + priorTotal)
	if r.missRun > 2 {
		luck := math.Pow(1-p, float64(r.missRun))
		p *= luck / (luck + failureRate*float64(r.missRun))
	}
	return min(max(p, 0.005), 0.995)
}

// AddLateHit counts a vehicle as seen that had been counted as missed: the device's report came
// late.
func (r *HitRate) AddLateHit() {
	r.hits = min(r.hits+1, r.total)
	r.missRun = 0
}

// StrayRate estimates how many tags of no vehicle here, but of lanes beside, a reader hears. The zero StrayRate has the
// prior alone: one an hour.
type StrayRate struct {
	tags, seconds float64
	last          float64 // s, of the last tag
}

const (
	strayPrior  = 3600.0     // s, in which one is expected until it is learnt
	strayMemory = 6 * 3600.0 // s, after which what was counted is halved
)

// Add counts a tag that was heard at a time, s, and the probability that it was of no vehicle here.
func (r *StrayRate) Add(at, stray float64) {
	if r.last > 0 && at > r.last {
		r.seconds += at - r.last
	}
	r.last = max(r.last, at)
	r.tags += stray
	if r.seconds > strayMemory {
		r.tags, r.seconds = r.tags/2, r.seconds/2
	}
}

// Rate returns how many such tags the reader hears per second.
func (r *StrayRate) Rate() float64 { return (r.tags + 1) / (r.seconds + strayPrior) }
