package plasmagram_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"lanewarden/drivers/trace/plasmagram"
)

// tube is a drift tube of 8 cm at 250 V/cm, 105 °C and 750 Torr.
var tube = plasmagram.Cell{LengthCm: 8, FieldVPerCm: 250, TemperatureK: 378, PressureTorr: 750}

// The reduced mobility of an ion that arrives 11.7 ms after the gate, and back.
func ExampleCell_K0() {
	k0 := tube.K0(11.7)
	fmt.Printf("%.3f cm2/(V s), %.1f ms\n", k0, tube.DriftMs(k0))
	// Output: 1.950 cm2/(V s), 11.7 ms
}

// Two peaks in eight scans: the calibrant, and an ion that the library knows.
func ExampleAnalyse() {
	library := &plasmagram.Library{
		Name: "example", Version: "1",
		Calibrants: []plasmagram.Calibrant{{Name: "nicotinamide", Polarity: "positive", K0: 1.86}},
		Substances: []plasmagram.Substance{{
			Name: "cocaine", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2,
			Peaks: []plasmagram.Ion{{Adduct: "[M+H]+", K0: 1.16, Window: 0.02, MinSNR: 6}},
		}},
	}
	spectrum := &plasmagram.Spectrum{Polarity: plasmagram.Positive, Cell: tube, StepMs: 0.025}
	noise := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		ordinates := make([]float64, 1200)
		for i := range ordinates {
			ordinates[i] = 200 + 5*noise.NormFloat64()
			for k0, amplitude := range map[float64]float64{1.86: 900, 1.16: 400} {
				drift := tube.DriftMs(k0)
				sigma := drift / 32 / 2.3548
				distance := (float64(i)*spectrum.StepMs - drift) / sigma
				ordinates[i] += amplitude * math.Exp(-distance*distance/2)
			}
		}
		spectrum.Scans = append(spectrum.Scans, ordinates)
	}
	analysis, err := plasmagram.Analyse(spectrum, library, plasmagram.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, peak := range analysis.Peaks {
		fmt.Printf("K0 %.2f %s%s\n", peak.K0, peak.Role, peak.Substance)
	}
	// Output:
	// K0 1.86 calibrant
	// K0 1.16 cocaine
}
