package plasmagram

import (
	"math"
	"slices"

	"lanewarden/drivers/driver/robust"
)

// finder finds the peaks of a spectrum. Widths and places within it are in ordinates, not ms: they become drift times
// when a peak is returned. The steps are those of docs/protocols/ionscan.md, "From spectrum to verdict".
type finder struct {
	s     *Spectrum
	o     Options
	first int       // ordinates before are the gate's pulse
	noise float64   // of one scan
	width float64   // FWHM of a usual peak
	mean  []float64 // of all scans
	base  []float64 // of mean
	gauss []float64 // half of the smoothing kernel, from its middle
	shape shape
}

const (
	maxContrast = 1e6 // of a spectrum without noise
	// FWHM of the smoothing kernel over that of a peak: most of the gain of a matched filter, little broadening
	kernelShare   = 0.45
	minWidth      = 3.0 // ordinates
	baselineScale = 2.5 // reach of the baseline's clipping, FWHM
)

func newFinder(s *Spectrum, o Options) *finder {
	f := &finder{s: s, o: o}
	n := len(s.Scans[0])
	f.first = min(max(0, int(math.Ceil(s.index(o.FirstMs)))), n-MinPoints/2)
	f.mean = average(s.Scans)
	f.noise = scanNoise(s.Scans)
	f.measureWidth()
	_, f.base, _ = f.flat(f.mean)
	f.measureShape()
	return f
}

// average is the mean of scans; ordinates without value take no part.
func average(scans [][]float64) []float64 {
	out := make([]float64, len(scans[0]))
	if !slices.ContainsFunc(scans, func(scan []float64) bool { return slices.ContainsFunc(scan, math.IsNaN) }) {
		for _, scan := range scans {
			for i, v := range scan {
				out[i] += v
			}
		}
		for i := range out {
			out[i] /= float64(len(scans))
		}
		return out
	}
	last := 0.0
	for i := range out {
		sum, n := 0.0, 0
		for _, scan := range scans {
			if !math.IsNaN(scan[i]) {
				sum, n = sum+scan[i], n+1
			}
		}
		if n > 0 {
			last = sum / float64(n)
		}
		out[i] = last // a hole in all scans is bridged
	}
	return out
}

// noiseScans bounds the scans whose noise is measured.
const noiseScans = 16

// scanNoise returns the standard deviation of an ordinate, from what neighbours differ by beyond a straight line.
func scanNoise(scans [][]float64) float64 {
	var d []float64
	for k := 0; k < len(scans); k += max(1, len(scans)/noiseScans) {
		y := scans[k]
		for i := 2; i < len(y); i++ {
			if v := y[i] - 2*y[i-1] + y[i-2]; !math.IsNaN(v) {
				d = append(d, math.Abs(v))
			}
		}
	}
	// the variance of a second difference is 1+4+1 of an ordinate's
	return robust.Median(d) * robust.SigmaPerMAD / math.Sqrt(6)
}

// measureWidth takes a usual peak's width from the strongest, or from the tube's resolving power when that shows none.
func (f *finder) measureWidth() {
	n := len(f.mean)
	f.width = max(minWidth, min(f.s.ms(float64(n)/2)/f.o.ResolvingPow/f.s.StepMs, float64(n)/8))
	f.kernel()
	y := f.smooth(f.mean)
	base := f.baseline(y)
	top := f.first
	for i := f.first; i < n; i++ {
		if y[i]-base[i] > y[top]-base[top] {
			top = i
		}
	}
	height := y[top] - base[top]
	if height < 2*f.o.MinSNR*f.noise/math.Sqrt(float64(len(f.s.Scans))) {
		return
	}
	for i := range y {
		y[i] -= base[i]
	}
	left, right := halfHeight(y, top, height/2)
	if w := f.sharpened(right - left); w >= minWidth && w < float64(n)/8 {
		f.width = w * f.s.ms(float64(n)/2) / max(f.s.ms(float64(top)), f.s.StepMs) // widths go with drift time
		f.width = max(minWidth, min(f.width, 2*w))
		f.kernel()
	}
}

// kernel makes the smoothing kernel: a Gaussian of 0.45 of a peak's width, the compromise between noise and peaks that
// overlap (docs/protocols/ionscan.md).
func (f *finder) kernel() {
	sigma := f.width * kernelShare / 2.3548
	reach := int(math.Ceil(3 * sigma))
	f.gauss = make([]float64, reach+1)
	sum := 0.0
	for i := range f.gauss {
		f.gauss[i] = math.Exp(-0.5 * math.Pow(float64(i)/sigma, 2))
		sum += 2 * f.gauss[i]
	}
	sum -= f.gauss[0]
	for i := range f.gauss {
		f.gauss[i] /= sum
	}
}

// sharpened takes the kernel's own width out of a width that was measured after smoothing.
func (f *finder) sharpened(w float64) float64 {
	k := f.width * kernelShare
	return math.Sqrt(max(w*w-k*k, 1))
}

// smooth returns y convolved with the kernel; beyond its ends y goes on as it was there.
func (f *finder) smooth(y []float64) []float64 {
	n, reach := len(y), len(f.gauss)-1
	padded := make([]float64, n+2*reach)
	copy(padded[reach:], y)
	for i := range reach {
		padded[i], padded[n+reach+i] = y[0], y[n-1]
	}
	out := make([]float64, n)
	for i := range out {
		v := f.gauss[0] * padded[i+reach]
		for k := 1; k <= reach; k++ {
			v += f.gauss[k] * (padded[i+reach-k] + padded[i+reach+k])
		}
		out[i] = v
	}
	return out
}

// baseline clips the peaks off a smoothed spectrum (SNIP: Ryan et al., Nucl. Instr. Meth. B34 (1988) 396), at about
// six ordinates a peak, and returns what is left, not yet raised from the noise's lower edge to its middle.
func (f *finder) baseline(y []float64) []float64 {
	step := max(1, int(f.width/6))
	n := (len(y) + step - 1) / step
	v, next := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = y[min(i*step+step/2, len(y)-1)]
	}
	for reach := int(math.Ceil(baselineScale * f.width / float64(step))); reach >= 1; reach-- {
		copy(next, v)
		for i := reach; i < n-reach; i++ {
			next[i] = min(v[i], (v[i-reach]+v[i+reach])/2)
		}
		v, next = next, v
	}
	out := make([]float64, len(y))
	for i := range out {
		at := (float64(i) - float64(step/2)) / float64(step)
		k := min(max(int(math.Floor(at)), 0), n-2)
		out[i] = v[k] + (v[k+1]-v[k])*(min(max(at, 0), float64(n-1))-float64(k))
	}
	return out
}

// halfHeight returns where y falls to level on both sides of top.
func halfHeight(y []float64, top int, level float64) (left, right float64) {
	i := top
	for i > 0 && y[i] > level {
		i--
	}
	left = float64(i)
	if i < top && y[i+1] != y[i] {
		left += min(max((level-y[i])/(y[i+1]-y[i]), 0), 1)
	}
	i = top
	for i < len(y)-1 && y[i] > level {
		i++
	}
	right = float64(i)
	if i > top && y[i-1] != y[i] {
		right -= min(max((level-y[i])/(y[i-1]-y[i]), 0), 1)
	}
	return left, right
}

// blockPeak is a peak in one block of scans.
type blockPeak struct {
	at, fwhm, height, clear float64 // ordinates; contrast
}

// peaks looks in every block of consecutive scans, and joins what is seen at one place.
func (f *finder) peaks() []Peak {
	size := min(f.o.Blocks, len(f.s.Scans))
	var seen []blockPeak
	for block := 0; block+size <= len(f.s.Scans); block++ {
		seen = f.findPeaks(seen, average(f.s.Scans[block:block+size]))
	}
	slices.SortStableFunc(seen, func(a, b blockPeak) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	var out []Peak
	for len(seen) > 0 {
		n := 1
		for n < len(seen) && seen[n].at-seen[n-1].at < f.width/4 && seen[n].at-seen[0].at < f.width/2 {
			n++
		}
		out = append(out, f.join(seen[:n]))
		seen = seen[n:]
	}
	out = merge(out)
	f.place(out)
	return out
}

// flat smooths y and takes its baseline off. noise is the standard deviation of what is left, by MAD.
func (f *finder) flat(y []float64) (flat, base []float64, noise float64) {
	y = f.smooth(y)
	base = f.baseline(y)
	rest := make([]float64, 0, len(y))
	for i := range y {
		if y[i] -= base[i]; i >= f.first {
			rest = append(rest, y[i])
		}
	}
	middle := robust.Median(rest) // most of a spectrum is baseline
	for i := range y {
		y[i] -= middle
		base[i] += middle
	}
	return y, base, f.spread(y)
}

// findPeaks appends the peaks of one block's average.
func (f *finder) findPeaks(out []blockPeak, y []float64) []blockPeak {
	y, _, noise := f.flat(y)
	z := f.sharpen(y)
	sharpNoise := f.spread(z)
	limit := f.o.MinSNR * sharpNoise
	for i := max(f.first, 1); i < len(z)-1; i++ {
		if y[i] <= 0 || z[i] <= 0 || z[i] < limit || z[i] < z[i-1] || z[i] <= z[i+1] ||
			f.prominence(z, i) < max(limit*0.7, z[i]*0.05) {
			continue
		}
		left, right := halfHeight(y, i, y[i]/2)
		l, r := float64(i)-left, right-float64(i)
		if l > 1.5*r || r > 1.5*l { // a neighbour stands on that side
			l = min(l, r)
			r = l
		}
		out = append(out, blockPeak{at: centroid(z, i, f.width*sharpWidth),
			fwhm: max(f.sharpened(l+r), f.widthAt(float64(i))/2), height: y[i],
			clear: min(y[i]/noise, z[i]/sharpNoise, maxContrast)})
	}
	return out
}

const (
	// share of a peak's own curvature that is added: shoulders become peaks, and nothing turns positive beside one
	sharpening = 0.5
	sharpWidth = 0.75
)

// sharpen takes a part of the curvature off a smoothed spectrum: peaks that overlap part.
func (f *finder) sharpen(y []float64) []float64 {
	sigma := f.width / 2.3548
	d := max(1, int(math.Round(sigma/2.5)))
	k := sharpening * sigma * sigma / float64(d*d)
	z := make([]float64, len(y))
	for i := range z {
		z[i] = y[i] - k*(y[max(i-d, 0)]-2*y[i]+y[min(i+d, len(y)-1)])
	}
	return z
}

// spread returns the standard deviation of most of a spectrum, by MAD.
func (f *finder) spread(y []float64) float64 {
	rest := make([]float64, 0, len(y))
	for _, v := range y[f.first:] {
		rest = append(rest, math.Abs(v))
	}
	return max(robust.Median(rest)*robust.SigmaPerMAD, math.SmallestNonzeroFloat64)
}

// prominence returns the height of a maximum over the lowest point on the way to a higher one, within four widths.
func (f *finder) prominence(y []float64, top int) float64 {
	reach := int(4 * f.width)
	side := func(step int) float64 {
		low := y[top]
		for i := top + step; i >= 0 && i < len(y) && (i-top)*step <= reach && y[i] <= y[top]; i += step {
			low = min(low, y[i])
		}
		return y[top] - low
	}
	return min(side(-1), side(1))
}

// centroid fits a parabola to the logarithm of the peak's upper part: exact for a Gaussian, and little moved by a
// neighbour.
func centroid(y []float64, top int, width float64) float64 {
	reach := max(1, int(width/2.5))
	var s0, s1, s2, s3, s4, t0, t1, t2 float64
	for k := -reach; k <= reach; k++ {
		i := top + k
		if i < 0 || i >= len(y) || y[i] < y[top]*0.3 {
			continue
		}
		x, w := float64(k), y[i]*y[i]
		v := math.Log(y[i])
		s0, s1, s2, s3, s4 = s0+w, s1+w*x, s2+w*x*x, s3+w*x*x*x, s4+w*x*x*x*x
		t0, t1, t2 = t0+w*v, t1+w*x*v, t2+w*x*x*v
	}
	d := s0*(s2*s4-s3*s3) - s1*(s1*s4-s2*s3) + s2*(s1*s3-s2*s2)
	b := s0*(t1*s4-t2*s3) - t0*(s1*s4-s2*s3) + s2*(s1*t2-s2*t1)
	a := s0*(s2*t2-s3*t1) - s1*(s1*t2-s2*t1) + t0*(s1*s3-s2*s2)
	if d == 0 || a/d >= 0 {
		return float64(top)
	}
	shift := -b / (2 * a)
	if math.Abs(shift) > float64(reach) || math.IsNaN(shift) {
		return float64(top)
	}
	return float64(top) + shift
}

// join makes a peak of the block peaks at one place. Its place is their mean by contrast, its height that of the
// strongest.
func (f *finder) join(seen []blockPeak) Peak {
	best := seen[0]
	place, weight := 0.0, 0.0
	for _, s := range seen {
		if s.clear > best.clear {
			best = s
		}
		w := s.clear * s.clear
		place, weight = place+w*s.at, weight+w
	}
	td := f.s.ms(place / weight)
	p := Peak{DriftMs: td, Amplitude: best.height * f.restored(best.fwhm), FWHMMs: best.fwhm * f.s.StepMs,
		Contrast: best.clear}
	if p.FWHMMs > 0 {
		p.Resolving = td / p.FWHMMs
	}
	if f.noise > 0 {
		p.SNR = p.Amplitude / f.noise
	}
	p.Scans, p.FirstScan = f.run(place / weight)
	return p
}

// standsOut is the height, in standard deviations over the baseline, from which on a scan counts for Peak.Scans.
const standsOut = 3

// run returns the longest run of scans in each of which a peak at this place stands out by itself.
func (f *finder) run(at float64) (scans, first int) {
	power := -f.gauss[0] * f.gauss[0]
	for _, g := range f.gauss {
		power += 2 * g * g
	}
	limit := standsOut * f.noise * math.Sqrt(power)
	middle, begin := int(math.Round(at)), 0
	for i, scan := range f.s.Scans {
		if f.height(scan, middle) <= limit {
			begin = i + 1
			continue
		}
		if i+1-begin > scans {
			scans, first = i+1-begin, begin
		}
	}
	return scans, first
}

// height returns a scan's smoothed height over the mean baseline at an ordinate, in the spectrum's unit.
func (f *finder) height(scan []float64, at int) (h float64) {
	for k := -len(f.gauss) + 1; k < len(f.gauss); k++ {
		i := min(max(at+k, 0), len(scan)-1)
		if v := scan[i] - f.base[i]; !math.IsNaN(v) {
			h += f.gauss[max(k, -k)] * v
		}
	}
	return h
}

// restored returns the part of a peak's height that smoothing removed.
func (f *finder) restored(fwhm float64) float64 {
	k := f.width * kernelShare / max(fwhm, 1)
	return math.Sqrt(1 + min(k*k, 4))
}

// merge joins peaks that are nearer to each other than half their width: one ion, seen in different scans.
func merge(in []Peak) []Peak {
	var out []Peak
	for _, p := range in {
		if n := len(out); n > 0 && p.DriftMs-out[n-1].DriftMs < max(p.FWHMMs, out[n-1].FWHMMs)/2 {
			if p.Contrast > out[n-1].Contrast {
				if o := out[n-1]; o.Scans > p.Scans {
					p.Scans, p.FirstScan = o.Scans, o.FirstScan
				}
				out[n-1] = p
			}
			continue
		}
		out = append(out, p)
	}
	return out
}
