package clock

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// watch follows the clock. It knows no clock but the times of what it is given, which are those of the clock that it
// watches.
type watch struct {
	Config
	gps
	faults     driver.Faults
	conditions driver.Conditions
	buf        []byte
	offsetAt   int64     // of buf in the input
	lost       time.Time // since when the clock is not disciplined
	noFix      time.Time // since when there is none, or no receiver
	noReceiver time.Time
	reported   time.Time // the last telemetry
}

// feed handles gpsd's messages, JSON objects a line, however they are cut. A line over maxLine is a fault: the port
// is not gpsd's.
func (w *watch) feed(at time.Time, data []byte) {
	w.buf = append(w.buf, data...)
	for {
		n := bytes.IndexByte(w.buf, '\n')
		if n < 0 {
			break
		}
		if line := bytes.TrimSpace(w.buf[:n]); len(line) > 0 {
			if err := w.handleMessage(at, line); err != nil {
				w.faults.Add(at, message.Of(err), w.offsetAt, line)
			}
		}
		w.offsetAt += int64(n + 1)
		w.buf = append(w.buf[:0], w.buf[n+1:]...)
	}
	if len(w.buf) > maxLine {
		w.faults.Add(at, message.New("clock.no-gpsd", message.Count("n", maxLine)), w.offsetAt, w.buf)
		w.offsetAt += int64(len(w.buf))
		w.buf = w.buf[:0]
	}
}

// gpsDelay is the usual delay of a receiver's message after its second.
const gpsDelay = 1500 * time.Millisecond

// noReceiverAfter is the time that gpsd may be without a receiver before it is reported: it opens them one after
// another.
const noReceiverAfter = 10 * time.Second

// since keeps in t since when something is bad, and reports whether it is for longer than patience.
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

// report returns what is new of the state of the clock: conditions that begin or end, and every Report the state as
// telemetry.
func (w *watch) report(at time.Time, k kernelState) (out []*observation.Observation) {
	limit := float64(w.Error.Milliseconds())
	out = append(out, w.conditions.Set(at, "unsynchronised", "", since(&w.lost, at, !k.synchronised, w.Patient),
		message.New("clock.unsynchronised"))...)
	out = append(out, w.conditions.Limit(at, "clock-error", k.synchronised && k.errorMs > limit, k.errorMs, limit,
		message.New("clock.error"))...)
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
		message.New("clock.no-receiver"))
	text := message.New("clock.no-fix")
	if w.heard.IsZero() {
		text = message.New("clock.receiver-mute")
	}
	return append(out, w.conditions.Set(at, "gps-no-fix", "", since(&w.noFix, at, !w.hasFix() && !w.without(),
		w.Patient), text)...)
}

// time compares GPS time with the clock; limit is the largest error in ms, beside the receiver's own delay.
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
func (w *watch) about(at time.Time, k kernelState) message.Message {
	kernel := message.New("clock.about-free")
	if k.synchronised {
		kernel = message.New("clock.about-disciplined", message.Quantity("error", k.errorMs, 2, "ms"))
	}
	var gps message.Message
	switch {
	case w.GPSD == "":
	case w.without():
		gps = message.New("clock.about-no-receiver")
	case w.heard.IsZero():
		gps = message.New("clock.about-mute")
	case !w.hasFix():
		gps = message.New("clock.about-no-fix")
	case w.offset != nil && rollover(*w.offset) != 0:
		gps = message.New("clock.about-rollover")
	default:
		gps = message.New("clock.about-fix", message.String("mode", w.mode), message.Count("n", w.satellites))
	}
	return message.Join("; ", kernel, gps)
}
