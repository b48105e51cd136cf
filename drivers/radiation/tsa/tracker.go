package tsa

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// tracker turns the lines of one portal, in their order, into observations. It has no clock and no I/O: time comes with
// the lines. What it has to say gathers in out.
type tracker struct {
	rule      alarmRule
	timeout   time.Duration // an occupancy without occupied lines for so long is over
	estimated bool          // lines carry no time of their own

	out []*observation.Observation

	// an unoccupied line or an end of occupancy was seen: the start of the next occupancy is its first line
	known      bool
	occ        *openOccupancy
	background *observation.RadiationBackground // a GB line that waits for its NB line
	heldAt     time.Time
	gamma      []int32 // last gamma background
	neutron    []int32
	tamper     bool
	fault      map[observation.RadiationFault_Fault]bool
	setup      map[lineKind]string

	keyAt time.Time
	keys  map[string]int // how often each name was used at keyAt
}

func newTracker(rule alarmRule, timeout time.Duration) *tracker {
	return &tracker{rule: rule, timeout: timeout, fault: map[observation.RadiationFault_Fault]bool{},
		setup: map[lineKind]string{}, keys: map[string]int{}}
}

// drain returns the observations that gathered since the last call, in their order, and forgets them.
func (t *tracker) drain() []*observation.Observation {
	out := t.out
	t.out = nil
	return out
}

// idle reports whether nothing is under way that a crash would lose.
func (t *tracker) idle() bool { return t.occ == nil && t.background == nil }

func (t *tracker) emit(class observation.Class, at time.Time, key string, body proto.Message) {
	o := observation.New(class, at, body)
	driver.SetKey(o, t.key(key, at))
	t.out = append(t.out, o)
}

// key makes an observation's key of its name and time. Lines that waited somewhere arrive in one chunk and so at one
// time: a count tells them apart, the same one when the chunk is replayed.
func (t *tracker) key(name string, at time.Time) string {
	if !at.Equal(t.keyAt) {
		t.keyAt = at
		clear(t.keys)
	}
	t.keys[name]++
	if n := t.keys[name]; n > 1 {
		return fmt.Sprintf("%s@%d#%d", name, at.UnixNano(), n)
	}
	return fmt.Sprintf("%s@%d", name, at.UnixNano())
}

// line takes one line that arrived at a time. It returns an error when the line does not fit what went before.
func (t *tracker) line(at time.Time, l *line) error {
	t.tick(at)
	switch {
	case l.kind.occupied():
		t.occupied(at, l)
	case l.kind == lineGX:
		return t.marked(at, l)
	case l.kind == lineTT || l.kind == lineTC:
		t.tampered(at, l.kind == lineTT)
	case l.kind.setup():
		t.setUp(at, l)
	default:
		t.unoccupied(at, l)
	}
	return nil
}

// backgroundHold is the time that a GB line waits for its NB line.
const backgroundHold = time.Second

// tick lets time pass: what waits for something that does not come is ended.
func (t *tracker) tick(at time.Time) {
	if t.background != nil && at.Sub(t.heldAt) > backgroundHold {
		t.releaseBackground()
	}
	if t.occ != nil && at.Sub(t.occ.lastLine) > t.timeout {
		t.end(observation.RadiationOccupancy_END_TIMEOUT)
	}
}

// breakOff ends what is under way: the connection or the recording broke off, and what comes next is another story.
func (t *tracker) breakOff() {
	t.releaseBackground()
	if t.occ != nil {
		t.end(observation.RadiationOccupancy_END_DISCONNECT)
	}
	t.known = false
}

func (t *tracker) end(how observation.RadiationOccupancy_End) {
	o := t.occ.finish(how)
	name := t.occ.key
	if n := t.occ.rec.Number; n != 0 {
		name += fmt.Sprintf(":%d", n)
	}
	// The name tells it from all others: when its first line came, to the nanosecond, as the recording has it. Its
	// content does not follow from its own lines alone: the background is of lines before it, which a replay after a
	// crash may lack. With a digest of that in the key it would be journalled twice.
	o.Key = driver.Key(name)
	t.out = append(t.out, o)
	t.occ = nil
}

func (t *tracker) occupied(at time.Time, l *line) {
	t.releaseBackground()
	if t.occ != nil && at.Sub(t.occ.start) > maxOccupancy {
		t.end(observation.RadiationOccupancy_END_TIMEOUT)
		t.known = false
	}
	if t.occ == nil {
		t.occ = startOccupancy(at, t.rule, t.gamma, t.neutron)
		t.occ.key = t.key("occupancy", at)
		t.occ.rec.Incomplete, t.occ.rec.Tamper, t.occ.rec.TimeEstimated = !t.known, t.tamper, t.estimated
	}
	t.occ.lastLine = at
	switch l.kind {
	case lineGS, lineGA:
		t.occ.addGamma(l)
	case lineNS, lineNA:
		t.occ.addNeutron(l)
	case lineSP:
		t.occ.rec.BeamSeconds, t.occ.rec.SpeedKph = l.beamSeconds, l.kph
	}
}

// marked takes a GX line.
func (t *tracker) marked(at time.Time, l *line) error {
	t.known = true
	if t.occ == nil {
		return message.Errorf("tsa.no-occupancy",
			message.String("number", strconv.FormatUint(uint64(l.number), 10)))
	}
	t.occ.lastLine = at
	t.occ.rec.Number, t.occ.rec.NeutronBackgroundMilli = l.number, l.neutronMilli
	t.end(observation.RadiationOccupancy_END_MARKED)
	return nil
}

// unoccupied takes a background or fault line.
func (t *tracker) unoccupied(at time.Time, l *line) {
	t.known = true
	if t.occ != nil {
		t.end(observation.RadiationOccupancy_END_BACKGROUND)
	}
	counts := append([]int32(nil), trimCounts(l.counts[:])...)
	if l.kind == lineNB || l.kind == lineNH {
		t.neutron = counts
		t.setFault(at, observation.RadiationFault_FAULT_NEUTRON_HIGH, l.kind == lineNH, counts)
		if t.background == nil {
			t.hold(at, &observation.RadiationBackground{})
		}
		t.background.Neutron = counts
		t.releaseBackground()
		return
	}
	t.gamma = counts
	t.setFault(at, observation.RadiationFault_FAULT_GAMMA_HIGH, l.kind == lineGH, counts)
	t.setFault(at, observation.RadiationFault_FAULT_GAMMA_LOW, l.kind == lineGL, counts)
	t.releaseBackground()
	t.hold(at, &observation.RadiationBackground{Gamma: counts})
}

// trimCounts drops trailing detectors without a value.
func trimCounts(c []int32) []int32 {
	for len(c) > 0 && c[len(c)-1] == noValue {
		c = c[:len(c)-1]
	}
	return c
}

func (t *tracker) hold(at time.Time, b *observation.RadiationBackground) {
	t.background, t.heldAt = b, at
}

func (t *tracker) releaseBackground() {
	if t.background == nil {
		return
	}
	t.emit(observation.Class_CLASS_TELEMETRY, t.heldAt, "background", t.background)
	t.background = nil
}

// setFault reports a fault when it begins and when it is over.
func (t *tracker) setFault(at time.Time, fault observation.RadiationFault_Fault, on bool, counts []int32) {
	if t.fault[fault] == on {
		return
	}
	t.fault[fault] = on
	t.emit(observation.Class_CLASS_EVENT, at, fmt.Sprintf("fault-%d-%t", fault, on),
		&observation.RadiationFault{Fault: fault, Cleared: !on, Counts: counts})
}

func (t *tracker) tampered(at time.Time, on bool) {
	if t.occ != nil && on {
		t.occ.rec.Tamper = true
	}
	if t.tamper == on {
		return
	}
	t.tamper = on
	class := observation.Class_CLASS_EVENT
	if on {
		class = observation.Class_CLASS_ALARM
	}
	t.emit(class, at, fmt.Sprintf("tamper-%t", on), &observation.RadiationTamper{Tripped: on})
}

// setUp takes a setup line: SG1 also says how the monitor decides.
func (t *tracker) setUp(at time.Time, l *line) {
	if l.kind == lineSG1 {
		if n, ok := l.setupValue("intervals"); ok && n >= 1 && n <= 50 {
			t.rule.intervals = int(n)
		}
		if n, ok := l.setupValue("n_sigma"); ok && n > 0 {
			t.rule.nSigma = n
		}
	}
	if t.setup[l.kind] == string(l.fields) {
		return
	}
	t.setup[l.kind] = string(l.fields)
	body := &observation.RadiationSetup{Line: setupNames[l.kind]}
	fields := bytes.Split(l.fields, comma)
	for i, name := range setupFields[l.kind] {
		if name != "" && i < len(fields) {
			body.Settings = append(body.Settings,
				&observation.Setting{Name: name, Value: string(bytes.ToValidUTF8(fields[i], []byte("?")))})
		}
	}
	t.emit(observation.Class_CLASS_EVENT, at, "setup-"+body.Line, body)
}
