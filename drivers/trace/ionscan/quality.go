package ionscan

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/plasmagram"
)

// Quality is the limits of an instrument's quality control. The instrument is "due" once VerifyEvery has passed
// since the last verification, and "out" VerifyGrace later.
type Quality struct {
	VerifyEvery time.Duration `yaml:"verify_every" default:"8h" min:"1m" max:"720h"`
	VerifyGrace time.Duration `yaml:"verify_grace" default:"30m" min:"0s" max:"168h"`
	// Shift and ShiftStart, after midnight UTC, say when counters begin anew.
	Shift      time.Duration `yaml:"shift" default:"8h" min:"1h" max:"24h"`
	ShiftStart time.Duration `yaml:"shift_start" default:"6h" min:"0s" max:"23h59m"`
	// ShiftLimit, RIPPlace, RIPHeight and RIPWidth are how far calibrant and reactant ion peak may be from where
	// they were at the last verification, as shares: 0.01 is 1 %.
	ShiftLimit float64 `yaml:"calibrant_shift" default:"0.01" min:"0.0001" max:"0.2"`
	RIPPlace   float64 `yaml:"rip_place" default:"0.08" min:"0.001" max:"0.5"`
	RIPHeight  float64 `yaml:"rip_amplitude" default:"0.4" min:"0.01" max:"1"`
	RIPWidth   float64 `yaml:"rip_width" default:"0.3" min:"0.01" max:"2"`
	// AlarmsPer is alarms in 100 samples of a shift; ClearDown is how soon after an alarm a blank must be clean.
	AlarmsPer float64       `yaml:"alarms_per_100" default:"20" min:"0.1" max:"100"`
	ClearDown time.Duration `yaml:"clear_down" default:"5m" min:"10s" max:"24h"`
}

// The states of quality control: verified, a verification is due, not to be relied on.
const (
	qcIn  = "in"
	qcDue = "due"
	qcOut = "out"
)

// measurement is the part of a sample that quality control counts. calibrantShift is relative (0.01 is 1 %), and
// known only where temperature and pressure are, as it is of these that the drift time follows.
type measurement struct {
	at             time.Time
	kind, key      string // analysis, verification, blank, health, calibration; the sample's key
	polarity       plasmagram.Polarity
	alarm, passed  bool // by either verdict; of a verification
	health         health
	calibrantShift float64
	hasShift       bool

	clearDown time.Duration // out: for a clean blank after an alarm, how long that is
}

// trend is one measure of the instrument: its value at the last passed verification (or when first seen), and now.
type trend struct{ reference, value float64 }

// quality follows one instrument. It knows no clock but the times of what it is given. It has no lock: instrument.mu
// guards it.
type quality struct {
	Quality
	state   string            // as reported last; "" before the first
	reasons []message.Message // of that state

	shift time.Time // its begin
	now   time.Time // the latest moment it was evaluated at
	tally
}

// tally is the state that samples change. It is one value, so that rollbackSink can put it back.
type tally struct {
	verified, blank time.Time        // last verification passed, last clean blank
	failed          bool             // the last verification failed
	alarm           time.Time        // after which no blank was clean yet
	clearDown       time.Duration    // from the last alarm to the first clean blank after it
	samples, alarms uint32           // in the shift
	trends          map[string]trend // by measure and polarity, "rip_ms positive"
}

func (t tally) clone() tally {
	t.trends = maps.Clone(t.trends)
	return t
}

// rollbackSink is a sink that takes back what samples left in quality control when the journal has them from before:
// after a kill between commit and move, from a tape that is replayed, from a file that is dropped twice; and when
// the commit fails, as the samples come again then.
type rollbackSink struct {
	driver.Sink
	n    *instrument
	kept tally // when the journal took something last
}

// Commit implements driver.Sink.
func (c *rollbackSink) Commit(ctx context.Context, obs ...*observation.Observation) (int, error) {
	added, err := c.Sink.Commit(ctx, obs...)
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if err != nil || added == 0 {
		c.n.quality.tally = c.kept.clone()
	} else {
		c.kept = c.n.quality.tally.clone()
	}
	return added, err
}

func newQuality(limits Quality) *quality {
	return &quality{Quality: limits, tally: tally{trends: map[string]trend{}}}
}

// resume restores the state that was committed last. That the last verification failed is in its reasons.
func (q *quality) resume(last *observation.TraceQuality) {
	at := func(ns int64) time.Time {
		if ns == 0 {
			return time.Time{}
		}
		return time.Unix(0, ns).UTC()
	}
	q.state, q.reasons = last.State, nil
	for i, text := range last.Reasons {
		var m *observation.Message // absent in rows of older versions
		if i < len(last.Messages) {
			m = last.Messages[i]
		}
		q.reasons = append(q.reasons, driver.DecodeMessage(m, text))
		q.failed = q.failed || m.GetCode() == failedReason.Code || text == failedReason.English()
	}
	q.shift, q.verified, q.blank, q.alarm = at(last.ShiftStartNs), at(last.VerifiedNs), at(last.BlankNs),
		at(last.AlarmNs)
	q.samples, q.alarms, q.clearDown = last.Samples, last.Alarms,
		time.Duration(float64(last.ClearDownSeconds)*float64(time.Second))
	for _, t := range last.Trends {
		q.trends[t.Measure] = trend{float64(t.Reference), float64(t.Value)}
	}
}

// shiftOf returns the beginning of the shift in which a moment (UTC) lies. Shifts count from ShiftStart of each day;
// where a day is no multiple of them, the last one is cut.
func (q *quality) shiftOf(at time.Time) time.Time {
	day := at.Truncate(24 * time.Hour).Add(q.ShiftStart)
	if at.Before(day) {
		day = day.Add(-24 * time.Hour)
	}
	return day.Add(at.Sub(day) / q.Shift * q.Shift)
}

// add counts a measurement, whose time is not before that of the last one, and returns what is to be committed because
// of it: the state of quality control, when its reasons changed on the way.
func (q *quality) add(m *measurement) (out []*observation.Observation) {
	out = q.advance(m.at)
	switch m.kind {
	case "verification":
		q.failed = !m.passed
		q.measure(m, m.passed)
		if m.passed {
			q.verified = m.at
		}
	case "blank":
		q.measure(m, false)
		if !m.alarm {
			q.blank = m.at
			if !q.alarm.IsZero() {
				m.clearDown = max(m.at.Sub(q.alarm), 1)
				q.clearDown, q.alarm = m.clearDown, time.Time{}
			}
		}
	case "analysis":
		q.measure(m, false)
		q.samples++
		if m.alarm {
			q.alarms++
			q.alarm = m.at
		}
	default: // health, calibration
		q.measure(m, false)
	}
	return append(out, q.evaluate(m.at, m.key)...)
}

// tick returns what became due because time passed.
func (q *quality) tick(at time.Time) []*observation.Observation {
	return append(q.advance(at), q.evaluate(at, "")...)
}

// advance ends a shift that is over: one with samples is reported as it stood at its end, and counting begins anew.
func (q *quality) advance(at time.Time) (out []*observation.Observation) {
	shift := q.shiftOf(at)
	if q.shift.IsZero() {
		q.shift = shift
	}
	if shift.After(q.shift) {
		end := q.shift.Add(q.Shift)
		if q.samples > 0 {
			o := q.observation(end)
			o.Key = fmt.Sprintf("shift@%d", q.shift.Unix())
			out = append(out, o)
		}
		q.shift, q.samples, q.alarms = shift, 0, 0
	}
	return out
}

// measure updates the trends: shift of the calibrant, drift time (ms), amplitude and width (ms) of the reactant ion
// peak, by polarity. With reference, later values are compared with these.
func (q *quality) measure(m *measurement, reference bool) {
	follow := func(name string, v float64, known bool) {
		if !known {
			return
		}
		name = strings.TrimSpace(name + " " + string(m.polarity))
		t, seen := q.trends[name]
		t.value = v
		if reference || !seen {
			t.reference = v
		}
		q.trends[name] = t
	}
	follow("calibrant_shift", m.calibrantShift, m.hasShift)
	follow("rip_ms", m.health.ripMs, m.health.ripMs > 0)
	if !m.alarm { // analytes take charge from the reactant ions: that is no trend
		follow("rip_amplitude", m.health.ripAmplitude, m.health.ripAmplitude > 0)
		follow("rip_fwhm_ms", m.health.ripFWHMMs, m.health.ripFWHMMs > 0)
	}
}

// deviation returns how far a measure is from its reference, and the limit for it. calibrant_shift is a difference of
// relative shifts; the others are relative to their reference (0.1 is 10 %).
func (q *quality) deviation(name string, t trend) (is, limit float64) {
	relative := 0.0
	if t.reference != 0 {
		relative = math.Abs(t.value/t.reference - 1)
	}
	switch measure, _, _ := strings.Cut(name, " "); measure {
	case "calibrant_shift":
		return math.Abs(t.value - t.reference), q.ShiftLimit
	case "rip_ms":
		return relative, q.RIPPlace
	case "rip_amplitude":
		return relative, q.RIPHeight
	}
	return relative, q.RIPWidth
}

// failedReason is also how a row of the journal says that the last verification failed.
var failedReason = message.New("quality.failed")

// minSamples is the number of samples in a shift below which the share of alarms is not judged: one alarm in a few
// would be over any limit.
const minSamples = 20

// verdict returns the state of quality control at a time, qcIn, qcDue or qcOut, with every reason for it; out wins over
// due.
func (q *quality) verdict(at time.Time) (state string, reasons []message.Message) {
	out := func(reason message.Message) {
		state = qcOut
		reasons = append(reasons, reason)
	}
	state = qcIn
	due := q.verified.Add(q.VerifyEvery)
	verified := message.Arg{Name: "time", Value: message.Instant{Time: q.verified}}
	switch {
	case q.failed:
		out(failedReason)
	case q.verified.IsZero():
		state, reasons = qcDue, []message.Message{message.New("quality.none-yet")}
	case at.After(due.Add(q.VerifyGrace)):
		out(message.New("quality.overdue", verified))
	case at.After(due):
		state, reasons = qcDue, []message.Message{message.New("quality.due", verified)}
	}
	for _, name := range q.measures() {
		if is, limit := q.deviation(name, q.trends[name]); is > limit {
			out(message.New("quality.deviation", message.String("measure", name), message.Number("off", is, 3),
				message.Number("limit", limit, 3)))
		}
	}
	if per := q.per100(); q.samples >= minSamples && per > q.AlarmsPer {
		out(message.New("quality.alarms", message.Number("alarms", per, 0), message.Number("limit", q.AlarmsPer, 1)))
	}
	if !q.alarm.IsZero() && at.Sub(q.alarm) > q.ClearDown {
		out(message.New("quality.no-blank", message.Arg{
			Name: "time", Value: message.Instant{Time: q.alarm, Precision: message.ToSecond},
		}))
	}
	return state, reasons
}

// measures returns the names of trends in a fixed order, so that the same samples give the same rows.
func (q *quality) measures() []string {
	names := make([]string, 0, len(q.trends))
	for name := range q.trends {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// per100 returns alarms in 100 samples of the shift, 0 without samples.
func (q *quality) per100() float64 {
	if q.samples == 0 {
		return 0
	}
	return 100 * float64(q.alarms) / float64(q.samples)
}

// evaluate returns an observation when the state changed, or the number of its reasons; with a cause always. cause
// is the key of the sample that it was, "" for time alone. A change is an event, the rest telemetry.
func (q *quality) evaluate(at time.Time, cause string) []*observation.Observation {
	if at.Before(q.now) {
		at = q.now // a late file turns back no clock
	}
	q.now = at
	state, reasons := q.verdict(at)
	changed := state != q.state || len(reasons) != len(q.reasons)
	if !changed && cause == "" {
		return nil
	}
	q.state, q.reasons = state, reasons
	o := q.observation(at)
	if !changed { // counters and times, so that a restart goes on with them
		o.Class = observation.Class_CLASS_TELEMETRY
	}
	o.Key = fmt.Sprintf("quality@%d", at.UnixNano())
	if cause != "" { // the same when the sample comes again
		o.Key = "quality:" + cause
	}
	return []*observation.Observation{o}
}

// observation returns the state with its counters and trends: all that resume needs.
func (q *quality) observation(at time.Time) *observation.Observation {
	ns := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixNano()
	}
	body := &observation.TraceQuality{
		State: q.state, ShiftStartNs: ns(q.shift), VerifiedNs: ns(q.verified), BlankNs: ns(q.blank),
		AlarmNs: ns(q.alarm),
		Samples: q.samples, Alarms: q.alarms, AlarmsPer_100: float32(q.per100()),
		ClearDownSeconds: float32(q.clearDown.Seconds()),
	}
	body.Reasons, body.Messages = encodeReasons(q.reasons)
	for _, name := range q.measures() {
		t := q.trends[name]
		is, limit := q.deviation(name, t)
		body.Trends = append(body.Trends, &observation.TraceTrend{Measure: name, Reference: float32(t.reference),
			Value: float32(t.value), Limit: float32(limit), Outside: is > limit})
	}
	return observation.New(observation.Class_CLASS_EVENT, at, body)
}
