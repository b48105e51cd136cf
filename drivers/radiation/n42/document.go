package n42

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Bounds on a document: what is over them is refused before it costs memory.
const (
	maxDepth        = 64
	maxTextBytes    = 8 << 20 // in one element
	maxChannels     = 1 << 17 // in one spectrum, expanded
	maxDetectors    = 1024
	maxMeasurements = 1 << 20
)

// Formats of documents.
const (
	Format2011 = "n42-2011" // root RadInstrumentData
	Format2006 = "n42-2006" // root N42InstrumentData
	FormatICD1 = "icd1"     // an Event that wraps an N42-2006 document
)

// Document is what a reader of an N42 document finds.
type Document struct {
	Format                                 string
	Manufacturer, Model, Serial, Class     string
	Samples                                int // time slices
	Occupied                               bool
	SpeedKph                               float64
	Start                                  time.Time // earliest; zero when the document gives none
	Detectors                              []*Detector
	Alarms                                 []Alarm
	Nuclides                               []Nuclide
	Measurements, Spectra, Channels        int
	GammaCounts, NeutronCounts, Live, Real float64
}

// Detector sums up one detector over all slices.
type Detector struct {
	Name           string
	Spectra        int
	Gamma, Neutron float64 // counts
	Live, Real     float64 // s
	Calibration    []float64
}

// Alarm is an alarm that the instrument put in the document.
type Alarm struct{ Category, Description string }

// Nuclide is an identification that the instrument put in the document.
type Nuclide struct {
	Name, Category string
	Confidence     float64
}

// Measurement is one detector's measurement in one time slice.
type Measurement struct {
	Detector       string
	Start          time.Time
	Live, Real     float64 // s; 0 when not given
	Gamma, Neutron float64 // counts
	// Channels are the counts of the gamma spectrum, nil when there is none. Valid during the call of the visitor.
	Channels    []float32
	Calibration []float64 // energy = sum of c[i] * channel^i, keV
}

// Decode reads a document and calls visit, which may be nil, with each measurement. Source: ANSI N42.42-2006 and -2011.
// Element and attribute names compare without case and without namespace, for real files mix both.
func Decode(r io.Reader, visit func(*Measurement) error) (*Document, error) {
	// A byte order mark says how the bytes are to be read, whatever the XML declaration claims.
	in := transform.NewReader(r, unicode.BOMOverride(transform.Nop))
	x := xml.NewDecoder(in)
	x.Strict = false
	x.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return input, nil // decoded already, by its byte order mark
		}
		return charset.NewReaderLabel(label, input)
	}
	d := &decoder{doc: &Document{}, visit: visit, detectors: map[string]*Detector{}, neutronIDs: map[string]bool{}, calibrations: map[string][]float64{}}
	if err := d.run(x); err != nil {
		line, column := x.InputPos()
		return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	if d.doc.Format == "" {
		return nil, errors.New("not an N42 document: no element RadInstrumentData or N42InstrumentData")
	}
	return d.doc, nil
}

// decoder walks the elements.
type decoder struct {
	doc   *Document
	visit func(*Measurement) error

	stack []element
	text  bytes.Buffer

	detectors    map[string]*Detector
	neutronIDs   map[string]bool      // 2011: detectors whose category is Neutron
	calibrations map[string][]float64 // 2011: by id
	slice        slice
	spec         spectrum
	gross        spectrum
	alarm        Alarm
	inactive     bool // the alarm at hand is marked as not active
	nuclide      Nuclide
	channels     []float32
}

type element struct {
	name  string
	attrs map[string]string
}

// slice is the time slice at hand: RadMeasurement (2011), DetectorData or Measurement (2006).
type slice struct {
	start   time.Time
	real    float64
	spectra []spectrum
	counts  []spectrum // neutron and gross counts without a spectrum
}

// spectrum is a Spectrum or a count element at hand.
type spectrum struct {
	detector, calibrationRef string
	start                    time.Time
	live, real               float64
	gamma, neutron           float64
	calibration              []float64
	isNeutron                bool
	channels                 []float32
}

func (d *decoder) run(x *xml.Decoder) error {
	for {
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			if len(d.stack) > 0 {
				return fmt.Errorf("document ends inside <%s>", d.stack[len(d.stack)-1].name)
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := d.open(t); err != nil {
				return err
			}
		case xml.CharData:
			if d.text.Len()+len(t) > maxTextBytes {
				return fmt.Errorf("text in <%s> is longer than %d bytes", d.top(), maxTextBytes)
			}
			d.text.Write(t)
		case xml.EndElement:
			if err := d.close(); err != nil {
				return err
			}
		}
	}
}

func (d *decoder) top() string {
	if len(d.stack) == 0 {
		return "document"
	}
	return d.stack[len(d.stack)-1].name
}

// within reports whether the element at hand stands somewhere inside an element of this name.
func (d *decoder) within(name string) bool {
	for i := len(d.stack) - 2; i >= 0; i-- {
		if d.stack[i].name == name {
			return true
		}
	}
	return false
}

func (d *decoder) open(t xml.StartElement) error {
	if len(d.stack) >= maxDepth {
		return fmt.Errorf("elements nest deeper than %d", maxDepth)
	}
	e := element{name: strings.ToLower(t.Name.Local)}
	if len(t.Attr) > 0 {
		e.attrs = make(map[string]string, len(t.Attr))
		for _, a := range t.Attr {
			e.attrs[strings.ToLower(a.Name.Local)] = a.Value
		}
	}
	d.stack = append(d.stack, e)
	d.text.Reset()
	switch e.name {
	case "event":
		d.doc.Format = FormatICD1
	case "radinstrumentdata":
		d.doc.Format = Format2011
	case "n42instrumentdata":
		if d.doc.Format != FormatICD1 {
			d.doc.Format = Format2006
		}
	case "radmeasurement", "detectordata":
		d.slice = slice{start: d.slice.start}
	case "measurement":
		d.slice = slice{}
	case "spectrum":
		d.spec = spectrum{detector: first(e.attrs, "raddetectorinformationreference", "detector"), calibrationRef: e.attrs["energycalibrationreference"]}
	case "grosscounts", "countdosedata", "grosscountsummary":
		d.gross = spectrum{detector: first(e.attrs, "raddetectorinformationreference", "detector")}
		d.gross.isNeutron = strings.EqualFold(e.attrs["detectortype"], "neutron") || d.neutronIDs[d.gross.detector]
	case "radalarm", "alarminformation":
		d.alarm, d.inactive = Alarm{}, false
	case "nuclide":
		d.nuclide = Nuclide{}
	}
	return nil
}

func first(m map[string]string, keys ...string) string {
	for _, k := range keys {
		if v := m[k]; v != "" {
			return v
		}
	}
	return ""
}

// close handles the end of the element at hand: its text, and what it completes.
func (d *decoder) close() error {
	e := d.stack[len(d.stack)-1]
	text := bytes.TrimSpace(d.text.Bytes())
	err := d.end(e, text)
	d.stack = d.stack[:len(d.stack)-1]
	d.text.Reset()
	if err != nil {
		return fmt.Errorf("<%s>: %w", e.name, err)
	}
	return nil
}

func (d *decoder) end(e element, text []byte) error {
	switch e.name {
	case "channeldata":
		var err error
		zeroes := strings.EqualFold(first(e.attrs, "compressioncode", "compression"), "CountedZeroes")
		if d.within("spectrum") {
			d.spec.channels, err = decodeChannels(d.channels[:0], text, zeroes)
			d.channels = d.spec.channels
		}
		return err
	case "spectrum":
		return d.endSpectrum()
	case "grosscounts", "countdosedata", "grosscountsummary":
		if len(d.slice.counts) > maxDetectors {
			return fmt.Errorf("more than %d counts in one slice", maxDetectors)
		}
		d.slice.counts = append(d.slice.counts, d.gross)
	case "radmeasurement", "detectordata", "measurement":
		return d.endSlice()
	case "radalarm", "alarminformation":
		if !d.inactive && len(d.doc.Alarms) < maxDetectors {
			d.doc.Alarms = append(d.doc.Alarms, d.alarm)
		}
	case "nuclide":
		if d.nuclide.Name != "" && len(d.doc.Nuclides) < maxDetectors {
			d.doc.Nuclides = append(d.doc.Nuclides, d.nuclide)
		}
	default:
		d.value(e, string(text))
	}
	return nil
}

// endSpectrum sums a spectrum and keeps it until its slice is whole.
func (d *decoder) endSpectrum() error {
	s := d.spec
	for _, c := range s.channels {
		s.gamma += float64(c)
	}
	if len(d.slice.spectra) >= maxDetectors {
		return fmt.Errorf("more than %d spectra in one slice", maxDetectors)
	}
	if d.visit != nil {
		s.channels = append([]float32(nil), s.channels...)
	}
	d.doc.Channels = max(d.doc.Channels, len(s.channels))
	if len(s.channels) > 0 {
		d.slice.spectra = append(d.slice.spectra, s)
	}
	return nil
}

// endSlice turns the spectra and counts of a slice into measurements. Neutron counts join the spectrum of their detector;
// where the slice has one spectrum they join that, as the instrument's one detector assembly measured both.
func (d *decoder) endSlice() error {
	sl := d.slice
	d.slice = slice{start: sl.start}
	var alone []spectrum
	for _, c := range sl.counts {
		host := -1
		for i, s := range sl.spectra {
			if s.detector == c.detector || len(sl.spectra) == 1 {
				host = i
			}
		}
		switch {
		case host >= 0:
			sl.spectra[host].neutron += c.neutron // gamma counts beside a spectrum are its own sum
		case c.gamma > 0 || c.neutron > 0:
			alone = append(alone, c)
		}
	}
	if len(sl.spectra)+len(alone) == 0 {
		return nil
	}
	d.doc.Samples++
	for _, s := range append(sl.spectra, alone...) {
		if err := d.measured(sl, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) measured(sl slice, s spectrum) error {
	m := &Measurement{
		Detector: s.detector, Start: sl.start, Live: s.live, Real: s.real, Gamma: s.gamma, Neutron: s.neutron,
		Channels: s.channels, Calibration: s.calibration,
	}
	if m.Real == 0 {
		m.Real = sl.real
	}
	if !s.start.IsZero() {
		m.Start = s.start
	}
	if m.Calibration == nil {
		m.Calibration = d.calibrations[s.calibrationRef]
	}
	doc := d.doc
	if doc.Measurements++; doc.Measurements > maxMeasurements {
		return fmt.Errorf("more than %d measurements", maxMeasurements)
	}
	det := d.detectors[m.Detector]
	if det == nil {
		if len(d.detectors) >= maxDetectors {
			return fmt.Errorf("more than %d detectors", maxDetectors)
		}
		det = &Detector{Name: m.Detector, Calibration: m.Calibration}
		d.detectors[m.Detector] = det
		doc.Detectors = append(doc.Detectors, det)
	}
	if len(m.Channels) > 0 {
		det.Spectra++
		doc.Spectra++
	}
	det.Gamma, det.Neutron, det.Live, det.Real = det.Gamma+m.Gamma, det.Neutron+m.Neutron, det.Live+m.Live, det.Real+m.Real
	doc.GammaCounts, doc.NeutronCounts = doc.GammaCounts+m.Gamma, doc.NeutronCounts+m.Neutron
	doc.Live, doc.Real = doc.Live+m.Live, doc.Real+m.Real
	if !m.Start.IsZero() && (doc.Start.IsZero() || m.Start.Before(doc.Start)) {
		doc.Start = m.Start
	}
	if d.visit != nil {
		return d.visit(m)
	}
	return nil
}
