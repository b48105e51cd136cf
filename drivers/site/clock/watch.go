package clock

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// watch follows the clock. It knows no clock but the times of what it is given.
type watch struct {
	Config
	gps
	faults     driver.Faults
	conditions driver.Conditions
	buf        []byte
	offsetAt   int64     // of buf in the input
	lost       time.Time // since when the clock is not disciplined
	noFix      time.Time
	noReceiver time.Time
	reported   time.Time
}

// feed takes gpsd's messages, JSON objects a line.
func (w *watch) feed(at time.Time, data []byte) {
	w.buf = append(w.buf, data...)
	for {
		n := bytes.IndexByte(w.buf, '\n')
		if n < 0 {
			break
		}
		if line := bytes.TrimSpace(w.buf[:n]); len(line) > 0 {
			if err := w.message(at, line); err != nil {
				w.faults.Add(at, err.Error(), w.offsetAt, line)
			}
		}
		w.offsetAt += int64(n + 1)
		w.buf = append(w.buf[:0], w.buf[n+1:]...)
	}
	if len(w.buf) > maxLine {
		w.faults.Add(at, fmt.Sprintf("a message of more than %d bytes: is this gpsd?", maxLine), w.offsetAt, w.buf)
		w.offsetAt += int64(len(w.buf))
		w.buf = w.buf[:0]
	}
}

// gpsDelay is how late a receiver's message comes after the second it speaks of.
const gpsDelay = 1500 * time.Millisecond

// noReceiverAfter is how long gpsd may be without a receiver before it is reported: it opens them one after another.
const noReceiverAfter = 10 * time.Second

// since notes since when something is bad, and reports whether it is for longer than patience.
func since(t *time.Time, at time.Time, bad bool, patience time.Duration) bool {
	if !bad {
		*t = time.Time{}
		return false
	}
	if t.IsZero() {
		*t = at
	}
	return at.Sub(*t) >= patience
}

// report returns what is new of the state of the clock.
func (w *watch) report(at time.Time, k kernelState) (out []*observation.Observation) {
	limit := float64(w.Error.Milliseconds())
	out = append(out, w.conditions.Set(at, "unsynchronised", "", since(&w.lost, at, !k.synchronised, w.Patient),
		"the clock is not disciplined: no NTP server, no GPS?")...)
	out = append(out, w.conditions.Limit(at, "clock-error", k.synchronised && k.errorMs > limit, k.errorMs, limit,
		"the clock's estimated error is large")...)
	if w.GPSD != "" {
		w.tick(at)
		out = append(out, w.receiver(at)...)
		out = append(out, w.time(at, limit)...)
	}
	if at.Sub(w.reported) < w.Report {
		return out
	}
	w.reported = at
	o := observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.SiteClock{
		Synchronised: k.synchronised, EstimatedErrorMs: k.errorMs, OffsetMs: k.offsetMs, FrequencyPpm: k.ppm,
		GpsMode: w.mode, Satellites: w.satellites, GpsOffsetMs: w.offset,
		GpsReceivers: slices.Clone(w.receivers),
	})
	driver.SetKey(o, fmt.Sprintf("clock@%d", at.UnixNano()))
	return append(out, o)
}

// without reports whether gpsd has said that it has no receiver.
func (w *watch) without() bool { return w.listed && len(w.receivers) == 0 && w.heard.IsZero() }

// receiver reports a receiver that is missing, mute, or without fix.
func (w *watch) receiver(at time.Time) (out []*observation.Observation) {
	out = w.conditions.Set(at, "gps-no-receiver", "", since(&w.noReceiver, at, w.without(), min(noReceiverAfter,
		w.Patient)),
		"gpsd has no receiver: is it plugged in, and in gpsd's settings (DEVICES in /etc/default/gpsd)?")
	text := "the GPS receiver has no fix: antenna, cable, sky?"
	if w.heard.IsZero() {
		text = "the GPS receiver says nothing to gpsd: power, cable, speed of its line?"
	}
	return append(out, w.conditions.Set(at, "gps-no-fix", "", since(&w.noFix, at, !w.hasFix() && !w.without(),
		w.Patient), text)...)
}

// time compares GPS time with the clock.
func (w *watch) time(at time.Time, limit float64) (out []*observation.Observation) {
	if w.offset == nil {
		return nil
	}
	o := *w.offset
	weeks := rollover(o)
	out = w.conditions.Set(at, "gps-week-rollover", "", weeks != 0, rolloverText(weeks))
	off := weeks == 0 && max(o, -o) > limit+float64(gpsDelay.Milliseconds())
	return append(out, w.conditions.Limit(at, "gps-offset", off, o, limit, offsetText(o))...)
}

// about says for a technician how the clock is.
func (w *watch) about(at time.Time, k kernelState) string {
	text := "not disciplined"
	if k.synchronised {
		text = fmt.Sprintf("disciplined, estimated error %.3g ms", k.errorMs)
	}
	switch {
	case w.GPSD == "":
	case w.without():
		text += "; gpsd has no receiver"
	case w.heard.IsZero():
		text += "; the GPS receiver says nothing"
	case !w.hasFix():
		text += "; GPS without fix"
	case w.offset != nil && rollover(*w.offset) != 0:
		text += "; GPS week number has run over"
	default:
		text += fmt.Sprintf("; GPS fix %s, %d %s",
			w.mode, w.satellites, english.PluralWord(int(w.satellites), "satellite", ""))
	}
	return text
}
