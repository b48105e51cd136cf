package associate

import (
	"math/bits"
	"slices"
)

// left is the time after its last detection at the last station during which a vehicle can still be detected there, s.
const left = 15.0

// leave lets vehicles go that have left by the time of the detection. They are charged for the devices that should have
// seen them. Who stands behind another one is waited for as long as that one is there.
func (s *stepper) leave(queue []*track) (stay []*track, cost float64) {
	stay = queue
	copied := false
	for i := 0; i < len(stay); {
		t := stay[i]
		through, gone := s.gone(stay, i)
		if !gone {
			i++
			continue
		}
		cost += s.rest(t, through)
		if !copied {
			stay, copied = slices.Clone(stay), true
		}
		stay = slices.Delete(stay, i, i+1)
		if k := next(stay, i, t); k >= 0 && through {
			n := *stay[k]
			n.free = s.d.Order
			stay[k] = &n
		}
	}
	return stay, cost
}

// gone reports whether a vehicle is not in the lanes any more, and whether it went all through.
func (s *stepper) gone(queue []*track, i int) (through, gone bool) {
	t := queue[i]
	idle := s.d.Order - t.last
	switch through = t.front >= s.layout.last[t.lane]; {
	case through:
		return true, idle > left
	case t.reversed:
		return false, idle > s.layout.Timeout/4
	case idle <= s.layout.Timeout:
		return false, false
	case idle > mostIdle:
		return false, true
	}
	for k := i + 1; k < len(queue); k++ { // one behind it was farther
		if o := queue[k]; !o.reversed && t.one(o) && o.front >= s.layout.last[o.lane] {
			return false, true
		}
	}
	for k := range i { // one ahead of it still stands there
		if o := queue[k]; !o.reversed && t.one(o) {
			return false, false
		}
	}
	return false, s.d.Order-t.free > s.layout.Timeout
}

// mostIdle bounds the time that a vehicle is believed to stand in a queue, s.
const mostIdle = 3600.0

// next returns the first of a queue, from the i-th on, that stands behind a track; -1 when none does.
func next(queue []*track, i int, t *track) int {
	for k := i; k < len(queue); k++ {
		if !queue[k].reversed && t.one(queue[k]) {
			return k
		}
	}
	return -1
}

// rest returns the cost of all devices that missed the track's vehicle until it left.
func (s *stepper) rest(t *track, through bool) float64 {
	if t.reversed {
		return 0
	}
	cost := 0.0
	for d := range s.layout.Devices {
		at := s.layout.position[t.lane][d]
		if at == nowhere || (t.seen|t.charged)&(1<<d) != 0 || s.layout.late(t.lane, d) {
			continue
		}
		cost += s.miss(d, t.last)
	}
	if !through { // it has vanished, or was never there
		return max(cost, strayRest)
	}
	return cost
}

// misses returns the cost of a set of devices having missed the vehicle of this detection.
func (s *stepper) misses(devices uint64) (cost float64) {
	for ; devices != 0; devices &= devices - 1 {
		cost += s.miss(bits.TrailingZeros64(devices), s.d.At)
	}
	return cost
}

// miss returns the cost of a device having missed a vehicle.
func (s *stepper) miss(dev int, at float64) float64 {
	if s.down(dev, at) {
		return 0
	}
	return s.cost[dev].missed
}
