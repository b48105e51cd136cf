package associate

import (
	"math"
	"testing"
)

// TestSpacing: in a queue as many vehicles stand between two places as have room there: neither more nor, behind one
// that has left the second place, fewer. Who was not held up says nothing.
func TestSpacing(t *testing.T) {
	score := func(between int, came bool, arrives float64) float64 {
		s := one(t)
		l := s.w.layout
		var row []*track
		if came {
			row = append(row, born(l, 0, s.sees(0, 900, lasting(50))).withDetection(l, s.sees(3, 1050)))
		}
		for i := range between {
			row = append(row, born(l, 0, s.sees(0, 950+10*float64(i), lasting(9))).withDetection(l, s.sees(3,
				1110+10*float64(i))))
		}
		from, to := s.sees(0, 1000, lasting(100)), s.sees(3, arrives)
		own := born(l, 0, from)
		return newStepper(s.w, to).spacingBetween(append(row, own), len(row), own, from, to)
	}
	const late = 1160
	falls(t, "one, two and three vehicles of 8 m on 24 m", score(1, true, late), score(2, true, late), score(3, true, late))
	falls(t, "one of them, and a hole", score(1, true, late), score(0, true, late))
	equal(t, "nobody ahead, no hole", score(0, false, late), 0)
	equal(t, "in time", score(3, true, 1012), 0)
	falls(t, "as fast as it may be behind the place that its end left, and faster", score(1, true, late), score(1, true, 1101))
}

// TestHeard: a tag is not of a vehicle behind which the next one stands already where this one's end would be.
func TestHeard(t *testing.T) {
	score := func(dev int, at float64) float64 {
		s := one(t)
		l := s.w.layout
		row := []*track{born(l, 0, s.sees(0, 1000)), born(l, 0, s.sees(dev, at))}
		return newStepper(s.w, s.sees(3, 1030, tagged("a", -50, false))).roomForTag(row, 1, row[0])
	}
	falls(t, "the next one 24 m before the antenna, and 8 m before it", score(0, 1020), score(2, 1020))
	equal(t, "the next one came later", score(2, 1040), 0)
}

// TestSpacingWhose: vehicles that go back, or are in another row, need no room in this one.
func TestSpacingWhose(t *testing.T) {
	s := one(t)
	l := s.w.layout
	ahead := born(l, 0, s.sees(0, 900, lasting(50))).withDetection(l, s.sees(3, 1130))
	behind := born(l, 0, s.sees(0, 1010, lasting(9)))
	from, to := s.sees(0, 1000, lasting(100)), s.sees(3, 1160)
	own := born(l, 0, from)
	spacing := func(row ...*track) float64 {
		return newStepper(s.w, to).spacingBetween(append(row, own), len(row), own, from, to)
	}
	room := func(row ...*track) float64 {
		return newStepper(s.w, s.sees(3, 1100)).roomForQueue(append([]*track{own}, row...), 1, own)
	}
	alone, with := spacing(), spacing(ahead, ahead)
	packed, free := room(behind, behind, behind), room()
	if with == alone || packed == free {
		t.Fatalf("two ahead change nothing: %.3f, three behind: %.3f", with, packed)
	}
	for name, change := range map[string]func(o *track){
		"goes back":         func(o *track) { o.reversed = true },
		"is in another row": func(o *track) { o.lane = 1 },
	} {
		first, last := *ahead, *behind
		change(&first)
		change(&last)
		equal(t, "who is ahead and "+name, spacing(&first, &first), alone)
		equal(t, "who is behind and "+name, room(&last, &last, &last), free)
		equal(t, "beside one who "+name, spacing(ahead, &first, ahead), with)
		equal(t, "before one who "+name, room(behind, &last, behind, behind), packed)
	}
}

// TestSpacingMissed: who was seen beyond a place by then, whose device missed it, says nothing of the room before it;
// who was not seen there either stands before it.
func TestSpacingMissed(t *testing.T) {
	s := one(t)
	l := s.w.layout
	beyond := born(l, 0, s.sees(0, 900, lasting(50))).withDetection(l, s.sees(3, 1130))
	before := born(l, 0, s.sees(0, 900, lasting(50))).withDetection(l, s.sees(1, 1130))
	from, to := s.sees(0, 1000, lasting(100)), s.sees(2, 1160)
	own := born(l, 0, from)
	spacing := func(row ...*track) float64 {
		return newStepper(s.w, to).spacingBetween(append(row, own), len(row), own, from, to)
	}
	equal(t, "with one beyond", spacing(beyond), spacing())
	falls(t, "with nobody, and with one before the place", spacing(), spacing(before))
}

// TestOutboundWorked: on its way out a vehicle is seen by one device 20 s after the other on the mean.
func TestOutboundWorked(t *testing.T) {
	for _, later := range []float64{0, 5, 14} {
		s := one(t)
		v := s.born(0, 1000)
		s.goes(v, s.sees(1, 1004, portal))
		back := s.sees(0, 1020, backwards)
		s.goes(v, back)
		got := s.score(Repeated, v, s.sees(1, back.End()+later, portal))
		equal(t, "seen on its way out", got, -later/20-math.Log(20))
		tag := s.sees(1, back.End()+later, tagged("urn:1", 0, true), portal)
		equal(t, "how loud a tag is then", s.score(Strength, v, tag), math.Log(faintOwn))
	}
}
