package associate

import (
	"math/bits"
	"slices"
)

// exitDwell is the time after its last detection at the last station during which a vehicle can still be detected there, s.
const exitDwell = 15.0

// dropDeparted returns the queue without vehicles that have left by the time of the detection, and
// the cost of the devices that should have seen them. A vehicle behind another one is kept for as
// long as that one is there. queue is not changed.
func (s *stepper) dropDeparted(queue []*track) (stay []*track, cost float64) {
	stay = queue
	copied := false
	for i := 0; i < len(stay); {
		t := stay[i]
		through, gone := s.departed(stay, i)
		if !gone {
			i++
			continue
		}
		cost += s.remainingMissCost(t, through)
		if !copied {
			stay, copied = slices.Clone(stay), true
		}
		stay = slices.Delete(stay, i, i+1)
		if k := nextBehind(stay, i, t); k >= 0 && through {
			n := *stay[k]
			n.aheadGone = s.detection.Order
			stay[k] = &n
		}
	}
	return stay, cost
}

// departed reports whether the i-th vehicle is not in the lanes any more, and whether it went
// through all of them.
func (s *stepper) departed(queue []*track, i int) (through, gone bool) {
	t := queue[i]
	idle := s.detection.Order - t.last
	switch through = t.front >= s.layout.last[t.lane]; {
	case through:
		return true, idle > exitDwell
	case t.reversed:
		return false, idle > s.layout.Timeout/4
	case idle <= s.layout.Timeout:
		return false, false
	case idle > maxIdle:
		return false, true
	}
	for k := i + 1; k < len(queue); k++ { // one behind it was farther
		if o := queue[k]; !o.reversed && t.sameRow(o) && o.front >= s.layout.last[o.lane] {
			return false, true
		}
	}
	for k := range i { // one ahead of it still stands there
		if o := queue[k]; !o.reversed && t.sameRow(o) {
			return false, false
		}
	}
	return false, s.detection.Order-t.aheadGone > s.layout.Timeout
}

// maxIdle bounds the time that a vehicle is believed to stand in a queue, s.
const maxIdle = 3600.0

// nextBehind returns the index of the first vehicle of a queue, from the i-th on, that stands
// behind a track; -1 for none.
func nextBehind(queue []*track, i int, t *track) int {
	for k := i; k < len(queue); k++ {
		if !queue[k].reversed && t.sameRow(queue[k]) {
			return k
		}
	}
	return -1
}

// remainingMissCost returns the cost of all devices that missed the track's vehicle until it left.
// A vehicle that vanished may never have been there, so that this cost is limited.
func (s *stepper) remainingMissCost(t *track, through bool) float64 {
	if t.reversed {
		return 0
	}
	cost := 0.0
	for d := range s.layout.Devices {
		at := s.layout.position[t.lane][d]
		if at == nowhere || (t.seen|t.missed)&(1<<d) != 0 || s.layout.late(t.lane, d) {
			continue
		}
		cost += s.missedDetectionCost(d, t.last)
	}
	if !through { // it has vanished, or was never there
		return max(cost, maxGhostCost)
	}
	return cost
}

// missedDetectionCosts returns the cost of a set of devices having missed the vehicle of this detection.
func (s *stepper) missedDetectionCosts(devices uint64) (cost float64) {
	for ; devices != 0; devices &= devices - 1 {
		cost += s.missedDetectionCost(bits.TrailingZeros64(devices), s.detection.At)
	}
	return cost
}

// missedDetectionCost returns the cost of a device having missed a vehicle.
func (s *stepper) missedDetectionCost(dev int, at float64) float64 {
	if s.down(dev, at) {
		return 0
	}
	return s.detectionLogs[dev].miss
}
