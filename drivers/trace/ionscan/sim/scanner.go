package sim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/transport/accept"
)

// Scanner is an instrument with its drift tube: what was on the last swabs is still a little in it.
type Scanner struct {
	Tube    Tube
	Library *plasmagram.Library // of the instrument's own firmware
	Profile *line.Profile       // how its lines look, for Lines; may be nil
	// Clearing is in how long a contamination falls to a third.
	Clearing time.Duration

	rng     *rand.Rand
	residue map[string]dose // by substance
	samples int
}

// dose is what a swab left in the instrument.
type dose struct {
	ion Ion
	at  time.Time
}

// NewScanner makes an instrument; the same seed gives the same noise.
func NewScanner(seed uint64, lib *plasmagram.Library) *Scanner {
	return &Scanner{Tube: NewTube(), Library: lib, Clearing: 8 * time.Second, rng: rand.New(rand.NewPCG(seed, 0x105)),
		residue: map[string]dose{}}
}

// Swab is one sample. Amplitude is that of its strongest ion, in the units of Tube.Noise.
type Swab struct {
	Kind      string // analysis, verification, blank
	Substance string // of the library, "" for nothing
	Amplitude float64
	Operator  string
	Sample    string // what was swabbed, as the officer entered it; "" for the instrument's own number
	At        time.Time
}

// carryOver is the share of a sample that stays in the instrument.
const carryOver = 0.2

// Result is the outcome of a swab.
type Result struct {
	Swab
	ID       string
	Spectrum *plasmagram.Spectrum
	Analysis *plasmagram.Analysis // by the instrument's own library
}

// Random draws what trucks bring: share of them, 0 to 1, with something of the library, in amplitudes around 200.
func (s *Scanner) Random(at time.Time, share float64) Swab {
	w := Swab{Kind: "analysis", Operator: "officer-" + string(rune('1'+s.rng.IntN(4))), At: at}
	if s.rng.Float64() < share {
		w.Substance, w.Amplitude = s.Library.Substances[s.rng.IntN(len(s.Library.Substances))].Name,
			200*math.Exp(s.rng.NormFloat64())
	}
	return w
}

// Run measures a swab at its time, with what earlier ones have left. Without a substance the polarity alternates. An
// error means that the spectrum cannot be analysed.
func (s *Scanner) Run(w Swab) (*Result, error) {
	s.samples++
	polarity, ions := plasmagram.Positive, []Ion(nil)
	if s.samples%2 == 0 {
		polarity = plasmagram.Negative
	}
	for _, sub := range s.Library.Substances {
		if sub.Name == w.Substance {
			polarity = plasmagram.Polarity(sub.Polarity)
			ion := Ion{K0: sub.Peaks[0].K0, Amplitude: w.Amplitude}
			defer func() { s.residue[sub.Name] = dose{Ion{ion.K0, ion.Amplitude * carryOver}, w.At} }()
			ions = append(ions, ion)
		}
	}
	for name, d := range s.residue {
		d.ion.Amplitude *= math.Exp(-w.At.Sub(d.at).Seconds() / s.Clearing.Seconds() * 1.1)
		if d.ion.Amplitude < 1 {
			delete(s.residue, name)
			continue
		}
		if sub := s.substance(name); plasmagram.Polarity(sub.Polarity) == polarity {
			ions = append(ions, d.ion)
		}
	}
	phase := 2 * math.Pi * float64(w.At.Unix()%86400) / 86400
	tube := s.Tube
	tube.Cell.TemperatureK += 3 * math.Sin(phase)
	tube.Cell.PressureTorr += 8 * math.Sin(1.7*phase)
	r := &Result{Swab: w, ID: fmt.Sprintf("S%06d", s.samples),
		Spectrum: tube.Measure(s.rng, polarity, s.calibrant(polarity), ions)}
	if w.Sample != "" {
		r.ID = w.Sample
	}
	var err error
	r.Analysis, err = plasmagram.Analyse(r.Spectrum, s.Library, plasmagram.Options{})
	return r, err
}

func (s *Scanner) substance(name string) plasmagram.Substance {
	for _, sub := range s.Library.Substances {
		if sub.Name == name {
			return sub
		}
	}
	return plasmagram.Substance{}
}

func (s *Scanner) calibrant(p plasmagram.Polarity) float64 {
	for _, c := range s.Library.Calibrants {
		if plasmagram.Polarity(c.Polarity) == p {
			return c.K0
		}
	}
	return 1.8
}

// verdict in the instrument's words.
func (r *Result) verdict() string {
	if r.Analysis.Alarm {
		return "ALARM"
	}
	return "PASS"
}

// Block returns the result as a JCAMP-DX block: a page a scan.
func (r *Result) Block() *jcampdx.Block {
	s := r.Spectrum
	b := &jcampdx.Block{}
	add := func(label, format string, args ...any) {
		b.Records = append(b.Records, jcampdx.Record{Label: label, Value: fmt.Sprintf(format, args...)})
	}
	add("TITLE", "sample %s", r.ID)
	add("JCAMP-DX", "5.01")
	add("DATA TYPE", "ION MOBILITY SPECTRUM")
	add("DATA CLASS", "NTUPLES")
	add("ORIGIN", "lanewarden simulated drift tube")
	add("OWNER", "public domain")
	add("LONG DATE", "%s", r.At.UTC().Format("2006/01/02 15:04:05.000 -0700"))
	add("SAMPLE ID", "%s", r.ID)
	add("$OPERATOR", "%s", r.Operator)
	add("$SAMPLE TYPE", "%s", strings.ToUpper(r.Kind))
	add(".ION POLARITY", "%s", strings.ToUpper(string(s.Polarity)))
	add(".DRIFT LENGTH", "%g cm", s.Cell.LengthCm)
	add(".ELECTRIC FIELD", "%g V/cm", s.Cell.FieldVPerCm)
	add(".DRIFT TEMPERATURE", "%.2f K", s.Cell.TemperatureK)
	add(".PRESSURE", "%.2f Torr", s.Cell.PressureTorr)
	add("$VERDICT", "%s", r.verdict())
	var names []string
	for _, f := range r.Analysis.Found {
		if f.Instead == "" {
			names = append(names, f.Substance)
		}
	}
	add("$SUBSTANCES", "%s", strings.Join(names, "; "))
	add("NTUPLES", "ION MOBILITY SPECTRUM")
	n := len(s.Scans[0])
	last := s.StartMs + float64(n-1)*s.StepMs
	nan := math.NaN()
	b.Variables = []jcampdx.Variable{
		{Name: "DRIFT TIME", Symbol: "X", Type: "INDEPENDENT", Form: "AFFN", Units: "MILLISECONDS",
			Dim: n, First: s.StartMs, Last: last, Factor: 1},
		{Name: "INTENSITY", Symbol: "Y", Type: "DEPENDENT", Form: "ASDF", Units: "COUNTS",
			Dim: n, First: nan, Last: nan, Factor: 1},
		{Name: "SCAN", Symbol: "N", Type: "PAGE", Dim: len(s.Scans), First: 1, Last: float64(len(s.Scans)),
			Factor: nan},
	}
	for i, scan := range s.Scans {
		y := make([]float64, n)
		for k, v := range scan {
			y[k] = math.Round(v)
		}
		b.Tables = append(b.Tables, &jcampdx.Table{Page: fmt.Sprintf("N=%d", i+1), Columns: []jcampdx.Column{
			{Symbol: "X", Values: jcampdx.Regular(s.StartMs, last, n)}, {Symbol: "Y", Values: y},
		}})
	}
	return b
}

// Drop writes the result as a file under a temporary name and renames it when it is whole, as a careful instrument
// does.
func (r *Result) Drop(folder string) error {
	data, err := jcampdx.Bytes(r.Block(), jcampdx.Options{Form: jcampdx.DIFDUP})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s.jdx", r.At.UTC().Format("20060102T150405"), r.ID)
	tmp := filepath.Join(folder, "."+name)
	if err := os.WriteFile(tmp, data, 0o640); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(folder, name))
}

// Lines returns the result as the serial report of firmware-config/profiles/example-swab.yaml.
func (r *Result) Lines() []string {
	sign := map[plasmagram.Polarity]string{plasmagram.Positive: "+", plasmagram.Negative: "-"}[r.Spectrum.Polarity]
	word := map[string]string{"analysis": "SAMPLE", "verification": "VERIFY", "blank": "BLANK"}[r.Kind]
	out := []string{fmt.Sprintf("%s %s OP %s MODE ALL POL %s AT %s", word, r.ID, r.Operator,
		sign, r.At.UTC().Format("2006-01-02 15:04:05"))}
	for _, p := range r.Analysis.Peaks {
		out = append(out, fmt.Sprintf("PEAK %.4f %.0f %.4f SNR %.1f", p.DriftMs, p.Amplitude, p.FWHMMs, p.SNR))
	}
	for _, f := range r.Analysis.Found {
		if f.Instead == "" {
			out = append(out, "SUBST "+f.Substance)
		}
	}
	return append(out, "RESULT "+r.verdict())
}

// State returns the instrument's state line.
func (s *Scanner) State() string {
	c := s.Tube.Cell
	return fmt.Sprintf("STATE T %.1f P %.1f FLOW 350 RIP %.3f %.0f 0.34 DRY 81 DES 220 N %d",
		c.TemperatureK-273.15, c.PressureTorr/0.750062, c.DriftMs(reactantPositive), s.Tube.Reactant, s.samples)
}

// Frame puts a line between its framing, with its checksum.
func (s *Scanner) Frame(text string) []byte {
	f := s.Profile.Framing
	return append(append([]byte(f.Start), s.Profile.Checksum.Append([]byte(text), f.Start)...), f.End...)
}

// Serve speaks the profile's lines on a connection until ctx or the connection ends: a result for every swab, the
// state when asked.
func (s *Scanner) Serve(ctx context.Context, conn io.ReadWriter, swabs <-chan Swab) error {
	asked := make(chan struct{}, 8)
	go func() { // ends with the connection
		in := bufio.NewReader(conn)
		for {
			text, err := in.ReadString('\r')
			if err != nil {
				close(asked)
				return
			}
			if strings.Contains(text, "?STATE") {
				select {
				case asked <- struct{}{}:
				default:
				}
			}
		}
	}()
	for {
		var lines []string
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-asked:
			if !ok {
				return io.EOF
			}
			lines = []string{s.State()}
		case w := <-swabs:
			r, err := s.Run(w)
			if err != nil {
				return err
			}
			lines = r.Lines()
		}
		for _, l := range lines {
			if _, err := conn.Write(s.Frame(l)); err != nil {
				return err
			}
		}
	}
}

// ServeTCP serves one connection after the other.
func (s *Scanner) ServeTCP(ctx context.Context, l net.Listener, swabs <-chan Swab) error {
	serve := func(conn net.Conn) {
		if err := s.Serve(ctx, conn, swabs); err != nil && err != io.EOF && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "ionscan:", err)
		}
	}
	err := accept.InTurn(ctx, l, func(conn net.Conn) { accept.UntilDone(ctx, conn, serve) })
	return errors.Join(err, ctx.Err())
}
