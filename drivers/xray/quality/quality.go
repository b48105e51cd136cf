// Package quality measures the quality of an X-ray image while its rows go by: the level and noise of air, detectors
// that say nothing or always the same, and how many pixels are at either end of the scale. What follows ANSI N42.46
// needs a test object and is not measured here.
package quality

import (
	"math"

	"lanewarden/drivers/driver/robust"
)

// Measures are the figures of an image's quality that need no test object (docs/protocols/dicos.md, Quality). Shares
// are 0 to 1. Levels are values as pixel.Rows gives them, signed ones raised.
type Measures struct {
	AirLevel       float64 // mean of the pixels without anything in the beam, stored value; 0 when there are none
	AirNoise       float64 // standard deviation of neighbouring air pixels, over the air level
	AirShare       float64 // of all pixels
	SaturatedShare float64 // pixels at the top of the scale
	StarvedShare   float64 // pixels at its bottom
	Detectors      int     // all of them
	Dead, Stuck    []int   // detectors, from 0: constant near the bottom; constant elsewhere
}

// Meter takes the rows of an image, from the first on. Its memory is the histogram and a few numbers for each
// detector, whatever the number of rows. Use one for each frame.
type Meter struct {
	top    uint16
	byRow  bool // a detector is a row of the image, else a column
	rows   int
	pixels int
	count  []uint32 // by value
	// squares and pairs are, by level, sums over neighbours in a row that are nearly alike: noise grows with the
	// signal, so that it must be known near the air level.
	squares [levels]float64
	pairs   [levels]int
	lines   []line // by detector
}

// line sums the values of one detector, a row or column of the image. least and most tell a constant one.
type line struct {
	least, most uint16
	sum         float64
	n           int
}

const (
	levels = 64 // steps of the scale in which noise is measured
	// edge is a difference of neighbours, in steps of the scale, that is no noise but the edge of an object.
	edge = 2
)

// NewMeter makes a meter for images of so many columns and bits (1 to 16); byRow says that a detector is a row, not
// a column.
func NewMeter(columns, bits int, byRow bool) *Meter {
	m := &Meter{top: uint16(1<<bits - 1), byRow: byRow, count: make([]uint32, 1<<bits)}
	if !byRow {
		m.lines = make([]line, columns)
		for x := range m.lines {
			m.lines[x].least = math.MaxUint16
		}
	}
	return m
}

// Add measures the next row, which has the columns given to NewMeter, and values of its bits. It does not keep row.
func (m *Meter) Add(row []uint16) {
	shift := 0
	for int(m.top)>>shift >= levels {
		shift++
	}
	width := int32(edge) << shift
	if shift == 0 {
		width = 1 << 16
	}
	before := row[0]
	for _, v := range row {
		m.count[v]++
		if d := int32(v) - int32(before); d < width && d > -width {
			m.squares[before>>shift] += float64(d * d)
			m.pairs[before>>shift]++
		}
		before = v
	}
	m.pixels += len(row)
	m.rows++
	if m.byRow {
		one := line{least: math.MaxUint16}
		for _, v := range row {
			one.add(v)
		}
		m.lines = append(m.lines, one)
		return
	}
	for x, v := range row {
		m.lines[x].add(v)
	}
}

func (l *line) add(v uint16) {
	l.least, l.most = min(l.least, v), max(l.most, v)
	l.sum += float64(v)
	l.n++
}

// Limits of what counts as air: around the commonest of the bright values.
const (
	brightFrom = 0.7  // of the brightest values but for one in a thousand
	airWidth   = 0.05 // around the commonest
	minAir     = 0.005
)

// Measures returns what the rows so far say.
func (m *Meter) Measures() Measures {
	out := Measures{Detectors: len(m.lines)}
	if m.pixels == 0 {
		return out
	}
	out.SaturatedShare = float64(m.count[m.top]) / float64(m.pixels)
	out.StarvedShare = float64(m.count[0]) / float64(m.pixels)
	m.air(&out)
	m.detectors(&out)
	return out
}

// air finds the air in the histogram.
func (m *Meter) air(out *Measures) {
	left, bright := m.pixels/1000, len(m.count)-1
	for ; bright > 0; bright-- {
		if left -= int(m.count[bright]); left < 0 {
			break
		}
	}
	// The commonest value, by steps that are as wide as noise may be.
	step := max(bright/200, 1)
	best, most := bright, uint32(0)
	for from := int(brightFrom * float64(bright)); from <= bright; from += max(step/2, 1) {
		n := uint32(0)
		for _, c := range m.count[from:min(from+step, len(m.count))] {
			n += c
		}
		if n > most {
			best, most = from+step/2, n
		}
	}
	sum, n := 0.0, 0
	reach := max(int(airWidth*float64(best)), 1)
	for v := max(best-reach, 1); v <= min(best+reach, len(m.count)-1); v++ {
		sum += float64(v) * float64(m.count[v])
		n += int(m.count[v])
	}
	out.AirShare = float64(n) / float64(m.pixels)
	if out.AirShare < minAir {
		out.AirShare = 0
		return
	}
	out.AirLevel = sum / float64(n)
	shift := 0
	for int(m.top)>>shift >= levels {
		shift++
	}
	at := int(out.AirLevel) >> shift
	squares, pairs := 0.0, 0
	for k := max(at-1, 0); k <= min(at+1, levels-1); k++ {
		squares, pairs = squares+m.squares[k], pairs+m.pairs[k]
	}
	if pairs > 0 {
		out.AirNoise = math.Sqrt(squares/float64(pairs)/2) / out.AirLevel
	}
}

// detectors finds those that do not follow what their neighbours see.
func (m *Meter) detectors(out *Measures) {
	const reach = 3
	scale := max(out.AirLevel, float64(m.top)/20)
	means := make([]float64, len(m.lines))
	for k, l := range m.lines {
		means[k] = l.sum / float64(max(l.n, 1))
	}
	for k, l := range m.lines {
		if l.n < 16 || l.most-l.least > 1 {
			continue
		}
		var around []float64
		before, after := k == 0, k == len(m.lines)-1
		for d := max(k-reach, 0); d <= min(k+reach, len(m.lines)-1); d++ {
			if o := m.lines[d]; d != k && o.most-o.least > 1 {
				around = append(around, means[d])
				before, after = before || d < k, after || d > k
			}
		}
		// Constant neighbours say nothing, and so do those on one side only: whole bands of an image are constant
		// where there is no noise, or where it is saturated.
		if len(around) == 0 || !before || !after || math.Abs(means[k]-robust.Median(around)) < 0.05*scale {
			continue
		}
		if means[k] < 0.02*scale {
			out.Dead = append(out.Dead, k)
		} else {
			out.Stuck = append(out.Stuck, k)
		}
	}
}
