package n42

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/observation/units"
)

// decoder walks the elements.
type decoder struct {
	Options
	doc *Document
	in  *input
	x   *xml.Decoder

	stack []element
	text  bytes.Buffer
	cut   bool // text is longer than what is kept

	detectors    map[string]*Detector
	kinds        map[string]kind      // 2011: what detectors measure, by id
	info         detectorInfo         // the RadDetectorInformation at hand
	trait        string               // name of the characteristic at hand
	calibrations map[string][]float64 // 2011: by id
	raw          map[source]bool      // what was measured outside of DerivedData; true when with spectra
	derived      []pending            // measurements of DerivedData
	slices       int                  // DerivedData that they stand in
	waiting      int                  // channels in derived
	kept         int                  // channels in derived and in slice
	slice        slice
	spec         spectrum
	gross        spectrum
	dose         dose
	alarm        Alarm
	fault        Fault
	analysis     Fault // status of the AnalysisResults at hand
	inactive     bool  // the alarm at hand is marked as not active
	nuclide      Nuclide
	denied       bool // the nuclide at hand is marked as not identified
	channels     []float32
}

type element struct {
	name  string
	attrs attributes
}

// attributes are those that the decoder looks at, by lower-case name.
type attributes map[string]string

var wanted = map[string]bool{
	"id": true, "raddetectorinformationreference": true, "detector": true, "detectorname": true, "detectortype": true,
	"type":                       true,
	"energycalibrationreference": true, "calibrationids": true, "compressioncode": true, "compression": true,
	"units": true, "unit": true,
	"reference":      true,
	"faultcodevalue": true, "faultcode": true, "code": true, "faultseveritycode": true, "faultseverity": true,
	"severity": true, "faultdescription": true, "description": true,
}

// run reads all tokens. Several roots one behind the other are read as one document, as portals append to a file.
func (d *decoder) run() error {
	for {
		token, err := d.x.Token()
		if errors.Is(err, io.EOF) {
			if len(d.stack) > 0 {
				return coded.Errorf("n42.document-ends-inside",
					"document ends inside <%s>", clip(d.stack[len(d.stack)-1].name))
			}
			if err := d.endDerived(); err != nil {
				return err
			}
			d.checkReferences()
			return nil
		}
		if err != nil {
			return bounded(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = d.open(t)
		case xml.CharData:
			d.keepText(t)
		case xml.EndElement:
			err = d.close()
		}
		if err != nil {
			return err
		}
		d.in.mark()
	}
}

// bounded makes an error of the XML decoder, which cites the document, one of bounded length.
func bounded(err error) error {
	var own *coded.Text // of the reader below the XML decoder
	if errors.As(err, &own) {
		return own
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return &xml.SyntaxError{Msg: clip(syntax.Msg), Line: syntax.Line}
	}
	return err
}

// keepText keeps the text of the element at hand.
func (d *decoder) keepText(t xml.CharData) {
	if d.in.cut || d.text.Len()+len(t) > maxTextBytes {
		d.cut = true
		return
	}
	d.text.Write(t)
}

// warn notes what could not be read.
func (d *decoder) warn(code, format string, args ...any) {
	if d.doc.WarningCount++; len(d.doc.Warnings) < maxWarnings {
		line, _ := d.x.InputPos()
		for i, a := range args {
			if text, ok := a.(string); ok {
				args[i] = clip(text)
			}
		}
		d.doc.Warnings = append(d.doc.Warnings, coded.Errorf("n42.line", "line %d: %w", line,
			coded.Errorf(code, format, args...)))
	}
}

// unread notes a value that is there and cannot be read.
func (d *decoder) unread(text string, err error) {
	d.warn("n42.value", "<%s> %.40q %v", clip(d.top().name), text, err)
}

// top returns the element at hand.
func (d *decoder) top() element {
	if len(d.stack) == 0 {
		return element{name: "document"}
	}
	return d.stack[len(d.stack)-1]
}

// within reports whether the element at hand stands somewhere inside an element of this name.
func (d *decoder) within(name string) bool { return d.parent(name).name != "" }

// parent returns the innermost element of this name around the element at hand.
func (d *decoder) parent(name string) element {
	for i := len(d.stack) - 2; i >= 0; i-- {
		if d.stack[i].name == name {
			return d.stack[i]
		}
	}
	return element{}
}

// around returns an attribute of the element at hand, or of the innermost one around it that has it, up to the
// measurement.
func (d *decoder) around(keys ...string) string {
	for i := len(d.stack) - 1; i >= 0; i-- {
		if v := first(d.stack[i].attrs, keys...); v != "" {
			return v
		}
		if d.stack[i].name == "measurement" {
			break
		}
	}
	return ""
}

// first returns the first of some attributes that has a value.
func first(m attributes, keys ...string) string {
	for _, k := range keys {
		if v := m[k]; v != "" {
			return v
		}
	}
	return ""
}

// newElement keeps of an element its name in lower case and the attributes that are wanted.
func newElement(t xml.StartElement) element {
	e := element{name: strings.ToLower(t.Name.Local)}
	for _, a := range t.Attr {
		if name := strings.ToLower(a.Name.Local); wanted[name] {
			if e.attrs == nil {
				e.attrs = attributes{}
			}
			e.attrs[name] = clip(strings.TrimSpace(a.Value))
		}
	}
	return e
}

// open begins an element, and what it stands for.
func (d *decoder) open(t xml.StartElement) error {
	if len(d.stack) >= maxDepth {
		return coded.Errorf("n42.elements-nest-deeper-than", "elements nest deeper than %d", maxDepth)
	}
	e := newElement(t)
	d.stack = append(d.stack, e)
	d.text.Reset()
	d.cut = false
	switch e.name {
	case "event", "radinstrumentdata", "n42instrumentdata":
		d.root(e.name)
	case "raddetectorinformation":
		d.info = detectorInfo{id: first(e.attrs, "id", "reference")}
	case "radmeasurement", "deriveddata", "detectordata", "measurement":
		return d.openSlice(e)
	case "spectrum":
		d.spec = d.newSpectrum(e, false)
	case "grosscounts", "countdosedata", "grosscountsummary", "grosscountmeasurement":
		if d.within("grosscountmeasurement") && e.name == "grosscounts" { // 2006: the number itself
			return nil
		}
		d.gross = d.newSpectrum(e, true)
	case "doserate", "exposurerate":
		d.dose = dose{detector: d.around(detectorKeys...), unit: first(e.attrs, "units", "unit")}
	case "radalarm", "alarminformation":
		d.alarm, d.inactive = Alarm{}, false
	case "fault":
		d.openFault(e)
	case "analysisresults":
		d.analysis = Fault{}
	case "nuclide":
		d.nuclide, d.denied = Nuclide{}, false
	}
	return nil
}

// root tells the format by the outermost element that says one.
func (d *decoder) root(name string) {
	switch {
	case d.doc.Format != "" && !(d.doc.Format == FormatICD1 && name == "radinstrumentdata"):
	case name == "radinstrumentdata":
		d.doc.Format = Format2011
	case name == "n42instrumentdata":
		d.doc.Format = Format2006
	case len(d.stack) == 1:
		d.doc.Format = FormatICD1
	}
}

// openSlice begins a time slice. In documents of 2006 a DetectorData stands inside a Measurement that may have
// spectra of its own.
func (d *decoder) openSlice(e element) error {
	around := d.slice
	if e.name == "detectordata" {
		if err := d.endSlice(); err != nil {
			return err
		}
	} else {
		around = slice{}
	}
	d.slice = slice{start: around.start, class: around.class, derived: e.name == "deriveddata",
		id: first(e.attrs, "id")}
	return nil
}

// close handles the end of the element at hand: its text, and what it completes.
func (d *decoder) close() error {
	e := d.top()
	text := bytes.TrimSpace(d.text.Bytes())
	if d.cut {
		text = nil
	}
	err := d.end(e, text)
	d.stack = d.stack[:len(d.stack)-1]
	d.text.Reset()
	d.cut = false
	if err != nil {
		return coded.Errorf("n42.in-element", "<%s>: %w", clip(e.name), err)
	}
	return nil
}

// end completes what an element stands for; text is its own, between its last child and its end.
func (d *decoder) end(e element, text []byte) error {
	switch e.name {
	case "channeldata", "data":
		d.endChannels(e, text)
	case "spectrum":
		return d.endSpectrum()
	case "grosscounts":
		if d.within("grosscountmeasurement") {
			d.grossCount(string(text))
			return nil
		}
		if len(text) > 0 && !d.gross.counted { // 2011, with the number where its CountData should be
			d.grossCount(string(text))
		}
		return d.endGross()
	case "countdosedata", "grosscountsummary", "grosscountmeasurement":
		return d.endGross()
	case "radmeasurement", "detectordata", "measurement", "deriveddata":
		return d.endSlice()
	case "doserate", "exposurerate", "totaldose":
		d.endDose(e.name, string(text))
	case "raddetectorinformation":
		d.endDetector()
	case "fault":
		d.endFault(string(text))
	case "analysisresults":
		d.endAnalysis()
	case "radalarm", "alarminformation":
		if !d.inactive && len(d.doc.Alarms) < maxDetectors {
			d.doc.Alarms = append(d.doc.Alarms, d.alarm)
		}
	case "nuclide":
		if d.nuclide.Name != "" && !d.denied && len(d.doc.Nuclides) < maxDetectors {
			d.doc.Nuclides = append(d.doc.Nuclides, d.nuclide)
		}
	default:
		if len(text) > 0 {
			d.value(e, string(text))
		}
	}
	return nil
}

// endChannels reads the counts of a spectrum. One that cannot be read costs itself, not the document.
func (d *decoder) endChannels(e element, text []byte) {
	if !d.within("spectrum") || e.name == "data" && !d.within("channeldata") || len(text) == 0 && !d.cut {
		return
	}
	if e.name == "data" { // some put their counts one level down
		e = d.parent("channeldata")
	}
	zeroes := strings.HasPrefix(strings.ToLower(first(e.attrs, "compressioncode", "compression")), "counted")
	channels, err := decodeChannels(d.channels[:0], text, zeroes)
	if d.cut {
		err = coded.Errorf("n42.more-than-bytes", "more than %d bytes", maxTextBytes)
	}
	if err != nil {
		d.spec.channels = nil
		d.warn("n42.spectrum-detector-left-out", "the spectrum of detector %q is left out: %v", d.spec.detector, err)
		return
	}
	d.spec.channels, d.channels = channels, channels
}

// startTime files a time.
func (d *decoder) startTime(text string) {
	t, err := parseTime(text, d.Zone)
	if err != nil {
		d.unread(text, err)
		return
	}
	if s := d.counting(); s != nil {
		s.start = t
		return
	}
	d.slice.start = t
}

// duration reads a duration; ok is false when it is none, which is noted.
func (d *decoder) duration(text string) (span units.Seconds, ok bool) {
	v, err := parseDuration(text)
	if err != nil {
		d.unread(text, err)
	}
	return units.Seconds(v), err == nil
}

// counting returns the spectrum or gross count in which the element at hand stands, nil for none.
func (d *decoder) counting() *spectrum {
	switch {
	case d.within("spectrum"):
		return &d.spec
	case d.within("grosscounts"), d.within("countdosedata"), d.within("grosscountsummary"),
		d.within("grosscountmeasurement"):
		return &d.gross
	}
	return nil
}
