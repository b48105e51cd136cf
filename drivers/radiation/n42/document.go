// Package n42 reads ANSI N42.42 documents of 2006 and 2011, and those of 2006 that an ICD1 event wraps: what radiation
// instruments measured, by detector and time slice, and what they said of alarms, nuclides and themselves. Documents
// are hostile until they are read: a Document sums up, and memory stays bounded whatever stands in one. Each
// measurement goes to a visitor as it is read.
package n42

import (
	"bytes"
	"encoding/xml"
	"io"
	"time"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/observation/units"
)

// Bounds on a document: what is over them is refused, or left out with a warning, before it costs memory.
const (
	maxDepth        = 64
	maxChannels     = 1 << 17 // in one spectrum, expanded
	maxDetectors    = 1024
	maxMeasurements = 1 << 20
	maxDerived      = 1 << 14 // measurements of DerivedData that wait for the document's end
	maxKept         = 4 << 20 // channels that wait in them and in a slice, 16 MiB
	maxWarnings     = 20      // whose text is kept
	maxDoseRates    = 1000    // of one detector that are kept
)

// Formats of documents.
const (
	Format2011 = "n42-2011" // root RadInstrumentData
	Format2006 = "n42-2006" // root N42InstrumentData
	FormatICD1 = "icd1"     // an Event that wraps an N42-2006 document
)

// Document sums up an N42 document. Texts are as the instrument wrote them, without blanks around them.
type Document struct {
	Format                             string
	Manufacturer, Model, Serial, Class string
	Samples                            int // time slices
	// Occupied says that any slice was, Speed the last that was given.
	Occupied                        bool
	Speed                           units.KilometresPerHour
	Start                           time.Time // earliest; zero when the document gives none
	Detectors                       []*Detector
	Classes                         []*ClassSum
	Alarms                          []Alarm
	Nuclides                        []Nuclide
	Measurements, Spectra, Channels int
	GammaCounts, NeutronCounts      units.Counts  // sums over all measurements
	Live, Real                      units.Seconds // sums over all measurements
	DoseRateMax                     units.MicrosievertsPerHour
	ExposureRateMax                 units.MilliroentgensPerHour
	TotalDose                       units.Microsieverts // the largest
	Derived                         int                 // measurements that stand in DerivedData only
	// Warnings lists the parts of the document that could not be read, in its order, with the line; at most
	// maxWarnings of WarningCount.
	Warnings     []error
	WarningCount int
	// Faults lists the faults that the instrument reports of itself, each once; at most maxFaults.
	Faults []Fault
}

// Detector sums up one detector over all slices. Calibration holds the coefficients of its first spectrum: energy in
// keV is the sum of c[i] x channel^i.
type Detector struct {
	Name           string
	Spectra        int
	Gamma, Neutron units.Counts
	Live, Real     units.Seconds
	Calibration    []float64
	// Neutrons reports that it counts neutrons: 0 counts of one that does not say nothing.
	Neutrons    bool
	DoseRates   []units.MicrosievertsPerHour // in the document's order; at most maxDoseRates
	DoseRateMax units.MicrosievertsPerHour
}

// ClassSum sums up the measurements of one class.
type ClassSum struct {
	Class          string // Foreground, Background, Calibration, IntrinsicActivity or NotSpecified
	Measurements   int
	Gamma, Neutron units.Counts
	Live, Real     units.Seconds
}

// Alarm is an alarm that the instrument put in the document: "Gamma", "Neutron", ... and its own words. One that it
// marks as not active is left out.
type Alarm struct{ Category, Description string }

// Nuclide is an identification that the instrument put in the document. Confidence is on the instrument's own scale,
// 0 to 100 mostly; 0 when it gives none.
type Nuclide struct {
	Name, Category string
	Confidence     float64
}

// Measurement is one detector's measurement in one time slice.
type Measurement struct {
	Detector       string
	Class          string // as ClassSum.Class
	Start          time.Time
	Live, Real     units.Seconds // 0 when not given
	Gamma, Neutron units.Counts
	HasNeutrons    bool // Neutron was measured
	DoseRates      []units.MicrosievertsPerHour
	Derived        bool // from DerivedData
	// Channels are the counts of the gamma spectrum, nil when there is none. Valid during the call of the visitor.
	Channels    []float32
	Calibration []float64 // energy = sum of c[i] * channel^i, keV
}

// Options describe how a document is read. The zero value is good. An error of Visit ends the reading and is
// returned.
type Options struct {
	// Zone is that of times without one; nil for UTC.
	Zone *time.Location
	// Visit is called with each measurement, unless it is nil; those of DerivedData come last.
	Visit func(*Measurement) error
}

// Decode reads a document in UTC; see DecodeWith.
func Decode(r io.Reader, visit func(*Measurement) error) (*Document, error) {
	return DecodeWith(r, Options{Visit: visit})
}

// DecodeWith reads a document. Source: ANSI N42.42-2006 and -2011. Element and attribute names compare without case
// and without namespace, for real files mix both. An error means that it is no N42 document, is cut off or is beyond
// the bounds. A document without measurements is not an error here: it may hold alarms.
func DecodeWith(r io.Reader, o Options) (*Document, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	in := newInput(r)
	x := xml.NewDecoder(in)
	x.Strict = false
	x.CharsetReader = in.charset
	d := &decoder{
		doc: &Document{}, Options: o, in: in, x: x, detectors: map[string]*Detector{}, kinds: map[string]kind{},
		raw:          map[source]bool{},
		calibrations: map[string][]float64{},
	}
	if err := d.run(); err != nil {
		line, column := x.InputPos()
		return nil, coded.Errorf("n42.line-column", "line %d, column %d: %w", line, column, err)
	}
	if d.doc.Format == "" {
		return nil, coded.Errorf("n42.not-n42-document-no",
			"not an N42 document: no element RadInstrumentData or N42InstrumentData")
	}
	if in.replaced > 0 {
		d.warn("n42.replaced-that-xml-does",
			"replaced %v that XML does not allow", coded.CountOf(in.replaced, "character"))
	}
	return d.doc, nil
}

// Recognise reports whether a file that begins with head may be an N42 document: whether one of the root elements
// begins in it.
func Recognise(head []byte) bool {
	head = bytes.ToLower(bytes.ReplaceAll(head, []byte{0}, nil)) // UTF-16 too
	return bytes.Contains(head, []byte("radinstrumentdata")) || bytes.Contains(head, []byte("n42instrumentdata"))
}
