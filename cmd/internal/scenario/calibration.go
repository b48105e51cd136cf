package scenario

import (
	"fmt"
	"strings"
)

// Calibration holds stated confidences against the share that is right.
type Calibration struct{ bins [12]bin }

// bin is the readings of one range of confidence.
type bin struct {
	readings, right int
	confidence      float64 // sum
}

// binEdges are the lower ends of the ranges: tenths, and the last one in three because what counts as certain lies
// there.
var binEdges = [...]float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99}

const lastTenth = 9 // the first bin of the tenth from 0.9 to 1

func (c *Calibration) add(confidence float64, right bool) {
	i := len(binEdges) - 1
	for i > 0 && confidence < binEdges[i] {
		i--
	}
	b := bin{readings: 1, confidence: confidence}
	if right {
		b.right = 1
	}
	c.bins[i].sum(b)
}

func (c *Calibration) sum(o *Calibration) {
	for i := range c.bins {
		c.bins[i].sum(o.bins[i])
	}
}

func (b *bin) sum(o bin) {
	b.readings, b.right, b.confidence = b.readings+o.readings, b.right+o.right, b.confidence+o.confidence
}

// Table is the calibration as Markdown. The difference is the share right less the mean confidence, in points: below
// zero where more is promised than kept.
func (c *Calibration) Table() string {
	var b strings.Builder
	b.WriteString("| confidence | readings | mean confidence | right | difference, points |\n|---|---|---|---|---|\n")
	line := func(from, to float64, x bin) {
		name := fmt.Sprintf("%g to %g", from, to)
		if x.readings == 0 {
			fmt.Fprintf(&b, "| %s | 0 | | | |\n", name)
			return
		}
		mean, right := x.confidence/float64(x.readings), share(x.right, x.readings)
		fmt.Fprintf(&b, "| %s | %d | %.4f | %.2f %% | %+.2f |\n", name, x.readings, mean, 100*right, 100*(right-mean))
	}
	var last bin
	for i, from := range binEdges {
		to := 1.0
		if i+1 < len(binEdges) {
			to = binEdges[i+1]
		}
		if i == lastTenth {
			for _, x := range c.bins[lastTenth:] {
				last.sum(x)
			}
			line(from, 1, last)
		}
		line(from, to, c.bins[i])
	}
	return b.String()
}
