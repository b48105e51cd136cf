package n42

import (
	"slices"
	"strings"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/observation/units"
)

// value files the text, which is not empty, of an element that holds one value.
func (d *decoder) value(e element, text string) {
	doc := d.doc
	if d.stateValue(e.name, text) {
		return
	}
	switch e.name {
	case "radinstrumentmanufacturername", "manufacturer":
		setOnce(&doc.Manufacturer, text)
	case "radinstrumentmodelname", "radinstrumentmodel", "instrumentmodel":
		setOnce(&doc.Model, text)
	case "radinstrumentidentifier", "instrumentid":
		setOnce(&doc.Serial, text)
	case "radinstrumentclasscode", "instrumenttype":
		setOnce(&doc.Class, text)
	case "raddetectorcategorycode":
		d.info.category = clip(text)
	case "raddetectordescription":
		d.info.description = clip(text)
	case "raddetectorname":
		if d.info.id == "" {
			d.info.id = clip(text)
		}
	case "characteristicname":
		d.trait = clip(text)
	case "characteristicvalue":
		d.characteristic(text)
	case "radalarmcategorycode", "alarmtype":
		d.alarm.Category = clean(text)
	case "radalarmdescription", "alarmdescription":
		d.alarm.Description = clean(text)
	case "radalarmactiveindicator":
		d.inactive = isFalse(text)
	case "nuclidename":
		d.nuclide.Name = clean(text)
	case "nuclideidentifiedindicator":
		d.denied = isFalse(text)
	case "nuclideidconfidencevalue", "nuclideidconfidence":
		d.nuclide.Confidence = d.number(text)
	case "nuclideconfidenceindication", "nuclideidconfidenceindication": // a number, or a word
		d.nuclide.Confidence, _ = number(text)
	case "nuclidecategorydescription", "nuclidetype":
		d.nuclide.Category = clean(text)
	default:
		d.measuredValue(e, text)
	}
}

// measuredValue files a value of a measurement.
func (d *decoder) measuredValue(e element, text string) {
	switch e.name {
	case "measurementclasscode":
		d.slice.class = className(text)
	case "sourcetype":
		if d.within("spectrum") {
			d.spec.class = className(text)
		}
	case "detectortype":
		if s := d.counting(); s != nil {
			s.neutrons = d.isNeutron(*s, text)
		}
	case "coefficientvalues", "coefficients":
		d.calibration(text)
	case "startdatetime", "starttime":
		d.startTime(text)
	case "realtimeduration", "realtime", "samplerealtime":
		d.realTime(text)
	case "livetimeduration", "livetime":
		d.liveTime(text)
	case "countdata", "counts", "totalcounts", "grosscountdata":
		if d.counting() == &d.gross {
			d.grossCount(text)
		}
	case "spectrumsize":
		if v, err := number(text); err == nil && v > 0 && v < maxChannels && d.within("spectrum") {
			d.spec.size = int(v)
		}
	case "occupancyindicator", "occupied":
		if text == "1" || strings.EqualFold(text, "true") {
			d.doc.Occupied = true
		}
	case "speed", "speedvalue":
		d.speed(e, text)
	case "doseratevalue":
		d.doseRate(text, first(e.attrs, "units", "unit"))
	case "averagedoseratevalue", "maximumdoseratevalue": // of AnalysisResults
		d.doc.DoseRateMax = max(d.doc.DoseRateMax, units.MicrosievertsPerHour(d.number(text)))
	case "exposureratevalue":
		d.exposureRate(text)
	case "totaldosevalue":
		d.totalDose(text)
	}
}

// exposureRate files an exposure rate, mR/h. It makes a measurement of a slice that has nothing else.
func (d *decoder) exposureRate(text string) {
	if v, ok := d.reading(text); ok {
		d.doc.ExposureRateMax = max(d.doc.ExposureRateMax, units.MilliroentgensPerHour(v))
	}
}

// totalDose files a total dose, uSv. It makes a measurement of a slice that has nothing else.
func (d *decoder) totalDose(text string) {
	if v, ok := d.reading(text); ok {
		d.doc.TotalDose = max(d.doc.TotalDose, units.Microsieverts(v))
	}
}

// reading reads what a meter shows, and notes that its detector measured; ok is false when it is no such number,
// which is a warning.
func (d *decoder) reading(text string) (v float64, ok bool) {
	v, err := number(text)
	if err != nil || v < 0 {
		d.unread(text, coded.Errorf("n42.no-number-0-or", "is no number of 0 or more"))
		return 0, false
	}
	if name := d.around(detectorKeys...); len(d.slice.meters) < maxDetectors && !slices.Contains(d.slice.meters, name) {
		d.slice.meters = append(d.slice.meters, name)
	}
	return v, true
}

// number reads a number; one that is none is noted and 0.
func (d *decoder) number(text string) float64 {
	v, err := number(text)
	if err != nil {
		d.unread(text, coded.Errorf("n42.value-not-number", "is not a number"))
	}
	return v
}

func isFalse(text string) bool { return text == "0" || strings.EqualFold(text, "false") }

// speed files the vehicle's speed. The instrument's own, when it is carried past the vehicle, is another.
func (d *decoder) speed(e element, text string) {
	if d.doc.Speed == 0 && !d.within("radinstrumentstate") && !d.within("raddetectorstate") {
		d.doc.Speed = units.KilometresPerHour(d.number(text) * speedFactor(first(e.attrs, "units", "unit")))
	}
}

// characteristic files what a detector says of its instrument: applications on telephones put the telephone's maker
// and model where the instrument's belong (Kromek D3S).
func (d *decoder) characteristic(text string) {
	text = clean(text)
	if text == "" || !d.within("raddetectorinformation") {
		return
	}
	switch strings.ToLower(d.trait) {
	case "sensor make":
		d.doc.Manufacturer = text
	case "sensor model":
		d.doc.Model = text
	case "sensor serial":
		d.doc.Serial = text
	}
}

// maxName bounds a text that is copied into an observation, bytes.
const maxName = 200

// clip bounds a text, and frees the longer one that it was cut from.
func clip(text string) string {
	if len(text) > maxName {
		return strings.Clone(strings.ToValidUTF8(text[:maxName], ""))
	}
	return text
}

// clean makes a text fit for a field: one line, bounded, "" for the ways in which documents say "unknown".
func clean(text string) string {
	text = clip(strings.Join(strings.Fields(strings.ToValidUTF8(clip(text), "?")), " "))
	switch strings.ToLower(text) {
	case "unknown", "n/a", "none":
		return ""
	}
	return text
}

func setOnce(field *string, text string) {
	if *field == "" {
		*field = clean(text)
	}
}

// calibration files energy coefficients; 2006 also has them for the peak width.
func (d *decoder) calibration(text string) {
	cal := d.parent("calibration")
	if kind := cal.attrs["type"]; kind != "" && !strings.EqualFold(kind, "energy") {
		return
	}
	if cal.name == "" {
		cal = d.parent("energycalibration")
	}
	if d.within("spectrum") {
		d.spec.scales++
	}
	var c []float64
	for _, f := range strings.Fields(text) {
		v, err := number(f)
		if err != nil {
			d.unread(text, coded.Errorf("n42.no-energy-coefficients", "are no energy coefficients"))
			return
		}
		if len(c) == 8 {
			return
		}
		c = append(c, v)
	}
	switch {
	case d.within("spectrum"):
		if d.spec.calibration == nil {
			d.spec.calibration = c
		}
	case cal.name != "" && len(d.calibrations) < maxDetectors:
		d.calibrations[first(cal.attrs, "id", "reference")] = c
	}
}

// calibrationOf returns the calibration that a spectrum refers to; 2006 lists several references. Where there is one
// only, it is of all.
func (d *decoder) calibrationOf(ref string) []float64 {
	if c := d.calibrations[ref]; c != nil {
		return c
	}
	for _, id := range strings.Fields(ref) {
		if c := d.calibrations[id]; c != nil {
			return c
		}
	}
	if len(d.calibrations) == 1 {
		for _, c := range d.calibrations {
			return c
		}
	}
	return nil
}

func (d *decoder) realTime(text string) {
	seconds, ok := d.duration(text)
	if !ok {
		return
	}
	if s := d.counting(); s != nil {
		s.real = seconds
		return
	}
	d.slice.real = seconds
}

func (d *decoder) liveTime(text string) {
	seconds, ok := d.duration(text)
	if !ok {
		return
	}
	if s := d.counting(); s != nil {
		s.live = seconds
		return
	}
	d.slice.live = seconds
}

// grossCount files a count that is not a spectrum. 2011 puts one number per energy window. A second count of the same
// element (2006: Counts and TotalCounts) is the same again.
func (d *decoder) grossCount(text string) {
	if d.gross.counted {
		return
	}
	sum := 0.0
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ';' }) {
		v, err := number(f)
		if err != nil || v < 0 || v > maxCount {
			d.unread(text, coded.Errorf("n42.no-count", "is no count"))
			return
		}
		sum += v
	}
	d.gross.counted, d.gross.gamma = true, units.Counts(sum) // of neutrons, as the element's end may know
}

// doseRate files a dose rate of the slice.
func (d *decoder) doseRate(text, unit string) {
	if unit == "" {
		unit = d.dose.unit
	}
	v, err := doseRate(text, unit)
	if err != nil {
		d.unread(text, err)
		return
	}
	if len(d.slice.doses) < maxDetectors {
		d.slice.doses = append(d.slice.doses, dose{detector: d.dose.detector, rate: v})
	}
}

// endDose reads a dose rate that stands in its element itself (2006).
func (d *decoder) endDose(name, text string) {
	switch {
	case text == "":
	case name == "doserate":
		d.doseRate(text, d.dose.unit)
	case name == "totaldose":
		d.totalDose(text)
	default:
		d.exposureRate(text)
	}
}
