package scenario

import "lanewarden/edge/lane/passage"

// shownBelow is the confidence, a probability, below which a reading is shown at its passage and at the runner-up.
const shownBelow = 0.95

// verdict is the truth about one reading's assignment.
type verdict struct {
	alarm     bool
	right     bool // it is in its own vehicle's passage, or in none when it is of no vehicle of these lanes
	shown     bool // right, or uncertain and shown at its own vehicle's passage too
	sureWrong bool // wrong with a confidence of 0.95 or more
}

// judgeOne holds an assignment against the passage that is the reading's own; "" for a reading of no vehicle of these
// lanes. orphan says that its vehicle has no passage of its own at all, so that nothing can be right.
func judgeOne(a passage.Assignment, own string, orphan, alarm bool) verdict {
	v := verdict{alarm: alarm, right: !orphan && a.Passage == own}
	other := !orphan && a.Other == own && (own != "" || a.OtherConfidence > 0)
	v.shown = v.right || a.Confidence < shownBelow && other
	v.sureWrong = !v.right && a.Confidence >= shownBelow
	return v
}

// Tally counts readings, and alarms among them, by verdict.
type Tally struct{ Readings, Alarms Count }

// Count counts verdicts.
type Count struct {
	All       int
	Right     int // in the right passage
	Shown     int // right, or shown as uncertain with the right passage as runner-up
	SureWrong int // wrong with a confidence of 0.95 or more
}

func (t *Tally) add(v verdict) {
	t.Readings.add(v)
	if v.alarm {
		t.Alarms.add(v)
	}
}

func (t *Tally) sum(o Tally) {
	t.Readings.sum(o.Readings)
	t.Alarms.sum(o.Alarms)
}

func (c *Count) add(v verdict) {
	one := func(on bool) int {
		if on {
			return 1
		}
		return 0
	}
	c.sum(Count{1, one(v.right), one(v.shown), one(v.sureWrong)})
}

func (c *Count) sum(o Count) {
	c.All, c.Right, c.Shown, c.SureWrong = c.All+o.All, c.Right+o.Right, c.Shown+o.Shown, c.SureWrong+o.SureWrong
}

// Share is the share that is right, 0 to 1; 1 of none.
func (c Count) Share() float64 { return share(c.Right, c.All) }

// ShownShare is the share that is right or shown as uncertain at the right passage too.
func (c Count) ShownShare() float64 { return share(c.Shown, c.All) }

// SureWrongPer10000 returns the number of wrong assignments with a confidence of 0.95 or more among 10,000.
func (c Count) SureWrongPer10000() float64 {
	return 1e4 * float64(c.SureWrong) / float64(max(c.All, 1))
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}
