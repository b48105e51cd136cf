package ionscan

import (
	"fmt"
	"io"
	"math"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/driver"
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
		out.Problem = err.Error()
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
			out.Reasons, _ = encodeReasons(reasonsOf(a))
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
func (s *Summary) Text() []string {
	out := []string{"JCAMP-DX file"}
	for _, b := range s.Blocks {
		out = append(out, b.lines("")...)
	}
	for _, f := range s.Faults {
		out = append(out, "FAULT "+f)
	}
	for _, w := range s.Warnings {
		out = append(out, "WARNING "+w)
	}
	return out
}

// lines describes a block for a terminal; of more than 6 tables the first 5 are shown.
func (b *BlockSummary) lines(indent string) []string {
	out := []string{fmt.Sprintf("%s%s (%s), %d %s",
		indent, b.Title, b.Type, len(b.Labels), english.PluralWord(len(b.Labels), "label", ""))}
	for i, s := range b.Spectra {
		if i == 5 && len(b.Spectra) > 6 {
			out = append(out, fmt.Sprintf("%s  and %d more", indent, len(b.Spectra)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s  %s %s: %d %s, x %s to %s, y %s to %s, sum %s", indent, s.Kind, s.Page,
			s.Points, english.PluralWord(s.Points, "point", ""), formatNumber(s.FirstX), formatNumber(s.LastX), formatNumber(s.MinY),
			formatNumber(s.MaxY), formatNumber(s.SumY)))
	}
	for _, p := range b.Peaks {
		out = append(out,
			fmt.Sprintf("%s  peak %8.3f ms  K0 %.4f  amplitude %8.0f  FWHM %.3f ms  SNR %6.1f  %d %s  %s%s", indent,
				p.DriftMs, p.K0, p.Amplitude, p.FWHMMs, p.SNR, p.Scans, english.PluralWord(p.Scans, "scan", ""), p.Role,
				p.Substance))
	}
	for _, f := range b.Substances {
		out = append(out, fmt.Sprintf("%s  SUBSTANCE %s (%s)", indent, f.Name, f.Category))
	}
	for _, r := range b.Reasons {
		out = append(out, indent+"  because "+r)
	}
	if b.Problem != "" {
		out = append(out, indent+"  not analysed: "+b.Problem)
	}
	for _, c := range b.Blocks {
		out = append(out, c.lines(indent+"  ")...)
	}
	return out
}

// formatNumber returns a number with 6 digits, "?" for nil.
func formatNumber(v *float64) string {
	if v == nil {
		return "?"
	}
	return fmt.Sprintf("%.6g", *v)
}
