package n42

import "strings"

// DerivedData holds what the instrument computed of its measurements. Some instruments (Symetrica's handhelds) write
// their spectra nowhere else. Those are read; what was measured too is not read twice.

// source is a detector and a class: what was measured of it is not taken from DerivedData once more.
type source struct{ detector, class string }

// sourceOf returns a measurement's source. A class that is not specified is the foreground's.
func sourceOf(m *Measurement) source {
	s := source{m.Detector, m.Class}
	if s.class == classNotSpecified {
		s.class = classForeground
	}
	return s
}

// pending is a measurement of DerivedData, which counts when the document's end has come and nothing was measured of
// its source.
type pending struct {
	*Measurement
	channels int
	slice    int // which DerivedData it stands in
}

// deferDerived keeps a measurement of DerivedData until the document's end.
func (d *decoder) deferDerived(sl *slice, s *spectrum, m *Measurement) {
	switch id := strings.ToLower(sl.id + " " + s.id); {
	case strings.Contains(id, "sub") && (strings.Contains(id, "bg") || strings.Contains(id, "back")):
		d.warn("n42.spectrum-less-its-background",
			"spectrum %q is less its background: it is no count and left out", s.id)
		return
	case len(d.derived) >= maxDerived:
		d.warn("n42.more-than-measurements-deriveddata",
			"more than %d measurements in DerivedData: the others are left out", maxDerived)
		return
	}
	if len(d.derived) == 0 || d.derived[len(d.derived)-1].slice != d.slices {
		d.slices++
	}
	d.waiting += len(m.Channels)
	d.derived = append(d.derived, pending{m, s.n, d.slices})
}

// endDerived counts what stands in DerivedData only, in its order. It must come last: raw measurements may stand
// behind DerivedData.
func (d *decoder) endDerived() error {
	last := 0
	for _, p := range d.derived {
		spectra, measured := d.raw[sourceOf(p.Measurement)]
		if measured {
			if p.channels > 0 && !spectra {
				d.warn("n42.detector-raw-counts-without",
					"detector %q has raw counts without spectra, and a spectrum in DerivedData, which is left out",
					p.Detector)
			}
			continue
		}
		if p.slice != last {
			last = p.slice
			d.doc.Samples++
		}
		if err := d.addMeasurement(p.Measurement, p.channels); err != nil {
			return err
		}
	}
	return nil
}

// Classes of measurements (N42.42-2011, MeasurementClassCode).
const (
	classForeground   = "Foreground"
	classBackground   = "Background"
	classCalibration  = "Calibration"
	classIntrinsic    = "IntrinsicActivity"
	classNotSpecified = "NotSpecified"
)

// className returns a class as documents of 2011 (MeasurementClassCode) and 2006 (SourceType) name it, "" for none.
func className(text string) string {
	switch strings.ToLower(text) {
	case "foreground", "item":
		return classForeground
	case "background":
		return classBackground
	case "calibration":
		return classCalibration
	case "intrinsicactivity", "stabilization":
		return classIntrinsic
	}
	return ""
}

// classOf returns a measurement's class: by its own word, by its id in DerivedData, which has one class for all of
// its spectra, by its slice's word, and else by what the ids say.
func classOf(sl *slice, s *spectrum) string {
	id, around := strings.ToLower(s.id), strings.ToLower(sl.id)
	switch {
	case s.class != "":
		return s.class
	case sl.derived && (strings.Contains(id, "bg") || strings.Contains(id, "background")):
		return classBackground
	case sl.class != "":
		return sl.class
	case sl.derived && strings.Contains(id, "gamma"), strings.Contains(id, "foreground"),
		strings.Contains(around, "foreground"):
		return classForeground
	case strings.Contains(around, "background") && !strings.Contains(around, "survey") &&
		!strings.Contains(around, "sample"):
		return classBackground
	case around == "stabilization" || id == "intrinsicactivity" || strings.EqualFold(s.detector, "intrinsicActivity"):
		return classIntrinsic
	}
	return classNotSpecified
}
