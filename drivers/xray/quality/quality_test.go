package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// scene feeds a meter: air with noise, something in the beam in the middle, and detectors that are not well.
func scene(byRow bool, air, noise float64, dead, stuck int) Measures {
	const rows, columns = 200, 300
	rng := rand.New(rand.NewPCG(1, 1))
	m := NewMeter(columns, 16, byRow)
	row := make([]uint16, columns)
	for y := range rows {
		for x := range row {
			v := air
			if x > 60 && x < 220 && y > 50 && y < 150 {
				v = air * math.Exp(-float64(y-50)/20)
			}
			v += rng.NormFloat64() * noise * air
			d := x
			if byRow {
				d = y
			}
			switch d {
			case dead:
				v = 0
			case stuck:
				v = 20000
			}
			row[x] = uint16(max(0, min(65535, v)))
		}
		m.Add(row)
	}
	return m.Measures()
}

func TestMeasures(t *testing.T) {
	for _, byRow := range []bool{true, false} {
		m := scene(byRow, 50000, 0.01, 77, 120)
		if math.Abs(m.AirLevel/50000-1) > 0.005 || math.Abs(m.AirNoise/0.01-1) > 0.15 || m.AirShare < 0.6 ||
			m.AirShare > 0.9 {
			t.Errorf("air %.0f, noise %.4f, share %.2f", m.AirLevel, m.AirNoise, m.AirShare)
		}
		if !slices.Equal(m.Dead, []int{77}) || !slices.Equal(m.Stuck, []int{120}) ||
			m.Detectors != map[bool]int{true: 200, false: 300}[byRow] {
			t.Errorf("by row %v: dead %v, stuck %v of %d", byRow, m.Dead, m.Stuck, m.Detectors)
		}
		if m.SaturatedShare != 0 || m.StarvedShare < 1.0/400 {
			t.Errorf("saturated %.4f, starved %.4f", m.SaturatedShare, m.StarvedShare)
		}
	}
	if m := scene(true, 65535*1.5, 0.01, -1, -1); m.SaturatedShare < 0.5 || len(m.Dead)+len(m.Stuck) != 0 {
		t.Errorf("saturated: %+v", m)
	}
}

// Without noise, whole bands are constant: that is no fault of their detectors.
func TestConstantImageHasNoBadDetectors(t *testing.T) {
	for _, bits := range []int{1, 8, 16} {
		m := NewMeter(50, bits, false)
		row := slices.Repeat([]uint16{1}, 50)
		for range 40 {
			m.Add(row)
		}
		if got := m.Measures(); len(got.Dead)+len(got.Stuck) != 0 {
			t.Errorf("%d bits: %+v", bits, got)
		}
	}
	if got := NewMeter(3, 16, true).Measures(); got.AirLevel != 0 {
		t.Errorf("no rows: %+v", got)
	}
}
