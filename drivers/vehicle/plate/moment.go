package plate

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a lane's computer may have no zone files
)

// layouts are the times that cameras write. A fraction of the second behind a point or a comma is read with each.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15-04-05",
	"2006-01-02_15:04:05", "2006/01/02 15:04:05", "2006.01.02 15:04:05",
	"20060102T150405Z07:00", "20060102T150405Z0700", "20060102T150405", "20060102150405",
	"Mon, 02 Jan 2006 15:04:05", time.RFC1123Z, time.ANSIC,
}

// moment reads a time as the makers write it: a text with or without zone, or seconds, milliseconds, microseconds or
// nanoseconds since 1970. One without zone is in zone. The result is UTC; zero for a text that is no time.
func moment(text string, zone *time.Location) time.Time {
	text = strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(text, 64); err == nil && !calendar(text) {
		return since1970(text, f)
	}
	if digits := strings.ReplaceAll(text, " ", ""); calendar(digits) { // 20240502174803847, 20240502 174803
		text = digits[:14]
		if len(digits) > 14 {
			text += "." + digits[14:]
		}
	}
	for _, name := range []string{" UTC", " GMT"} { // other abbreviations say not which zone: EST is in Australia too
		if rest, ok := strings.CutSuffix(text, name); ok {
			text, zone = rest, time.UTC
		}
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, text, zone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// earliest is the first year that is believed: readers whose clock was never set begin in 1970 or shortly before
// 2000.
const earliest = 2000

// future is how far a reader's clock may be ahead: a day, as some write local time as if it were UTC.
const future = 24 * time.Hour

var (
	dayForm   = regexp.MustCompile(`^([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})$`)
	clockForm = regexp.MustCompile(
		`^([0-9]{2})[-:.]?([0-9]{2})[-:.]?([0-9]{2})(?:[-:.,]?([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
)

// dayAndTime reads a date and a time of day that stand in two fields, as Tattile writes them: 2026-11-28 and
// 09-48-03-847. Zero when either is something else.
func dayAndTime(day, clock string, zone *time.Location) time.Time {
	d, c := dayForm.FindStringSubmatch(day), clockForm.FindStringSubmatch(clock)
	if d == nil || c == nil {
		return time.Time{}
	}
	text := d[1] + "-" + d[2] + "-" + d[3] + "T" + c[1] + ":" + c[2] + ":" + c[3]
	if c[4] != "" {
		text += "." + c[4]
	}
	return moment(text+c[5], zone)
}

// dropFutureTimes removes times of reads that are too far ahead of now, with a warning for each; such a read has the
// time of its arrival.
func (m *Message) dropFutureTimes(now time.Time) {
	for i := range m.Reads {
		if at := m.Reads[i].At; at.Sub(now) > future {
			m.warn("plate.time-ahead", at.Format(time.RFC3339),
				m.Reads[i].Plate)
			m.Reads[i].At = time.Time{}
		}
	}
}

// calendar reports whether a text of digits is a date and time, yyyymmddhhmmss with or without milliseconds, and no
// count since 1970.
func calendar(text string) bool {
	if len(text) != 14 && len(text) != 17 || !strings.HasPrefix(text, "20") && !strings.HasPrefix(text, "19") {
		return false
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// since1970 reads a count since 1970, text being its digits and f its value. Its size tells the unit: seconds up to
// the year 5138, then milliseconds, microseconds, nanoseconds.
func since1970(text string, f float64) time.Time {
	unit := time.Second
	switch {
	case !(f > 0 && f < 1e20):
		return time.Time{}
	case f >= 1e17:
		unit = time.Nanosecond
	case f >= 1e14:
		unit = time.Microsecond
	case f >= 1e11:
		unit = time.Millisecond
	}
	per := int64(time.Second / unit)
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(whole/per, whole%per*int64(unit)).UTC()
	}
	if f *= float64(unit) / 1000; f >= 1e18 { // microseconds: what a float of this size holds
		return time.Time{}
	}
	return time.UnixMicro(int64(f)).UTC()
}
