package ionscan

import (
	"fmt"
	"io"
	"math"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/plasmagram"
)

// Format is the format of JCAMP-DX files.
var Format = driver.Format{Name: "jcamp-dx", Title: "JCAMP-DX file", Recognise: jcampdx.Recognise, Describe: describe,
	Draw: draw}

// Summary describes what a file holds: what lanectl decode prints as JSON, a stable form for scripts.
type Summary struct {
	Blocks []BlockSummary `json:"blocks"`
	Faults []string       `json:"faults"`
	// Warnings are faults of the file that cost nothing.
	Warnings []string `json:"warnings"`
	Library  string   `json:"library,omitempty"` // of substances, that was consulted

	file *jcampdx.File
	lib  driver.Ref[plasmagram.Library]
}

// BlockSummary is one block. Labels are the records as they stand, by normalised label; Line is that of ##TITLE=.
type BlockSummary struct {
	Title   string            `json:"title"`
	Type    string            `json:"data_type,omitempty"`
	Line    int               `json:"line"`
	Labels  map[string]string `json:"labels"`
	Spectra []SpectrumSummary `json:"spectra"`
	Blocks  []BlockSummary    `json:"blocks,omitempty"`
	// Of ion mobility spectra:
	Peaks      []PeakSummary      `json:"peaks,omitempty"`
	Substances []SubstanceSummary `json:"substances,omitempty"`
	Reasons    []string           `json:"reasons,omitempty"`
	K0Source   string             `json:"k0_source,omitempty"`
	// Problem is why an ion mobility block was not analysed.
	Problem string `json:"problem,omitempty"`

	reasons []message.Message // Reasons
	problem error             // Problem
}

// SpectrumSummary is one table. Numbers are nil where the table has no values, or none that JSON can hold.
type SpectrumSummary struct {
	Kind   string   `json:"kind"`
	Page   string   `json:"page,omitempty"`
	Points int      `json:"points"`
	FirstX *float64 `json:"first_x"`
	LastX  *float64 `json:"last_x"`
	MinY   *float64 `json:"min_y"`
	MaxY   *float64 `json:"max_y"`
	SumY   *float64 `json:"sum_y"`
	// Partial says that a fault cut the table: its points before the fault are counted.
	Partial bool `json:"partial,omitempty"`
}

// PeakSummary is one peak of an ion mobility spectrum; K0 in cm2/(V s), 0 when it cannot be told.
type PeakSummary struct {
	DriftMs   float64 `json:"drift_ms"`
	K0        float64 `json:"k0"`
	Amplitude float64 `json:"amplitude"`
	FWHMMs    float64 `json:"fwhm_ms"`
	SNR       float64 `json:"snr"`
	Scans     int     `json:"scans"`
	Role      string  `json:"role,omitempty"`
	Substance string  `json:"substance,omitempty"`
}

// SubstanceSummary is a substance whose rule in the library holds.
type SubstanceSummary struct {
	Name     string `json:"name"`
	Category string `json:"category"`
}

// describe reads the whole of r. Faults within the file are part of the summary; an error means that it is no
// JCAMP-DX file or over jcampdx's bounds.
func describe(r io.Reader, _ string) (driver.Description, error) {
	f, err := jcampdx.Read(r)
	if err != nil {
		return nil, err
	}
	s := &Summary{Faults: []string{}, Warnings: []string{}, file: f}
	s.summarise(&plasmagram.Library{})
	for _, fault := range f.Faults {
		if fault.Warning {
			s.Warnings = append(s.Warnings, fault.Error())
			continue
		}
		s.Faults = append(s.Faults, fault.Error())
	}
	return s, nil
}

// summarise fills Blocks, with substances by the library, which may be empty.
func (s *Summary) summarise(lib *plasmagram.Library) {
	s.Blocks = nil
	for _, b := range s.file.Blocks {
		s.Blocks = append(s.Blocks, blockSummary(b, nil, lib))
	}
}

// Reference implements driver.Referring: with a library of substances, peaks get their names.
func (s *Summary) Reference() (driver.Reference, string) { return &s.lib, "substances" }

// Refer implements driver.Referring.
func (s *Summary) Refer() {
	s.summarise(s.lib.Value)
	s.Library = s.lib.Value.Title
}

// blockSummary describes a block and those within it. around are the blocks that it stands in, innermost first.
func blockSummary(b *jcampdx.Block, around []*jcampdx.Block, lib *plasmagram.Library) BlockSummary {
	around = append([]*jcampdx.Block{b}, around...)
	out := BlockSummary{Title: b.Get("TITLE"), Type: b.Get("DATA TYPE"), Line: b.Line, Labels: map[string]string{},
		Spectra: []SpectrumSummary{}}
	for _, r := range b.Records {
		out.Labels[r.Label] = r.Value
	}
	for _, t := range b.Tables {
		out.Spectra = append(out.Spectra, spectrumSummary(t))
	}
	for _, c := range b.Blocks {
		out.Blocks = append(out.Blocks, blockSummary(c, around, lib))
	}
	if a, err := peaksOf(b, around, lib); err != nil {
		out.Problem, out.problem = err.Error(), err
	} else if a != nil {
		out.K0Source = a.K0Source
		for _, p := range a.Peaks {
			out.Peaks = append(out.Peaks, PeakSummary{p.DriftMs, p.K0, p.Amplitude, p.FWHMMs, p.SNR, p.Scans, p.Role,
				p.Substance})
		}
		for _, f := range a.Found {
			out.Substances = append(out.Substances, SubstanceSummary{f.Substance, f.Category})
		}
		if len(lib.Substances) > 0 {
			out.reasons = reasonsOf(a)
			out.Reasons, _ = encodeReasons(out.reasons)
		}
	}
	return out
}

// peaksOf analyses a block that holds an ion mobility spectrum. An empty library gives peaks, and their mobilities
// by geometry. It is nil, without an error, for a block of another kind; an error says why there is no analysis.
func peaksOf(b *jcampdx.Block, around []*jcampdx.Block, lib *plasmagram.Library) (*plasmagram.Analysis, error) {
	one := &jcampdx.File{Blocks: []*jcampdx.Block{{Records: b.Records, Tables: b.Tables, Variables: b.Variables,
		Line: b.Line}}}
	var c Config
	samples, err := c.samplesOf(one)
	if len(samples) == 0 || samples[0].spectrum == nil {
		if len(b.Tables) > 0 && isMobility(b) {
			return nil, err
		}
		return nil, nil
	}
	return plasmagram.Analyse(samples[0].spectrum, lib, plasmagram.Options{})
}

// spectrumSummary describes a table; unknown ordinates ("?") do not count in its sums.
func spectrumSummary(t *jcampdx.Table) SpectrumSummary {
	s := SpectrumSummary{Kind: t.Kind.String(), Page: t.Page, Points: t.Points(), Partial: t.Partial}
	x, y := t.X(), t.Y()
	if len(y) == 0 {
		return s
	}
	low, high, sum, any := math.Inf(1), math.Inf(-1), 0.0, false
	for _, v := range y {
		if !math.IsNaN(v) {
			low, high, sum, any = min(low, v), max(high, v), sum+v, true
		}
	}
	s.FirstX, s.LastX = finite(x[0]), finite(x[len(x)-1])
	if any {
		s.MinY, s.MaxY, s.SumY = finite(low), finite(high), finite(sum)
	}
	return s
}

// finite returns a number as JSON can have it; nil for what it cannot.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Text implements driver.Description.
func (s *Summary) Text() []message.Message {
	out := []message.Message{message.New("decode.jcamp")}
	for _, b := range s.Blocks {
		out = append(out, b.lines()...)
	}
	for _, f := range s.file.Faults {
		where := message.New("decode.at", message.Int("line", f.Line), message.Int("column", f.Column),
			message.Nested("what", message.Of(f.Reason)))
		if f.Warning {
			out = append(out, message.New("decode.warning", message.Nested("what", where)))
			continue
		}
		out = append(out, message.New("decode.fault", message.Nested("what", where)))
	}
	return out
}

// lines describes a block for a terminal; of more than 6 tables the first 5 are shown.
func (b *BlockSummary) lines() []message.Message {
	out := []message.Message{message.New("decode.block", message.String("title", b.Title),
		message.String("type", b.Type), message.Count("n", len(b.Labels)))}
	add := func(m message.Message) { out = append(out, driver.Indented(m)) }
	for i, s := range b.Spectra {
		if i == 5 && len(b.Spectra) > 6 {
			add(message.New("decode.more", message.Count("n", len(b.Spectra)-i)))
			break
		}
		add(message.New("decode.table", message.String("kind", s.Kind), message.String("page", s.Page),
			message.Nested("points", message.New("decode.points", message.Count("n", s.Points))),
			sixDigits("firstX", s.FirstX), sixDigits("lastX", s.LastX), sixDigits("minY", s.MinY),
			sixDigits("maxY", s.MaxY), sixDigits("sum", s.SumY)))
	}
	for _, p := range b.Peaks {
		add(p.line())
	}
	for _, f := range b.Substances {
		add(message.New("decode.substance", message.String("name", f.Name),
			message.Nested("category", categoryName(f.Category))))
	}
	for _, r := range b.reasons {
		add(message.New("decode.because", message.Nested("reason", r)))
	}
	if b.problem != nil {
		add(message.New("decode.not-analysed", message.CausedBy(b.problem)))
	}
	for _, c := range b.Blocks {
		for _, line := range c.lines() {
			add(line)
		}
	}
	return out
}

// line describes a peak, in columns.
func (p *PeakSummary) line() message.Message {
	what := message.Verbatim(p.Substance)
	switch p.Role {
	case plasmagram.RoleReactant:
		what = message.New("decode.reactant")
	case plasmagram.RoleCalibrant:
		what = message.New("decode.calibrant")
	}
	return message.Join("\t", message.New("decode.peak", message.Aligned("drift", p.DriftMs, 3, "ms")),
		message.New("decode.peak-k0", message.Aligned("k0", p.K0, 4, "")),
		message.New("decode.peak-amplitude", message.Number("amplitude", p.Amplitude, 0)),
		message.New("decode.peak-width", message.Aligned("width", p.FWHMMs, 3, "ms")),
		message.New("decode.peak-snr", message.Aligned("snr", p.SNR, 1, "")),
		message.New("decode.scans", message.Count("n", p.Scans)), what)
}

// categoryName returns what a library's category is called.
func categoryName(category string) message.Message {
	switch category {
	case "narcotic":
		return message.New("decode.narcotic")
	case "explosive":
		return message.New("decode.explosive")
	case "precursor":
		return message.New("decode.precursor")
	case "medicine":
		return message.New("decode.medicine")
	case "simulant":
		return message.New("decode.simulant")
	}
	return message.Verbatim(category)
}

// sixDigits returns an argument with 6 significant digits of a number, "?" for nil.
func sixDigits(name string, v *float64) message.Arg {
	switch {
	case v == nil:
		return message.String(name, "?")
	case *v == 0:
		return message.Number(name, 0, 0)
	case math.Abs(*v) > 1e15 || math.Abs(*v) < 1e-6:
		return message.String(name, fmt.Sprintf("%.6g", *v))
	}
	return message.Number(name, *v, max(0, 5-int(math.Floor(math.Log10(math.Abs(*v))))))
}
