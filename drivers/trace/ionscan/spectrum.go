package ionscan

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/plasmagram"
)

// Labels in which quantities are looked for, in this order. Those with a dot are of the recommendations for ion
// mobility (assumed where the text could not be had: Config.Labels overrides them), those with $ are what our
// simulator and converters write.
var usualLabels = map[string][]string{
	"sample":      {"SAMPLE ID", "$SAMPLE ID", "SAMPLE DESCRIPTION"},
	"operator":    {"$OPERATOR", "OWNER"},
	"mode":        {"$MODE", ".IMS MODE"},
	"kind":        {"$SAMPLE TYPE", "$SAMPLE KIND"},
	"verdict":     {"$VERDICT", "$RESULT"},
	"substances":  {"$SUBSTANCES", "NAMES"},
	"polarity":    {".ION POLARITY", ".POLARITY", "$POLARITY", ".IONIZATION MODE"},
	"length":      {".DRIFT LENGTH", ".DRIFT TUBE LENGTH", "$DRIFT LENGTH"},
	"field":       {".ELECTRIC FIELD", ".DRIFT FIELD", "$DRIFT FIELD"},
	"temperature": {".DRIFT TEMPERATURE", ".DRIFT GAS TEMPERATURE", "$DRIFT TEMPERATURE", "TEMPERATURE"},
	"pressure":    {".PRESSURE", ".DRIFT GAS PRESSURE", "$PRESSURE", "PRESSURE"},
	"flow":        {".DRIFT GAS FLOW", "$DRIFT GAS FLOW"},
	"dryer":       {"$DRYER"},
	"desorber":    {".DESORBER TEMPERATURE", "$DESORBER TEMPERATURE"},
	"samples":     {"$SAMPLE COUNT"},
}

// labelled reads quantities from a block's records, or those of the blocks around it: the outer block of a compound
// file holds what its blocks have in common.
type labelled struct {
	own    []Label
	blocks []*jcampdx.Block // innermost first
}

// text returns the first record, not empty, under any label of a quantity: labels of the settings first, and of each
// label the innermost block; "" for none.
func (l labelled) text(quantity string) string {
	names := usualLabels[quantity]
	for _, o := range l.own {
		if o.Quantity == quantity {
			names = append([]string{o.Label}, names...)
		}
	}
	for _, name := range names {
		for _, b := range l.blocks {
			if v := strings.TrimSpace(b.Get(name)); v != "" {
				return v
			}
		}
	}
	return ""
}

// quantity returns a number converted by the unit that stands behind it, "105 C"; units[""] converts one without
// unit. It is 0, not known, when there is no record, no finite number, or a unit that units does not have: a wrong
// unit would move every peak.
func (l labelled) quantity(name string, units map[string]func(float64) float64) float64 {
	text := strings.TrimSpace(l.text(name))
	end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) })
	unit := ""
	if end >= 0 {
		text, unit = text[:end], strings.ToLower(strings.TrimSpace(text[end:]))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	if convert := units[unit]; convert != nil {
		return convert(v)
	}
	return 0
}

func times(f float64) func(float64) float64 { return func(v float64) float64 { return v * f } }

func celsius(v float64) float64 { return v + 273.15 }

// Conversions into the units of plasmagram.Cell and observation.TraceHealth: cm, V/cm, K, Torr, ml/min, ms, percent.
// "" is for a number without unit. 1 hPa is 0.750062 Torr.
var (
	lengthUnits = map[string]func(float64) float64{"": times(1), "cm": times(1), "mm": times(0.1), "m": times(100)}
	fieldUnits  = map[string]func(float64) float64{"": times(1), "v/cm": times(1), "v/m": times(0.01),
		"kv/m": times(10), "v cm-1": times(1)}
	temperatureUnits = map[string]func(float64) float64{"": kelvinOrCelsius, "k": times(1), "c": celsius,
		"degc": celsius, "°c": celsius, "deg c": celsius}
	pressureUnits = map[string]func(float64) float64{
		"": torrOrHectopascal, "torr": times(1), "mmhg": times(1), "hpa": times(0.750062), "mbar": times(0.750062),
		"kpa": times(7.50062), "pa": times(0.00750062), "bar": times(750.062), "atm": times(760),
	}
	flowUnits = map[string]func(float64) float64{"": times(1), "ml/min": times(1), "sccm": times(1),
		"l/min": times(1000)}
	msUnits = map[string]func(float64) float64{"": times(1), "ms": times(1), "millisecond": times(1),
		"milliseconds": times(1), "s": times(1000), "second": times(1000), "seconds": times(1000), "us": times(0.001),
		"µs": times(0.001), "microseconds": times(0.001), "microsecond": times(0.001)}
	percentUnits = map[string]func(float64) float64{"": times(1), "%": times(1), "percent": times(1)}
)

// kelvinOrCelsius returns K for a temperature without unit: drift tubes are between 0 °C and 250 °C, or 273 K and
// 523 K.
func kelvinOrCelsius(v float64) float64 {
	if v < 250 {
		return celsius(v)
	}
	return v
}

// torrOrHectopascal returns Torr for a pressure without unit: 800 and more is no air pressure in Torr at any post.
func torrOrHectopascal(v float64) float64 {
	if v > 810 {
		return v * 0.750062
	}
	return v
}

// polarity reads "positive", "+", "POS", "ESI+", ...; "" when it says neither.
func polarity(text string) plasmagram.Polarity {
	t := strings.ToLower(strings.TrimSpace(text))
	switch {
	case strings.HasPrefix(t, "pos") || strings.HasSuffix(t, "+"):
		return plasmagram.Positive
	case strings.HasPrefix(t, "neg") || strings.HasSuffix(t, "-"):
		return plasmagram.Negative
	}
	return ""
}

// sample is one polarity of one sample, as a file or a message gives it. What is not known is "", 0 or nil.
type sample struct {
	kind string // analysis, verification, blank
	// verdict is the instrument's: alarm, clear, passed, failed.
	id, operator, mode, verdict string
	substances                  []string // that the instrument names
	polarity                    plasmagram.Polarity
	spectrum                    *plasmagram.Spectrum
	peaks                       []plasmagram.Peak // when there is no spectrum
	cell                        plasmagram.Cell
	at                          time.Time // by the instrument's clock; zero for none
	partial                     bool      // a fault in the file cut the data
	health                      health
	profileAlarm                bool // a rule of the profile calls the message an alarm
}

// samplesOf returns the samples of a file: one for each block of ion mobility data, inner blocks first. err joins
// what is wrong with blocks that gave none; a file without any is an error.
func (c *Config) samplesOf(f *jcampdx.File) (out []sample, err error) {
	var walk func(b *jcampdx.Block, around []*jcampdx.Block)
	walk = func(b *jcampdx.Block, around []*jcampdx.Block) {
		around = append([]*jcampdx.Block{b}, around...)
		for _, child := range b.Blocks {
			walk(child, around)
		}
		if len(b.Tables) == 0 || !isMobility(b) {
			return
		}
		s, e := c.sampleOf(b, labelled{c.Labels, around})
		if e != nil {
			err = errors.Join(err, message.Wrap(e, "ionscan.block", message.Int("line", b.Line)))
			return
		}
		out = append(out, s)
	}
	for _, b := range f.Blocks {
		walk(b, nil)
	}
	if len(out) == 0 && err == nil {
		err = message.Errorf("ionscan.no-block")
	}
	return out, err
}

// isMobility reports whether a block's DATA TYPE is ION MOBILITY SPECTRUM, IMS PEAK TABLE or IMS PEAK ASSIGNMENTS.
func isMobility(b *jcampdx.Block) bool {
	kind := jcampdx.Key(b.Get("DATA TYPE"))
	return strings.Contains(kind, "IONMOBILITY") || strings.HasPrefix(kind, "IMS")
}

// sampleOf reads a block. Length and field of the drift tube come from the settings where the file does not say
// them.
func (c *Config) sampleOf(b *jcampdx.Block, l labelled) (sample, error) {
	s := sample{
		kind: sampleKind(l.text("kind")), id: l.text("sample"), operator: l.text("operator"), mode: l.text("mode"),
		verdict:  verdictOf(l.text("verdict")),
		polarity: polarity(l.text("polarity")), at: blockTime(l),
	}
	for name := range strings.FieldsFuncSeq(l.text("substances"), func(r rune) bool {
		return r == ',' || r == ';' ||
			r == '\n'
	}) {
		if len(s.substances) == maxSubstances {
			break
		}
		s.substances = append(s.substances, strings.TrimSpace(name))
	}
	s.cell = plasmagram.Cell{
		LengthCm: l.quantity("length", lengthUnits), FieldVPerCm: l.quantity("field", fieldUnits),
		TemperatureK: l.quantity("temperature", temperatureUnits), PressureTorr: l.quantity("pressure", pressureUnits),
	}
	if s.cell.LengthCm == 0 {
		s.cell.LengthCm = c.LengthCm
	}
	if s.cell.FieldVPerCm == 0 {
		s.cell.FieldVPerCm = c.FieldVPerCm
	}
	s.health = health{
		temperatureK: s.cell.TemperatureK, pressureTorr: s.cell.PressureTorr, flow: l.quantity("flow", flowUnits),
		dryer:     l.quantity("dryer", percentUnits),
		desorberK: l.quantity("desorber", temperatureUnits), samples: uint32(l.quantity("samples",
			map[string]func(float64) float64{"": times(1)})),
	}
	return s, s.readTables(b)
}

// Bounds on what is analysed: drift tubes give some thousand points a scan and some hundred scans. The analysis
// holds several copies.
const (
	maxScanPoints     = 1 << 17
	maxSpectrumPoints = 1 << 20 // of all scans together
	maxPeaks          = 10_000
	maxSubstances     = 100 // that an instrument names for one sample
)

// readTables reads a block's tables: scans of a spectrum, all of the same length, or peaks. A spectrum wins over
// peaks in the same block. A unit that is no time, a length that differs, more points than the bounds, and a
// spectrum without polarity are errors.
func (s *sample) readTables(b *jcampdx.Block) error {
	var spectrum plasmagram.Spectrum
	points := 0
	for _, t := range b.Tables {
		s.partial = s.partial || t.Partial
		if t.Points() == 0 {
			continue
		}
		scale := msUnits[strings.ToLower(strings.TrimSpace(t.Columns[0].Units))]
		if t.Kind != jcampdx.XYData {
			if len(s.peaks)+t.Points() > maxPeaks {
				return message.Errorf("ionscan.peaks", message.Int("line", t.Line),
					message.Count("n", t.Points()), message.Int("most", maxPeaks))
			}
			s.addPeaks(t, scale)
			continue
		}
		if scale == nil {
			return message.Errorf("ionscan.drift-unit", message.Int("line", t.Line),
				message.Quoted("unit", t.Columns[0].Units))
		}
		if t.Points() < 2 {
			continue
		}
		if points += t.Points(); t.Points() > maxScanPoints || points > maxSpectrumPoints {
			return message.Errorf("ionscan.scan-length", message.Int("line", t.Line),
				message.Count("n", t.Points()), message.Int("most", maxSpectrumPoints))
		}
		x := t.X()
		start, step := scale(x[0]), (scale(x[len(x)-1])-scale(x[0]))/float64(len(x)-1)
		switch {
		case len(spectrum.Scans) == 0:
			spectrum.StartMs, spectrum.StepMs = start, step
		case len(t.Y()) != len(spectrum.Scans[0]):
			if t.Partial {
				continue // the scan that was cut takes no part
			}
			return message.Errorf("ionscan.other-length", message.Int("line", t.Line),
				message.Count("n", t.Points()), message.Int("before", len(spectrum.Scans[0])))
		}
		spectrum.Scans = append(spectrum.Scans, t.Y())
	}
	if len(spectrum.Scans) > 0 {
		spectrum.Polarity, spectrum.Cell = s.polarity, s.cell
		s.spectrum, s.peaks = &spectrum, nil
		if s.polarity == "" {
			return message.Errorf("ionscan.no-polarity")
		}
	}
	return nil
}

// addPeaks adds a peak table: abscissas are drift times, or reduced mobilities when their unit is none of time
// (scale is nil). The instrument took them for peaks, so their contrast is infinite. Text of a peak is its
// substance.
func (s *sample) addPeaks(t *jcampdx.Table, scale func(float64) float64) {
	for i, x := range t.X() {
		p := plasmagram.Peak{Amplitude: t.Y()[i], Contrast: math.Inf(1)}
		if scale != nil {
			p.DriftMs, p.K0 = scale(x), s.cell.K0(scale(x))
		} else {
			p.K0 = x
		}
		if i < len(t.Text) {
			p.Substance = t.Text[i]
		}
		if !math.IsNaN(x) && !math.IsNaN(p.Amplitude) {
			s.peaks = append(s.peaks, p)
		}
	}
}

// sampleKind reads "BLANK", "verification swab", ...; everything else is an analysis, which can alarm.
func sampleKind(text string) string {
	switch t := strings.ToLower(text); {
	case strings.HasPrefix(t, "blank"):
		return "blank"
	case strings.HasPrefix(t, "verif"):
		return "verification"
	}
	return "analysis"
}

// verdictOf reads an instrument's verdict: alarm, clear, passed, failed, or "" for none or a word that is not known.
func verdictOf(text string) string {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "alarm", "positive", "detected", "threat":
		return "alarm"
	case "clear", "pass", "negative", "no alarm", "none", "ok":
		return "clear"
	case "passed":
		return "passed"
	case "failed", "fail":
		return "failed"
	}
	return ""
}

// blockTime reads LONG DATE (5.01), or DATE and TIME, of the innermost block that has one; zero for none. Years of
// two digits are of this century (69 and up of the last). A time without zone is taken as UTC.
func blockTime(l labelled) time.Time {
	for _, b := range l.blocks {
		for _, layout := range []string{"2006/01/02 15:04:05.999999999 -0700", "2006/01/02 15:04:05.999999999",
			time.RFC3339} {
			if t, err := time.Parse(layout, b.Get("LONG DATE")); err == nil {
				return t.UTC()
			}
		}
		for _, layout := range []string{"06/01/02 15:04:05", "2006/01/02 15:04:05", "2006-01-02 15:04:05"} {
			if t, err := time.Parse(layout, b.Get("DATE")+" "+b.Get("TIME")); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
