package plasmagram

import (
	"math"
	"slices"
)

// shape is the form of a single ion's peak in this tube, as a table of heights relative to its maximum. Its width is
// proportional to the drift time, as for a tube of constant resolving power.
type shape struct {
	heights []float64
	centre  float64 // index of its place, as centroid would say it
	drift   float64 // drift time, ms, at which it is as wide as the table
}

const (
	// Lengths in FWHM.
	shapeBefore = 2.0 // reach of a shape before and behind its place: ions come late rather than early
	shapeBehind = 2.5
	shapeAlone  = 4.0                             // how far other peaks must be from one that lends its shape
	overlaps    = shapeBefore + shapeBehind + 0.5 // peaks nearer than this are in each other's feet

	shapeClear    = 200 // contrast that a peak needs to lend its shape
	rounds        = 4   // of the fit
	maxNeighbours = 4   // that are taken into account on each side of a peak
)

// measureShape takes the shape of the strongest peak over all scans that nothing stands near to, or else that of a
// Gaussian.
func (f *finder) measureShape() {
	seen := f.findPeaks(nil, f.mean)
	best := -1
	for i, s := range seen {
		w := f.widthAt(s.at)
		alone := (i == 0 || seen[i-1].at < s.at-shapeAlone*w) && (i+1 == len(seen) || seen[i+1].at > s.at+shapeAlone*w)
		inside := s.at-shapeBefore*w >= float64(f.first) && s.at+shapeBehind*w < float64(len(f.mean)-2)
		if alone && inside && s.clear >= shapeClear && (best < 0 || s.height > seen[best].height) {
			best = i
		}
	}
	if best >= 0 {
		p := seen[best]
		w := f.widthAt(p.at)
		first, last := int(p.at-shapeBefore*w), int(p.at+shapeBehind*w)+1
		f.shape = shape{heights: make([]float64, last-first+1), centre: p.at - float64(first), drift: f.s.ms(p.at)}
		top := f.mean[int(p.at)] - f.base[int(p.at)]
		for i := range f.shape.heights {
			f.shape.heights[i] = max(0, f.mean[first+i]-f.base[first+i]) / top
		}
		return
	}
	before, behind := math.Ceil(shapeBefore*f.width), math.Ceil(shapeBehind*f.width)
	f.shape = shape{heights: make([]float64, int(before+behind)+1), centre: before,
		drift: f.s.ms(float64(len(f.mean)) / 2)}
	for i := range f.shape.heights {
		d := (float64(i) - before) / (f.width / 2.3548)
		f.shape.heights[i] = math.Exp(-0.5 * d * d)
	}
}

// widthAt is the FWHM of a peak at an ordinate.
func (f *finder) widthAt(at float64) float64 {
	n := float64(len(f.mean))
	middle := max(f.s.ms(n/2), f.s.StepMs)
	return min(max(minWidth, f.width*f.s.ms(at)/middle), n)
}

// drawn puts a peak of height 1 at a place into y, whose first ordinate is first.
func (f *finder) drawn(y []float64, at float64, first int) {
	scale := f.shape.drift / max(f.s.ms(at), f.s.StepMs)
	for i := range y {
		x := f.shape.centre + (float64(first+i)-at)*scale
		k := int(math.Floor(x))
		y[i] = 0
		if k >= 0 && k+1 < len(f.shape.heights) {
			y[i] = f.shape.heights[k] + (f.shape.heights[k+1]-f.shape.heights[k])*(x-float64(k))
		}
	}
}

// place refines the drift times of peaks by least squares: each by all scans in which it stands out, together with the
// neighbours in whose feet it stands, so that a strong neighbour does not pull a weak peak towards it.
func (f *finder) place(peaks []Peak) {
	places := make([]float64, len(peaks))
	for i, p := range peaks {
		places[i] = f.s.index(p.DriftMs)
	}
	for i := range peaks {
		reach := overlaps * f.widthAt(places[i])
		lo, hi := i, i+1
		for lo > 0 && i-lo < maxNeighbours && places[lo-1] > places[i]-reach {
			lo--
		}
		for hi < len(places) && hi-i <= maxNeighbours && places[hi] < places[i]+reach {
			hi++
		}
		peaks[i].DriftMs = f.s.ms(f.fitPlace(peaks[i], slices.Clone(places[lo:hi]), i-lo))
	}
}

// fitPlace returns where a peak, the one of the group with index own, is by least squares: heights and places of the
// group are fitted over a straight baseline, in the scans where the peak stands out, by how far it does.
func (f *finder) fitPlace(p Peak, group []float64, own int) float64 {
	at := group[own]
	w := f.widthAt(at)
	first, last := max(f.first, int(at-shapeBefore*w)), min(len(f.mean)-1, int(at+shapeBehind*w))
	if float64(last-first) < minWidth {
		return at // at the spectrum's edge
	}
	y := f.weighted(p, int(math.Round(at)), first, last)
	if y == nil {
		return at
	}
	// of each peak the shape, and how it changes when it moves; the baseline
	columns := make([][]float64, 2*len(group)+2)
	for i := range columns {
		columns[i] = make([]float64, len(y))
	}
	flat, slope := columns[2*len(group)], columns[2*len(group)+1]
	for i := range y {
		flat[i], slope[i] = 1, 2*float64(i)/float64(len(y))-1
	}
	ahead := make([]float64, len(y))
	for range rounds {
		for k, c := range group {
			f.drawn(columns[2*k], c, first)
			move := columns[2*k+1]
			f.drawn(ahead, c+0.5, first)
			f.drawn(move, c-0.5, first)
			for i := range move {
				move[i] = ahead[i] - move[i]
			}
		}
		v, ok := fit(columns, y)
		if !ok || v[2*own] <= 0 {
			return at
		}
		for k := range group {
			if h := v[2*k]; h > 0 {
				group[k] += min(max(v[2*k+1]/h, -w/4), w/4)
			}
		}
	}
	if math.Abs(group[own]-at) > w/2 {
		return at // this is not a sum of such peaks
	}
	return group[own]
}

// weighted is the mean of a part of the scans in which a peak stands out, by how far it does, over the mean baseline;
// nil for none.
func (f *finder) weighted(p Peak, at, first, last int) []float64 {
	y := make([]float64, last+1-first)
	sum := 0.0
	for _, scan := range f.s.Scans[p.FirstScan : p.FirstScan+p.Scans] {
		weight := f.height(scan, at)
		sum += weight
		for i := range y {
			if v := scan[first+i]; !math.IsNaN(v) {
				y[i] += weight * (v - f.base[first+i])
			}
		}
	}
	if sum <= 0 {
		return nil
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

// fit returns the heights with which the shapes add up to y, by least squares; false when they cannot be told from
// each other.
func fit(shapes [][]float64, y []float64) ([]float64, bool) {
	n := len(shapes)
	m := make([][]float64, n) // the normal equations, with their right side
	for a := range m {
		m[a] = make([]float64, n+1)
		for b := range n {
			m[a][b] = dot(shapes[a], shapes[b])
		}
		m[a][n] = dot(shapes[a], y)
	}
	for a := range m { // they are positive definite: no pivoting
		if m[a][a] <= 1e-9*dot(shapes[a], shapes[a]) {
			return nil, false
		}
		for b := a + 1; b < n; b++ {
			r := m[b][a] / m[a][a]
			for c := a; c <= n; c++ {
				m[b][c] -= r * m[a][c]
			}
		}
	}
	out := make([]float64, n)
	for a := n - 1; a >= 0; a-- {
		v := m[a][n]
		for b := a + 1; b < n; b++ {
			v -= m[a][b] * out[b]
		}
		out[a] = v / m[a][a]
	}
	return out, true
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
