package motion

// Phase finds how far a device's clock is ahead when nothing says which of its detections is of which vehicle: of all
// differences between its times and those at which vehicles were there, the right ones are alike and the others are
// not.
type Phase struct {
	diffs      sortedRing // s
	sinceFound int
	mode       float64
	known      bool
}

const (
	phaseSize     = 4096
	phaseWidth    = 1.0 // s, in which right differences lie
	phaseMinHits  = 10  // right ones that are enough
	phaseMinRatio = 1.3 // times as many right ones as of the next best
	phaseEvery    = 4   // vehicles after which the mode is found anew
)

// Add adds the differences between a vehicle's time and all detections that may be of it, s.
func (p *Phase) Add(diffs []float64) {
	for _, d := range diffs {
		p.diffs.add(d, phaseSize)
	}
	if p.sinceFound++; p.sinceFound >= phaseEvery {
		p.sinceFound = 0
		p.find()
	}
}

// find finds the width that holds most differences. It is believed when it holds clearly more than
// any other: in a queue vehicles follow each other so evenly that the next one fits nearly as
// often.
func (p *Phase) find() {
	s := p.diffs.sorted
	count := func(but float64, barred bool) (most int, middle float64) {
		for i, j := 0, 0; i < len(s); i++ {
			for j < len(s) && s[j]-s[i] <= phaseWidth {
				j++
			}
			m := (s[i] + s[j-1]) / 2
			if barred && m > but-1.5*phaseWidth && m < but+1.5*phaseWidth {
				continue
			}
			if j-i > most {
				most, middle = j-i, m
			}
		}
		return most, middle
	}
	most, middle := count(0, false)
	second, _ := count(middle, true)
	p.known = most >= phaseMinHits && float64(most) >= phaseMinRatio*float64(second)
	p.mode = middle
}

// Mode returns the most frequent difference, s; ok is false when none stands out.
func (p *Phase) Mode() (seconds float64, ok bool) { return p.mode, p.known }

// Inliers returns those of some differences that are near the mode; none while none stands out.
func (p *Phase) Inliers(diffs []float64) (out []float64) {
	for _, d := range diffs {
		if p.known && d > p.mode-phaseWidth && d < p.mode+phaseWidth {
			out = append(out, d)
		}
	}
	return out
}
