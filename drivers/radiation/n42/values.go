package n42

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// value files the text of an element that holds one value.
func (d *decoder) value(e element, text string) {
	doc := d.doc
	switch e.name {
	case "radinstrumentmanufacturername", "manufacturer":
		setOnce(&doc.Manufacturer, text)
	case "radinstrumentmodelname", "instrumentmodel":
		setOnce(&doc.Model, text)
	case "radinstrumentidentifier", "instrumentid":
		setOnce(&doc.Serial, text)
	case "radinstrumentclasscode", "instrumenttype":
		setOnce(&doc.Class, text)
	case "raddetectorcategorycode":
		if strings.EqualFold(text, "neutron") && len(d.neutronIDs) < maxDetectors {
			d.neutronIDs[d.parent("raddetectorinformation").attrs["id"]] = true
		}
	case "coefficientvalues", "coefficients":
		d.calibration(text)
	case "startdatetime", "starttime":
		d.startTime(parseTime(text))
	case "realtimeduration", "realtime", "samplerealtime":
		d.realTime(parseDuration(text))
	case "livetimeduration", "livetime":
		if d.within("spectrum") {
			d.spec.live = parseDuration(text)
		}
	case "countdata", "counts", "totalcounts":
		d.grossCount(text)
	case "occupancyindicator", "occupied":
		if text == "1" || strings.EqualFold(text, "true") {
			doc.Occupied = true
		}
	case "speed", "speedvalue":
		if v, err := number(text); err == nil && doc.SpeedKph == 0 {
			doc.SpeedKph = v * speedFactor(first(e.attrs, "units", "unit"))
		}
	case "radalarmcategorycode", "alarmtype":
		d.alarm.Category = clean(text)
	case "radalarmdescription", "alarmdescription":
		d.alarm.Description = clean(text)
	case "radalarmactiveindicator":
		d.inactive = text == "0" || strings.EqualFold(text, "false")
	case "nuclidename":
		d.nuclide.Name = clean(text)
	case "nuclideidconfidencevalue", "nuclideconfidenceindication", "nuclideidconfidence":
		d.nuclide.Confidence, _ = number(text)
	case "nuclidecategorydescription", "nuclidetype":
		d.nuclide.Category = clean(text)
	}
}

func (d *decoder) parent(name string) element {
	for i := len(d.stack) - 2; i >= 0; i-- {
		if d.stack[i].name == name {
			return d.stack[i]
		}
	}
	return element{}
}

// maxName bounds a text that is copied into an observation.
const maxName = 200

// clean makes a text fit for a field: one line, bounded, "" for the ways in which documents say "unknown".
func clean(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxName {
		text = strings.ToValidUTF8(text[:maxName], "")
	}
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
	if kind := d.parent("calibration").attrs["type"]; kind != "" && !strings.EqualFold(kind, "energy") {
		return
	}
	var c []float64
	for _, f := range strings.Fields(text) {
		v, err := number(f)
		if err != nil || len(c) == 8 {
			return
		}
		c = append(c, v)
	}
	switch cal := d.parent("energycalibration"); {
	case cal.name != "":
		if len(d.calibrations) < maxDetectors {
			d.calibrations[cal.attrs["id"]] = c
		}
	case d.within("spectrum") && d.spec.calibration == nil:
		d.spec.calibration = c
	}
}

func (d *decoder) startTime(t time.Time) {
	if d.within("spectrum") {
		d.spec.start = t
		return
	}
	d.slice.start = t
}

func (d *decoder) realTime(seconds float64) {
	switch {
	case d.within("spectrum"):
		d.spec.real = seconds
	case d.within("grosscounts") || d.within("countdosedata"):
	default:
		d.slice.real = seconds
	}
}

// grossCount files a count that is not a spectrum. 2011 puts one number per energy window.
func (d *decoder) grossCount(text string) {
	if !d.within("grosscounts") && !d.within("countdosedata") && !d.within("grosscountsummary") {
		return
	}
	for _, f := range strings.Fields(text) {
		v, err := number(f)
		if err != nil {
			return
		}
		if d.gross.isNeutron {
			d.gross.neutron += v
		} else {
			d.gross.gamma += v
		}
	}
}

// number reads a finite number.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%.20q is not a number", s)
	}
	return v, nil
}

// decodeChannels reads channel counts. In CountedZeroes, a 0 is followed by the number of zeroes that it stands for.
func decodeChannels(out []float32, text []byte, countedZeroes bool) ([]float32, error) {
	zero := false // the last number was a zero that waits for its count
	for i := 0; i < len(text); {
		for i < len(text) && separator(text[i]) {
			i++
		}
		start := i
		for i < len(text) && !separator(text[i]) {
			i++
		}
		if start == i {
			break
		}
		v, err := channelCount(text[start:i])
		if err != nil {
			return nil, fmt.Errorf("channel %d: %w", len(out), err)
		}
		n := 1
		switch {
		case zero:
			zero = false
			if n = int(v); float32(n) != v || n < 1 || n > maxChannels {
				return nil, fmt.Errorf("channel %d: %g is no count of zeroes", len(out), v)
			}
			v = 0
		case countedZeroes && v == 0:
			zero = true
			continue
		}
		if len(out)+n > maxChannels {
			return nil, fmt.Errorf("more than %d channels", maxChannels)
		}
		for range n {
			out = append(out, v)
		}
	}
	if zero {
		return nil, errors.New("the last zero has no count")
	}
	return out, nil
}

func separator(c byte) bool { return c <= ' ' || c == ',' || c == ';' }

// maxCount is far above what a channel can count, and keeps sums exact.
const maxCount = 1 << 40

func channelCount(b []byte) (float32, error) {
	if len(b) < 8 { // the common case: a small integer
		n := 0
		for i, c := range b {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + int(c-'0')
			if i == len(b)-1 {
				return float32(n), nil
			}
		}
	}
	v, err := strconv.ParseFloat(unsafe.String(&b[0], len(b)), 32) // not kept: b is the caller's
	if err != nil || math.IsNaN(v) || v < 0 || v > maxCount {
		return 0, fmt.Errorf("%.20q is not a count", b)
	}
	return float32(v), nil
}

// parseDuration reads an ISO 8601 duration, or a number of seconds with or without a unit; 0 when it is neither.
func parseDuration(text string) float64 {
	s := strings.ToUpper(strings.TrimSpace(text))
	if rest, ok := strings.CutPrefix(s, "P"); ok {
		return isoDuration(rest)
	}
	s = strings.TrimRightFunc(s, func(r rune) bool { return r < '0' || r > '9' }) // "0.25 s", "10 sec."
	v, err := number(s)
	if err != nil || v < 0 {
		return 0
	}
	return v
}

func isoDuration(s string) float64 {
	seconds, inTime, start := 0.0, false, 0
	for i, c := range s {
		factor := 0.0
		switch {
		case c == 'T':
			inTime, start = true, i+1
			continue
		case c == 'D':
			factor = 86400
		case c == 'H':
			factor = 3600
		case c == 'M' && inTime:
			factor = 60
		case c == 'S':
			factor = 1
		default:
			continue
		}
		v, err := number(s[start:i])
		if err != nil || v < 0 {
			return 0
		}
		seconds, start = seconds+v*factor, i+1
	}
	return seconds
}

// parseTime reads a time; the zero time when it is none. A time without zone is taken as UTC.
func parseTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// speedFactor converts a speed to km/h.
func speedFactor(unit string) float64 {
	switch strings.ToLower(strings.TrimSpace(unit)) {
	case "mph":
		return 1.609344
	case "m/s", "mps", "":
		return 3.6 // N42.42-2011: SpeedValue in m/s
	}
	return 1
}
