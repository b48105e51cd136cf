// Package sim is a spectroscopic portal, simulated at document level: a seed and a truck go in, an N42-2011 document
// with physically sensible spectra comes out, dropped into a folder or posted over HTTP.
package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"lanewarden/drivers/radiation/tsa/sim"
)

// Nuclide is a gamma emitter by its lines.
type Nuclide struct {
	Name  string
	Lines []float64 // keV
}

// Nuclides that the simulated trucks carry.
var Nuclides = []Nuclide{
	{"Cs-137", []float64{661.7}},
	{"Co-60", []float64{1173.2, 1332.5}},
	{"Ba-133", []float64{81.0, 302.9, 356.0}},
	{"K-40", []float64{1460.8}}, // fertiliser
}

// Pass is one truck's pass. A source goes by the panels in its middle, as a Gaussian in time.
type Pass struct {
	Number  int
	Start   time.Time
	Seconds int      // time slices of one second
	Source  *Nuclide // nil for none
	Counts  float64  // in the source's lines, per detector, over the pass
}

// Detectors and channels of the simulated portal: four NaI(Tl), 1024 channels of 3 keV.
const (
	Detectors    = 4
	Channels     = 1024
	keVPerCh     = 3.0
	rate         = 900.0 // background counts per detector and second
	resolution   = 0.075 // FWHM at 662 keV, as a share
	serialNumber = "SIM-0001"
)

// Document returns the document of a pass. The same pass and seed give the same bytes.
func Document(p Pass, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, uint64(p.Number)))
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
<RadInstrumentInformation id="portal"><RadInstrumentManufacturerName>Lanewarden</RadInstrumentManufacturerName>` +
		`<RadInstrumentIdentifier>` + serialNumber +
		`</RadInstrumentIdentifier><RadInstrumentModelName>Simulated portal</RadInstrumentModelName>` +
		`<RadInstrumentClassCode>Portal Monitor</RadInstrumentClassCode></RadInstrumentInformation>
`)
	for d := range Detectors {
		fmt.Fprintf(&b,
			"<RadDetectorInformation id=\"D%d\"><RadDetectorCategoryCode>Gamma</RadDetectorCategoryCode>"+
				"<RadDetectorKindCode>NaI</RadDetectorKindCode></RadDetectorInformation>\n", d+1)
	}
	fmt.Fprintf(&b,
		"<EnergyCalibration id=\"cal\"><CoefficientValues>0 %g 0</CoefficientValues></EnergyCalibration>\n", keVPerCh)
	for s := range p.Seconds {
		p.slice(&b, rng, s)
	}
	if p.Source != nil {
		fmt.Fprintf(&b,
			"<AnalysisResults><RadAlarm><RadAlarmCategoryCode>Gamma</RadAlarmCategoryCode>"+
				"<RadAlarmDescription>%s</RadAlarmDescription></RadAlarm>"+
				"<NuclideAnalysisResults><Nuclide><NuclideName>%s</NuclideName>"+
				"<NuclideIDConfidenceValue>%d</NuclideIDConfidenceValue></Nuclide></NuclideAnalysisResults>"+
				"</AnalysisResults>\n",
			p.Source.Name, p.Source.Name, 70+rng.IntN(30))
	}
	b.WriteString("</RadInstrumentData>\n")
	return b.Bytes()
}

func (p Pass) slice(b *bytes.Buffer, rng *rand.Rand, s int) {
	fmt.Fprintf(b,
		"<RadMeasurement id=\"M%d\"><MeasurementClassCode>Foreground</MeasurementClassCode>"+
			"<StartDateTime>%s</StartDateTime><RealTimeDuration>PT1S</RealTimeDuration>\n",
		s+1, p.Start.Add(time.Duration(s)*time.Second).UTC().Format("2006-01-02T15:04:05.000Z"))
	// The source passes the panels in the middle of the pass.
	x := (float64(s) + 0.5 - float64(p.Seconds)/2) / (float64(p.Seconds) / 5)
	share := math.Exp(-x*x/2) / (math.Sqrt(2*math.Pi) * float64(p.Seconds) / 5)
	for d := range Detectors {
		fmt.Fprintf(b,
			"<Spectrum id=\"M%dD%d\" radDetectorInformationReference=\"D%d\" "+
				"energyCalibrationReference=\"cal\"><LiveTimeDuration>PT0.98S</LiveTimeDuration>"+
				"<ChannelData compressionCode=\"CountedZeroes\">", s+1, d+1, d+1)
		writeZeroes(b, p.spectrum(rng, share))
		b.WriteString("</ChannelData></Spectrum>\n")
	}
	b.WriteString("<OccupancyIndicator>true</OccupancyIndicator></RadMeasurement>\n")
}

// spectrum draws one second of one detector: a falling continuum, potassium of the surroundings, and the source's
// lines.
func (p Pass) spectrum(rng *rand.Rand, share float64) []int {
	mean := make([]float64, Channels)
	const fall = 350.0 // keV
	for ch := range mean {
		e := (float64(ch) + 0.5) * keVPerCh
		mean[ch] = rate * keVPerCh / fall * math.Exp(-e/fall) * (1 - math.Exp(-e/40))
	}
	addLine(mean, 1460.8, rate*0.02)
	if p.Source != nil {
		for _, e := range p.Source.Lines {
			addLine(mean, e, p.Counts*share/float64(len(p.Source.Lines)))
		}
	}
	out := make([]int, Channels)
	for ch, m := range mean {
		out[ch] = sim.Poisson(rng, m)
	}
	return out
}

func addLine(mean []float64, keV, counts float64) {
	sigma := resolution / 2.355 * math.Sqrt(662*keV) / keVPerCh
	for ch := range mean {
		x := (float64(ch) + 0.5 - keV/keVPerCh) / sigma
		mean[ch] += counts * math.Exp(-x*x/2) / (sigma * math.Sqrt(2*math.Pi))
	}
}

// writeZeroes writes channels as CountedZeroes.
func writeZeroes(b *bytes.Buffer, channels []int) {
	for i := 0; i < len(channels); {
		n := 1
		if channels[i] == 0 {
			for i+n < len(channels) && channels[i+n] == 0 {
				n++
			}
			fmt.Fprintf(b, "0 %d ", n)
		} else {
			fmt.Fprintf(b, "%d ", channels[i])
		}
		i += n
	}
}

// Draw makes a pass as traffic brings it: mostly nothing, now and then fertiliser, rarely a source.
func Draw(rng *rand.Rand, number int, start time.Time, innocent, source float64) Pass {
	p := Pass{Number: number, Start: start, Seconds: 5 + rng.IntN(8)}
	switch u := rng.Float64(); {
	case u < innocent:
		p.Source, p.Counts = &Nuclides[3], 1500+rng.Float64()*3000
	case u < innocent+source:
		p.Source, p.Counts = &Nuclides[rng.IntN(3)], 2000+rng.Float64()*10000
	}
	return p
}

// Drop puts a document into a folder under a temporary name and renames it when it is whole, as a careful instrument
// does. A file of that name is replaced.
func Drop(folder string, doc []byte, name string) error {
	tmp := filepath.Join(folder, "."+name+".part")
	if err := os.WriteFile(tmp, doc, 0o640); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(folder, name))
}

// Post sends a document over HTTP, once. It returns nil only when the receiver has stored it (200); other answers
// are errors with the receiver's words. name must need no escaping in a URL.
func Post(ctx context.Context, url string, doc []byte, name string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"?name="+name, bytes.NewReader(doc))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/xml")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, bytes.TrimSpace(text))
	}
	return err
}
