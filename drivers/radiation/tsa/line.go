package tsa

import (
	"bytes"
	"strconv"
	"time"

	"lanewarden/drivers/message"
)

// detectors is the number of gamma and of neutron detectors that a line can report.
const detectors = 4

// noValue stands for a field that is not a number; counts are 0 and up.
const noValue = -1

// lineKind is the type of a line, named as the monitor sends it.
type lineKind uint8

const (
	lineGB  lineKind = iota + 1 // gamma background, counts in 1 s, unoccupied, every 5 s
	lineGH                      // the same, above the high fault limit
	lineGL                      // the same, below the low fault limit
	lineNB                      // neutron background, counts in 1 s, unoccupied, every 5 s
	lineNH                      // the same, above the high fault limit
	lineGS                      // gamma counts in 200 ms, occupied
	lineGA                      // the same, in alarm
	lineNS                      // neutron counts in 1 s, occupied
	lineNA                      // the same, in alarm
	lineSP                      // speed, during occupancy
	lineGX                      // end of occupancy
	lineTT                      // tamper tripped
	lineTC                      // tamper cleared
	lineSG1                     // gamma setup
	lineSG2                     // gamma control unit setup
	lineSG3                     // gamma remote unit setup
	lineSN1                     // neutron setup
	lineSN2                     // neutron discriminators
)

// counts, setup and occupied classify kinds by their order in the list above.
//
// counts: a field for each detector follows. setup: fields by setupFields follow. occupied: the
// monitor sends such lines only while a vehicle is in the portal.
func (k lineKind) counts() bool   { return k <= lineNA }
func (k lineKind) setup() bool    { return k >= lineSG1 }
func (k lineKind) occupied() bool { return k >= lineGS && k <= lineSP }

// setupFields names the fields of the setup lines, in their order. "" is a field that the protocol reserves.
// intervals and hold_in are in intervals of 200 ms, background_time is in seconds; values go on as texts, as the
// monitor has them.
var setupFields = map[lineKind][]string{
	lineSG1: {"high_fault", "low_fault", "intervals", "hold_in", "n_sigma", ""},
	lineSG2: {"detectors", "lower_discriminator", "upper_discriminator", "relay", "algorithm", "software"},
	lineSG3: {"lower_discriminator", "upper_discriminator", "background_time", "background_sigma", "firmware"},
	lineSN1: {"high_fault", "max_intervals", "alpha", "z_max", "sequential", "background_time"},
	lineSN2: {"lower_discriminator_1", "upper_discriminator_1", "lower_discriminator_2", "upper_discriminator_2", ""},
}

// setupNames are the kinds as the monitor sends them.
var setupNames = map[lineKind]string{lineSG1: "SG1", lineSG2: "SG2", lineSG3: "SG3", lineSN1: "SN1", lineSN2: "SN2"}

// line is one decoded line. Examples, as the monitor sends them:
//
//	GB,000219,000204,000226,000221                 background of four detectors
//	GS,000045,000042,000047,000049                 200 ms of an occupancy
//	NS,000001,000000,000000,000002                 1 s of neutrons
//	SP,0.2000,5.00,8.047                           seconds between the beams, mph, km/h
//	GX,000042,004800                               occupancy 42 is over; neutron background 4.8
//	GX,000042,004800,12:00:00.000                  the same in a recorded file
type line struct {
	kind   lineKind
	counts [detectors]int32 // noValue where the field was not a number or is missing
	clock  time.Duration    // time of day of a recorded line; -1 when it has none

	beamSeconds, kph float32 // SP; 0 for no value
	number           uint32  // GX: occupancy number, 0 for no value
	neutronMilli     uint32  // GX: neutron background x 1000, 0 for no value
	fields           []byte  // setup lines: the fields, still joined; part of the input
}

// kindOf tells the kind of a line from its first field; 0 for none that is known. Those of an occupancy, which come
// most often, stand first.
func kindOf(tag []byte) lineKind {
	switch string(tag) { // no allocation: the compiler compares in place
	case "GS":
		return lineGS
	case "GB":
		return lineGB
	case "NS":
		return lineNS
	case "NB":
		return lineNB
	case "GA":
		return lineGA
	case "NA":
		return lineNA
	case "GH":
		return lineGH
	case "GL":
		return lineGL
	case "NH":
		return lineNH
	case "SP":
		return lineSP
	case "GX":
		return lineGX
	case "TT":
		return lineTT
	case "TC":
		return lineTC
	case "SG1":
		return lineSG1
	case "SG2":
		return lineSG2
	case "SG3":
		return lineSG3
	case "SN1":
		return lineSN1
	case "SN2":
		return lineSN2
	}
	return 0
}

// decodeLine decodes one line without its line end. A field that is not a number is "no value"; an error means that
// the line as a whole cannot be decoded: an unknown kind, no counts at all, or too many fields. It does not
// allocate; l.fields is part of text.
func decodeLine(text []byte, l *line) error {
	tag, rest, _ := bytes.Cut(text, comma)
	kind := kindOf(tag)
	if kind == 0 {
		return message.Errorf("tsa.no-type", message.Quoted("tag", tag[:min(len(tag), 8)]))
	}
	*l = line{kind: kind, clock: -1}
	rest, l.clock = cutClock(rest)
	switch {
	case kind.counts():
		return l.decodeCounts(rest)
	case kind.setup():
		l.fields = rest
		if n := bytes.Count(rest, comma) + 1; n > len(setupFields[kind])+1 {
			return message.Errorf("tsa.fields", message.String("type", setupNames[kind]), message.Count("n", n),
				message.Int("want", len(setupFields[kind])))
		}
	case kind == lineSP:
		seconds, rest := nextField(rest)
		_, rest = nextField(rest) // miles per hour
		kph, _ := nextField(rest)
		l.beamSeconds, l.kph = decimal(seconds), decimal(kph)
	case kind == lineGX:
		number, rest := nextField(rest)
		milli, _ := nextField(rest)
		l.number, l.neutronMilli = uint32(max(integer(number), 0)), uint32(max(integer(milli), 0))
	}
	return nil
}

var comma = []byte{','}

// nextField splits b at its first comma. Without a comma all of b is the field, and rest is nil.
func nextField(b []byte) (field, rest []byte) {
	if i := bytes.IndexByte(b, ','); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// decodeCounts reads one field for each detector, "000050,000035,000044,000046". Fields
// that are missing or no numbers are noValue: the others of the line still count. More than four are an error, because
// it is unknown which of them are detectors.
func (l *line) decodeCounts(rest []byte) error {
	if len(rest) == 0 {
		return message.Errorf("tsa.no-counts")
	}
	for i := range l.counts {
		l.counts[i] = noValue
		if len(rest) > 0 {
			var f []byte
			f, rest = nextField(rest)
			l.counts[i] = integer(f)
		}
	}
	if len(rest) > 0 {
		return message.Errorf("tsa.counts", message.Int("n", detectors))
	}
	return nil
}

// maxDigits keeps a field within int32 (10 digits). The monitor pads numbers with zeros to six digits.
const maxDigits = 9

// integer reads a zero-padded number; noValue when it is none.
func integer(b []byte) int32 {
	if len(b) == 0 || len(b) > maxDigits {
		return noValue
	}
	var n int32
	for _, c := range b {
		if c < '0' || c > '9' {
			return noValue
		}
		n = n*10 + int32(c-'0')
	}
	return n
}

// decimal reads a number with an optional fraction, "010.6", of at most maxDigits characters; 0 when it is none. It
// is for speeds and seconds, where 0 can stand for no value.
func decimal(b []byte) float32 {
	var n, scale float32 = 0, 0
	if len(b) == 0 || len(b) > maxDigits {
		return 0
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n, scale = n*10+float32(c-'0'), scale*10
		case c == '.' && scale == 0:
			scale = 1
		default:
			return 0
		}
	}
	if scale > 1 {
		n /= scale
	}
	return n
}

// clockLen is the length of the time in recorded files, HH:MM:SS.mmm or HH-MM-SS.mmm.
const clockLen = 12

// cutClock takes a time of day off the end of a recorded line, with the comma before it; -1 and all of rest when
// there is none. What looks like a time but is none, 25:00:00.000, is left as a field.
func cutClock(rest []byte) ([]byte, time.Duration) {
	if len(rest) < clockLen {
		return rest, -1
	}
	t := rest[len(rest)-clockLen:]
	before := rest[:len(rest)-clockLen]
	if len(before) > 0 && before[len(before)-1] != ',' || t[2] != ':' && t[2] != '-' || t[5] != t[2] || t[8] != '.' {
		return rest, -1
	}
	h, m, s, ms := integer(t[0:2]), integer(t[3:5]), integer(t[6:8]), integer(t[9:12])
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || ms < 0 {
		return rest, -1
	}
	clock := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second +
		time.Duration(ms)*time.Millisecond
	return bytes.TrimSuffix(before, comma), clock
}

// setupValue returns the number in a setup line's field, by the field's name; false when it is missing or no number.
func (l *line) setupValue(name string) (float64, bool) {
	rest := l.fields
	for _, n := range setupFields[l.kind] {
		var f []byte
		f, rest = nextField(rest)
		if n == name {
			v, err := strconv.ParseFloat(string(f), 64)
			return v, err == nil
		}
	}
	return 0, false
}
