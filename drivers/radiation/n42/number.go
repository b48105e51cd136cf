package n42

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/observation/units"
)

// number reads a finite number, with a decimal point or one comma.
func number(s string) (float64, error) {
	s = strings.TrimSpace(s)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && strings.Count(s, ",") == 1 && !strings.Contains(s, ".") { // a decimal comma
		v, err = strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, coded.Errorf("n42.not-number", "%.20q is not a number", s)
	}
	return v, nil
}

// decodeChannels appends channel counts to out, separated by blanks, commas or semicolons. In CountedZeroes, a 0 is
// followed by the number of zeroes that it stands for: "3 0 4 1" is 3, four channels of 0, 1. A 0 that has no
// number, or another 0, behind it is one zero, as some writers mean it. More than maxChannels, and what is no count,
// are errors.
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
			return nil, coded.Errorf("n42.channel", "channel %d: %w", len(out), err)
		}
		n := 1
		switch {
		case zero && v != 0:
			zero = false
			if n = int(v); float32(n) != v || n < 1 || n > maxChannels {
				return nil, coded.Errorf("n42.channel-no-count-zeroes",
					"channel %d: %g is no count of zeroes", len(out), v)
			}
			v = 0
		case countedZeroes && v == 0 && !zero:
			zero = true
			continue
		}
		if len(out)+n > maxChannels {
			return nil, coded.Errorf("n42.more-than-channels", "more than %d channels", maxChannels)
		}
		for range n {
			out = append(out, v)
		}
	}
	if zero && len(out) < maxChannels {
		out = append(out, 0)
	}
	return out, nil
}

// separator reports whether a byte stands between numbers.
func separator(c byte) bool { return c <= ' ' || c == ',' || c == ';' }

// maxCount is far above what a channel can count, and keeps sums exact.
const maxCount = 1 << 40

// channelCount reads one count, 0 to maxCount, which need not be whole: some instruments rebin their spectra.
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
		return 0, coded.Errorf("n42.not-count", "%.20q is not a count", b)
	}
	return float32(v), nil
}

// maxValue is the longest text of a time or duration, bytes.
const maxValue = 64

// maxSeconds is far above any measurement.
const maxSeconds = 100 * 365 * 86400

var errDuration = coded.Errorf("n42.no-duration", "is no duration")

// parseDuration reads an ISO 8601 duration, also with all its parts (P0Y0M0DT0H0M10.500S), a clock (00:00:10.5), or a
// number of seconds with or without a unit. The result is in seconds.
func parseDuration(text string) (float64, error) {
	if len(text) > maxValue {
		return 0, errDuration
	}
	s := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	var v float64
	var err error
	switch {
	case strings.HasPrefix(s, "P"):
		v, err = isoDuration(s[1:])
	case strings.HasPrefix(s, "T"):
		v, err = isoDuration(s)
	case strings.Contains(s, ":"):
		v, err = clock(s)
	default:
		v, err = withUnit(s)
	}
	if err != nil || v < 0 || v > maxSeconds {
		return 0, errDuration
	}
	return v, nil
}

// unitSeconds are the units behind a plain number.
var unitSeconds = map[string]float64{
	"": 1, "S": 1, "SEC": 1, "SECS": 1, "SECOND": 1, "SECONDS": 1, "MS": 1e-3, "MSEC": 1e-3, "MILLISECONDS": 1e-3,
	"US": 1e-6, "M": 60, "MIN": 60,
	"MINS": 60, "MINUTES": 60, "H": 3600, "HR": 3600, "HOURS": 3600,
}

// withUnit reads a number of seconds, or of another unit behind it; s is in capitals, without blanks.
func withUnit(s string) (float64, error) {
	digits := strings.TrimRightFunc(s, func(r rune) bool { return r < '0' || r > '9' }) // "0.25 s", "10 sec.", "10."
	factor, known := unitSeconds[strings.Trim(s[len(digits):], ".")]
	if !known {
		return 0, errDuration
	}
	v, err := number(digits)
	return v * factor, err
}

// clock reads hours, minutes and seconds, or minutes and seconds.
func clock(s string) (seconds float64, err error) {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, errDuration
	}
	for _, p := range parts {
		v, err := number(p)
		if err != nil || v < 0 {
			return 0, errDuration
		}
		seconds = seconds*60 + v
	}
	return seconds, nil
}

// isoDuration reads what follows the P. A year is taken as 365 days and a month as 30: instruments write them as 0. A
// last number without its letter is seconds.
func isoDuration(s string) (seconds float64, err error) {
	inTime, start, parts := false, 0, 0
	for i, c := range s {
		factor := 0.0
		switch {
		case c == 'T' && !inTime && start == i:
			inTime, start = true, i+1
			continue
		case c >= '0' && c <= '9' || strings.ContainsRune(".,+-", c) || c == 'E' && inTime:
			continue
		case c == 'Y' && !inTime:
			factor = 365 * 86400
		case c == 'M' && !inTime:
			factor = 30 * 86400
		case c == 'W' && !inTime:
			factor = 7 * 86400
		case c == 'D' && !inTime:
			factor = 86400
		case c == 'H' && inTime:
			factor = 3600
		case c == 'M':
			factor = 60
		case c == 'S': // without a T too: P10S
			factor = 1
		default:
			return 0, errDuration
		}
		v, err := number(s[start:i])
		if err != nil || v < 0 {
			return 0, errDuration
		}
		seconds, start, parts = seconds+v*factor, i+1, parts+1
	}
	if rest := s[start:]; rest != "" {
		v, err := number(rest)
		if err != nil || v < 0 {
			return 0, errDuration
		}
		seconds, parts = seconds+v, parts+1
	}
	if parts == 0 {
		return 0, errDuration
	}
	return seconds, nil
}

// Layouts of times: ISO 8601 as the standard asks for it, and as instruments write it. Go takes a fraction behind the
// seconds, with point or comma, where the layout has none, and one digit where the layout has one.
var (
	zonedLayouts = []string{
		"2006-1-2T15:4:5Z07:00", "2006-1-2T15:4:5Z0700", "2006-1-2T15:4:5Z07", "2006-1-2 15:4:5Z07:00",
		"2006-1-2 15:4:5Z0700",
		"2006-1-2T15:4:5 Z07:00", "2006-1-2T15:4:5 Z0700", "2006-1-2 15:4:5 Z07:00", "2006-1-2 15:4:5 Z0700",
		"2006-1-2T15:4Z07:00",
		"20060102T150405Z0700", "2006-1-2 15:4:5 UTC", "2006-1-2T15:4:5 UTC", "Mon, 2 Jan 2006 15:4:5 Z0700",
		"Mon Jan 2 15:4:5 Z0700 2006",
	}
	localLayouts = []string{
		"2006-1-2T15:4:5", "2006-1-2 15:4:5", "2006-1-2T15:4", "2006/1/2 15:4:5", "2006/1/2T15:4:5", "20060102T150405",
		"20060102 150405", "20060102150405",
		"1/2/2006 3:4:5 PM", "1/2/2006 15:4:5", "2/1/2006 15:4:5", "2-Jan-2006 15:4:5", "2 Jan 2006 15:4:5",
		"2-Jan-2006T15:4:5", "Mon Jan 2 15:4:5 2006",
		"Jan 2 2006 15:4:5", "Jan 2, 2006 3:4:5 PM", "2006.1.2 15:4:5", "2.1.2006 15:4:5",
		"2-1-2006T15:4:5", "2006-1-2",
	}
)

var errTime = coded.Errorf("n42.no-time", "is no time")

// parseTime reads a time. One without zone is of zone.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	t, ok := tryLayouts(text, zonedLayouts, time.UTC)
	if !ok {
		t, ok = tryLayouts(text, localLayouts, zone)
	}
	switch {
	case !ok:
		return time.Time{}, errTime
	case t.Year() <= 1970 || t.Year() >= 2200: // clocks that were never set
		return time.Time{}, coded.Errorf("n42.measurement", "%w of a measurement", errTime)
	}
	return t.UTC(), nil
}

// tryLayouts reads a time in the first layout that fits. Where day and month could be either, the American order
// comes first in the list.
func tryLayouts(text string, layouts []string, zone *time.Location) (time.Time, bool) {
	if len(text) > maxValue {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// speedFactor returns the factor from a unit to km/h: m/s when none is given (N42.42-2011, SpeedValue), 1 for km/h
// and what is not known.
func speedFactor(unit string) float64 {
	switch strings.ToLower(strings.TrimSpace(unit)) {
	case "mph":
		return 1.609344
	case "m/s", "mps", "":
		return 3.6 // N42.42-2011: SpeedValue in m/s
	}
	return 1
}

// microsieverts are the units of dose rates, in uSv/h. N42.42-2011 fixes uSv/h; documents of 2006 name one. 1 rem is
// 10 mSv; a roentgen of photons is counted as 10 mSv, as makers of instruments do. Micro may be written u, the Greek
// letter or the sign.
var microsieverts = map[string]float64{
	"": 1, "usv/h": 1, "nsv/h": 1e-3, "msv/h": 1e3, "sv/h": 1e6, "urem/h": 1e-2, "mrem/h": 10, "rem/h": 1e4,
	"ur/h": 1e-2, "mr/h": 10, "r/h": 1e4,
	"ugy/h": 1, "ngy/h": 1e-3, "mgy/h": 1e3, "gy/h": 1e6, "usv/s": 3600, "nsv/s": 3.6,
}

var unitSpelling = strings.NewReplacer("µ", "u", "μ", "u", "\ufffd", "u", " ", "", "micro", "u", "sieverts", "sv",
	"sievert", "sv", "per", "/", "hour", "h", "hr", "h", "-1", "", "·", "/")

// doseRate reads a dose rate in the given unit as uSv/h; a unit in the text itself wins. Negative rates and units
// that are not known are errors.
func doseRate(text, unit string) (units.MicrosievertsPerHour, error) {
	unit = strings.ToLower(unit)
	v, err := number(text)
	if err != nil { // "0.12 uSv/h"
		value, rest, found := strings.Cut(strings.TrimSpace(text), " ")
		if v, err = number(value); err != nil || !found {
			return 0, coded.Errorf("n42.no-dose-rate", "is no dose rate")
		}
		unit = strings.ToLower(rest)
	}
	factor, known := microsieverts[unitSpelling.Replace(unit)]
	if !known {
		return 0, coded.Errorf("n42.which-no-unit-dose",
			"is in %.20q, which is no unit of dose rate that is known", unit)
	}
	if v < 0 {
		return 0, coded.Errorf("n42.no-dose-rate", "is no dose rate")
	}
	return units.MicrosievertsPerHour(v * factor), nil
}
