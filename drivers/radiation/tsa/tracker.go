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

// tracker turns the lines of one portal, in their order, into observations. It has no clock and no I/O: time comes
// with the lines. What it has to say gathers in out. The states of a vehicle:
//
//	unoccupied  --GS, GA, NS, NA, SP-->            occupied
//	occupied    --GX-->                            unoccupied, complete
//	occupied    --GB, GH, GL, NB, NH-->            unoccupied, incomplete
//	occupied    --time-out, disconnect, 1 h-->     unoccupied, incomplete
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
	gamma      []int32 // last gamma background, counts in 1 s by detector
	neutron    []int32 // the same of neutrons
	tamper     bool
	fault      map[observation.RadiationFault_Fault]bool // in force
	setup      map[lineKind]string                       // fields as they were reported last

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

// emit adds an observation with a key of name, time and content.
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

// handleLine handles one line that arrived at the time at. It returns an error when the line does not fit what went
// before: an end mark without an occupancy.
func (t *tracker) handleLine(at time.Time, l *line) error {
	t.tick(at)
	switch {
	case l.kind.occupied():
		t.onOccupied(at, l)
	case l.kind == lineGX:
		return t.onEndMark(at, l)
	case l.kind == lineTT || l.kind == lineTC:
		t.onTamper(at, l.kind == lineTT)
	case l.kind.setup():
		t.onSetup(at, l)
	default:
		t.onUnoccupied(at, l)
	}
	return nil
}

// backgroundHold is the time that a GB line waits for its NB line.
const backgroundHold = time.Second

// tick lets time pass: what waits for something that does not come is ended, as of its last line.
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

// end closes the occupancy under way; there must be one.
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

// onOccupied handles a line that is sent only while a vehicle is in the portal. The first begins an occupancy, which
// is incomplete when nothing was seen before it: its true begin may have been earlier.
func (t *tracker) onOccupied(at time.Time, l *line) {
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

// onEndMark handles a GX line. One without an occupancy is an error: its lines were lost.
func (t *tracker) onEndMark(at time.Time, l *line) error {
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

// onUnoccupied handles a background or fault line: an occupancy is over, even without GX. A GB is held for the NB
// that follows it within backgroundHold, so that both are one observation.
func (t *tracker) onUnoccupied(at time.Time, l *line) {
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

// hold keeps a background until its other half comes, or tick lets it go.
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

// setFault reports a fault when it begins and when it is over. counts are those of the line that says so.
func (t *tracker) setFault(at time.Time, fault observation.RadiationFault_Fault, on bool, counts []int32) {
	if t.fault[fault] == on {
		return
	}
	t.fault[fault] = on
	t.emit(observation.Class_CLASS_EVENT, at, fmt.Sprintf("fault-%d-%t", fault, on),
		&observation.RadiationFault{Fault: fault, Cleared: !on, Counts: counts})
}

// onTamper handles TT and TC lines; repeats say nothing new. A tripped contact is an alarm, and marks the occupancy.
func (t *tracker) onTamper(at time.Time, on bool) {
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

// onSetup handles a setup line, which is reported when its fields change. SG1 also says how the monitor decides, for
// occupancies from here on; values that cannot be are passed over.
func (t *tracker) onSetup(at time.Time, l *line) {
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
