package sim

import (
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
)

// material describes how much more a thickness takes of the low energy than of the high one: ln(low)/ln(high) of the
// transmissions. Heavy nuclei make pairs at the high energy, so the ratio falls with the atomic number. Simulated
// values, not measured ones.
type material float64

const (
	organic material = 1.42
	mineral material = 1.34
	steel   material = 1.25
	lead    material = 1.10
)

// shape is a rectangle in shares of the image, filled with something. thickness returns mm of steel at a place in it,
// from 0 to 1 in both directions.
type shape struct {
	left, top, right, bottom float64
	of                       material
	thickness                func(x, y float64) float64
}

func plain(mm float64) func(x, y float64) float64 {
	return func(float64, float64) float64 { return mm }
}

// Textures of cargo.
func boxes(mm, columns, rows float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		_, fx := math.Modf(x * columns)
		_, fy := math.Modf(y * rows)
		if fx < 0.06 || fy < 0.06 {
			return mm * 0.55 // gaps between them
		}
		return mm * (0.92 + 0.16*fx*(1-fx)*4*fy*(1-fy))
	}
}

// drums are barrels side by side and above each other: the beam's way through a circle.
func drums(mm, columns, rows float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		_, fx := math.Modf(x * columns)
		_, fy := math.Modf(y * rows)
		r := 2*fx - 1
		if fy < 0.05 {
			return mm * 0.3
		}
		return mm * (0.12 + math.Sqrt(max(0, 1-r*r)))
	}
}

// pipes are seen from their ends.
func pipes(mm, columns, rows float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		_, fx := math.Modf(x * columns)
		_, fy := math.Modf(y * rows)
		d := math.Hypot(2*fx-1, 2*fy-1)
		switch {
		case d > 1:
			return mm * 0.1
		case d > 0.75:
			return mm
		}
		return mm * 0.35
	}
}

func sacks(mm, rows float64, phase float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		return mm * (0.8 + 0.1*math.Sin(9*x+phase) + 0.15*math.Abs(math.Sin(math.Pi*y*rows+0.4*math.Sin(5*x))))
	}
}

// walls are corrugated.
func walls(mm float64) func(x, y float64) float64 {
	return func(x, _ float64) float64 { return mm * (1 + 0.35*math.Sin(x*2*math.Pi*48)) }
}

// wheel is a tyre on a rim.
func wheel(x, y float64) float64 {
	d := math.Hypot(2*x-1, 2*y-1)
	switch {
	case d > 1:
		return 0
	case d > 0.62:
		return 26 * math.Sqrt(max(0.15, 1-(d-0.8)*(d-0.8)*25))
	case d > 0.52:
		return 60
	}
	return 34 + 20*math.Exp(-d*d*40)
}

// truck lists what stands in the beam: cab, chassis, container, wheels, and cargo drawn by rng. Shapes that overlap
// add up.
func (s Scan) truck(rng *rand.Rand) []shape {
	list := []shape{
		{0.045, 0.36, 0.150, 0.52, steel, plain(5)}, {0.045, 0.52, 0.155, 0.80, steel, plain(9)}, // cab: windows, doors
		{0.125, 0.30, 0.155, 0.80, steel, plain(7)},        // its back wall
		{0.050, 0.56, 0.108, 0.79, steel, drums(52, 3, 2)}, // engine
		// seat, driver's door
		{0.112, 0.56, 0.135, 0.74, organic, sacks(14, 3, 0)},
		{0.158, 0.775, 0.955, 0.805, steel, plain(30)}, {0.158, 0.800, 0.955, 0.812, steel, plain(14)}, // chassis
		// fuel tank
		{0.175, 0.80, 0.235, 0.87, organic, drums(20, 1, 1)},
		// container
		{0.195, 0.14, 0.952, 0.775, steel, walls(4.5)},
		// roof, floor
		{0.195, 0.14, 0.952, 0.155, steel, plain(9)}, {0.195, 0.745, 0.952, 0.775, steel, boxes(16, 40, 1)},
		{0.195, 0.14, 0.203, 0.775, steel, plain(25)}, {0.944, 0.14, 0.952, 0.775, steel, plain(25)}, // ends
		{0, 0.945, 1, 0.95, steel, plain(20)}, // ground
	}
	for _, x := range []float64{0.065, 0.245, 0.305, 0.755, 0.815, 0.875} {
		height := 0.135
		width := height * float64(s.Rows) / float64(s.Columns)
		list = append(list, shape{x, 0.81, x + width, 0.81 + height, mineral, wheel})
	}
	for x := 0.21; x < 0.92; {
		width := 0.05 + 0.07*rng.Float64()
		top, mm, phase := 0.22+0.35*rng.Float64(), 9+22*rng.Float64(), 6*rng.Float64()
		of := []material{organic, organic, mineral, steel}[rng.IntN(4)]
		texture := []func(x, y float64) float64{
			boxes(mm, 1+math.Floor(width*35), 4), drums(mm, 2, 3), pipes(mm, 4, 6), sacks(mm, 8, phase),
		}[rng.IntN(4)]
		list = append(list,
			shape{x, top, min(x+width, 0.94), 0.735, of, texture},
			shape{x, 0.735, min(x+width, 0.94), 0.745, organic, boxes(6, 6, 1)}) // pallet
		x += width + 0.008
	}
	if s.Threat {
		l, t, r, b := s.hidden()
		c, h := float64(s.Columns), float64(s.Rows)
		list = append(list, shape{float64(l) / c, float64(t) / h, float64(r) / c, float64(b) / h, lead, plain(70)})
	}
	return list
}

// pixelReader makes an image row by row: what the beam loses, and the noise of its photons.
type pixelReader struct {
	Scan
	energy energy
	rng    *rand.Rand
	shapes []shape
	loss   []float64 // of the row at hand, mm of steel at the high energy
	row    int
	buf    []byte // of the row at hand, what was not read yet
	dead   map[int]bool
}

func (s Scan) pixels(e energy) io.Reader {
	p := &pixelReader{
		Scan: s, energy: e, rng: rand.New(rand.NewPCG(s.Seed, 2+8*uint64(e))),
		shapes: s.truck(rand.New(rand.NewPCG(s.Seed, 2))),
		loss:   make([]float64, s.Columns), dead: map[int]bool{},
	}
	for _, d := range s.Dead {
		p.dead[d] = true
	}
	if p.Air == 0 {
		p.Air = airLevel
	}
	return p
}

// Read implements io.Reader.
func (p *pixelReader) Read(out []byte) (int, error) {
	if len(p.buf) == 0 {
		if p.row == p.Rows {
			return 0, io.EOF
		}
		p.pass((float64(p.row) + 0.5) / float64(p.Rows))
		gain := 1 + 0.004*math.Sin(float64(p.row)*0.7) // detectors are not all alike
		for _, mm := range p.loss {
			level := p.Air * gain * math.Exp(-attenuation*mm)
			level += p.rng.NormFloat64() * math.Sqrt(level) * 1.5
			if p.dead[p.row] {
				level = 0
			}
			p.buf = binary.LittleEndian.AppendUint16(p.buf, uint16(max(0, min(65535, level))))
		}
		p.row++
	}
	n := copy(out, p.buf)
	p.buf = p.buf[n:]
	return n, nil
}

// pass sums what the beam passes along one row, at a height in shares of the image.
func (p *pixelReader) pass(y float64) {
	clear(p.loss)
	columns := float64(p.Columns)
	for i := range p.shapes {
		s := &p.shapes[i]
		if y < s.top || y >= s.bottom {
			continue
		}
		factor := 1.0
		if p.energy == low {
			factor = float64(s.of)
		}
		v := (y - s.top) / (s.bottom - s.top)
		for x := max(int(s.left*columns), 0); x < min(int(s.right*columns), p.Columns); x++ {
			p.loss[x] += factor * s.thickness(((float64(x)+0.5)/columns-s.left)/(s.right-s.left), v)
		}
	}
}
