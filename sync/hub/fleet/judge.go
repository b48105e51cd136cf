package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
)

// Limits by which lanes are judged.
const (
	// silentAfter is how long an agent may be without a word: it says its state each minute, and thin links are slow.
	silentAfter = 150 * time.Second
	// lostAfter is how long a lane without a link is degraded, before it counts as without one: links come back.
	lostAfter = 5 * time.Minute
	// startsWithin is how long a device may be connecting.
	startsWithin = time.Minute
	// clockLimit is the error of an agent's clock from which results cannot be compared, with what a message may be under
	// way on a thin link.
	clockLimit = 5 * time.Second
	// maxWords bounds a text of an agent's, in bytes, and maxNamed the tests, devices and conditions that are named.
	maxWords = 300
	maxNamed = 100
)

// finder collects the troubles of an agent.
type finder struct {
	*agent
	now     time.Time
	found   []Found
	recheck time.Time
}

// Found is a trouble of a lane, or of all lanes of an agent.
type Found struct {
	hubapi.Trouble
	lane string // "" for all
}

// lanesOf returns how an agent's lanes are at a time, and when that may change by time alone; zero for never.
func lanesOf(a *agent, now time.Time) (lanes []hubapi.FleetLane, recheck time.Time) {
	f := &finder{agent: a, now: now}
	f.link()
	f.machine()
	f.devices()
	f.tests()
	for _, l := range a.laneNames() {
		lanes = append(lanes, f.lane(l))
	}
	return lanes, f.recheck
}

// laneNames returns the lanes of the inventory; one without a name where it has none.
func (a *agent) laneNames() []*observation.Lane {
	if all := a.journal.Inventory.GetLanes(); len(all) > 0 {
		return all
	}
	return []*observation.Lane{{}}
}

// add adds a trouble. The zero since is not known; lane "" is all lanes.
func (f *finder) add(level, lane, device string, since time.Time, text, do message.Message, code string) {
	t := hubapi.Trouble{Code: code, Level: level, Device: short(device), Text: text.Text(), Do: do.Text()}
	if !since.IsZero() && since.UnixNano() != 0 {
		at := since.UTC().Truncate(time.Second)
		t.Since = &at
	}
	f.found = append(f.found, Found{t, lane})
}

// tell adds a trouble whose code is that of its message.
func (f *finder) tell(level string, since time.Time, text message.Message) {
	f.add(level, "", "", since, text, text.Do(), text.Code)
}

// later notes that the lanes are to be judged again at a time.
func (f *finder) later(at time.Time) {
	if f.recheck.IsZero() || at.Before(f.recheck) {
		f.recheck = at
	}
}

// heard reports whether there is a link: the agent said something lately, and not that it stops.
func (f *finder) heard() bool {
	return f.said.state.GetOnline() && f.now.Sub(f.said.at) <= silentAfter
}

// link looks at whether the agent is heard, and taken.
func (f *finder) link() {
	if !f.journal.Refused.IsZero() {
		text := message.New("hub-refuses")
		f.add(hubapi.FleetTrouble, "", "", time.Time{}, within(text, f.journal.Refused.Message()), text.Do(), text.Code)
	}
	if f.heard() {
		f.later(f.said.at.Add(silentAfter + time.Second))
		return
	}
	last := f.said.at
	if f.said.state == nil {
		last = f.journal.Hello
	}
	level := hubapi.FleetNoLink
	if f.now.Sub(last) < lostAfter {
		level = hubapi.FleetDegraded
		f.later(last.Add(lostAfter))
	}
	f.tell(level, last, message.New("not-heard"))
}

// machine looks at clock, disk, journal and orders of the agent, as it said last.
func (f *finder) machine() {
	if f.heard() && f.said.off.Abs() > clockLimit {
		direction := message.New("clock-off.ahead")
		if f.said.off < 0 {
			direction = message.New("clock-off.behind")
		}
		f.tell(hubapi.FleetTrouble, time.Time{}, message.New("clock-off",
			message.Duration("off", f.said.off.Abs().Truncate(time.Second)), message.Nested("direction", direction)))
	}
	h := f.said.health
	if h == nil {
		if f.said.state != nil {
			f.tell(hubapi.FleetUnreported, time.Time{}, message.New("health-unreported"))
		}
		return
	}
	if h.JournalFailing {
		text := message.New("journal-fails")
		why := within(text, words(h.JournalReason, h.JournalReasonFr))
		f.add(hubapi.FleetTrouble, "", "", time.Time{}, why, text.Do(), text.Code)
	}
	switch h.DiskRefused {
	case "":
	case "telemetry":
		f.tell(hubapi.FleetDegraded, time.Time{}, message.New("disk-telemetry"))
	default:
		f.tell(hubapi.FleetTrouble, time.Time{}, message.New("disk-events"))
	}
	if h.OrdersStale {
		f.tell(hubapi.FleetDegraded, unix(h.OrdersSignedNs), message.New("orders-old"))
	}
	if h.ClockUnsynchronised {
		f.tell(hubapi.FleetInfo, time.Time{}, message.New("clock-unsynchronised"))
	}
}

// devices looks at devices that do not work, their conditions, and maintenance.
func (f *finder) devices() {
	for i, d := range f.said.state.GetTrouble() {
		if i == maxNamed {
			break
		}
		since, level := unix(d.SinceNs), hubapi.FleetTrouble
		if began := since.Add(f.said.off * -1); d.State == "connecting" && f.now.Sub(began) < startsWithin {
			level = hubapi.FleetDegraded
			f.later(began.Add(startsWithin))
		}
		text := notRunning(d.State, d.Device)
		why := within(f.titled(d.Device), text, words(d.Reason, d.ReasonFr))
		f.add(level, f.laneOf(d.Device), d.Device, since, why, text.Do(), text.Code)
	}
	for i, c := range f.conditions {
		if i < maxNamed {
			text := within(f.titled(c.Device), c.Text.Message())
			f.add(hubapi.FleetDegraded, f.laneOf(c.Device), c.Device, c.Since, text, message.Message{}, "condition")
		}
	}
	for i, id := range f.said.health.GetMaintenance() {
		if i < maxNamed {
			text := message.New("device-maintenance", message.String("device", short(id)))
			f.add(hubapi.FleetDegraded, f.laneOf(id), id, time.Time{}, within(f.titled(id), text), text.Do(), text.Code)
		}
	}
}

// notRunning says in which state a device is that does not run, with doctor's words.
func notRunning(state, device string) message.Message {
	of := message.String("device", short(device))
	switch state {
	case "silent":
		return message.New("device-silent", of)
	case "connecting":
		return message.New("device-connecting", of)
	case "stopped":
		return message.New("device-stopped", of)
	}
	return message.New("device-down", of)
}

// tests looks at tests that are due. One that is due is worth knowing; overdue, or failed, somebody has to act.
func (f *finder) tests() {
	for i, t := range f.said.health.GetDue() {
		if i == maxNamed {
			break
		}
		args := []message.Arg{
			message.Nested("title", words(t.Title, t.TitleFr)), message.String("device", short(t.Device)),
			message.String("test", short(t.Test)),
		}
		level, text := hubapi.FleetInfo, message.New("test-due", args...)
		switch {
		case t.Failed:
			level, text = hubapi.FleetTrouble, message.New("test-failed", args...)
		case t.Overdue:
			level, text = hubapi.FleetTrouble, message.New("test-overdue", args...)
		}
		f.add(level, f.laneOf(t.Device), t.Device, unix(t.SinceNs), within(f.titled(t.Device), text), text.Do(), text.Code)
	}
}

// laneOf returns the lane of a device; "" for a device of the site, or one that is not in the inventory.
func (a *agent) laneOf(device string) string { return a.device(device).GetLane() }

func (a *agent) device(id string) *observation.Device {
	for _, d := range a.journal.Inventory.GetDevices() {
		if d.Id == id {
			return d
		}
	}
	return nil
}

// titled names a device: its title, or its id.
func (a *agent) titled(id string) message.Message {
	return message.Verbatim(short(cmp.Or(a.device(id).GetTitle(), id)))
}

// severity ranks the levels of troubles, the worst first.
func severity(level string) int {
	if level == hubapi.FleetInfo {
		return len(ranks)
	}
	return slices.Index(ranks, level)
}

// lane returns how one lane is.
func (f *finder) lane(l *observation.Lane) hubapi.FleetLane {
	state, health := f.said.state, f.said.health
	out := hubapi.FleetLane{
		Site: f.name.Site, Agent: f.name.Agent, Lane: l.Id, Title: short(l.Title), Level: hubapi.FleetOK,
		Troubles: []hubapi.Trouble{}, Software: short(cmp.Or(state.GetSoftware(), f.journal.Software)),
		Bundle: short(health.GetBundle()), Unsynchronised: health.GetClockUnsynchronised(),
	}
	if health != nil {
		percent := int(health.DiskPercent)
		out.Disk = &percent
	}
	if f.heard() {
		if f.said.off.Abs() > clockLimit {
			off := int64(f.said.off.Round(5*time.Second) / time.Second)
			out.ClockOff = &off
		}
	} else {
		out.Queued = state.GetWaitingAlarms() + state.GetWaitingEvents() + state.GetWaitingTelemetry()
		if state != nil {
			at := f.said.at.UTC().Truncate(time.Second)
			out.Heard = &at
		}
	}
	f.countDevices(&out)
	for _, t := range f.found {
		if t.lane != "" && t.lane != l.Id {
			continue
		}
		out.Troubles = append(out.Troubles, t.Trouble)
		if severity(t.Level) < severity(out.Level) {
			out.Level = t.Level
		}
	}
	slices.SortStableFunc(out.Troubles, func(a, b hubapi.Trouble) int {
		return cmp.Compare(severity(a.Level), severity(b.Level))
	})
	return out
}

// countDevices counts a lane's devices, those that work, and tests.
func (f *finder) countDevices(out *hubapi.FleetLane) {
	for _, d := range f.journal.Inventory.GetDevices() {
		if d.Lane == "" || d.Lane == out.Lane {
			out.Devices++
		}
	}
	out.Working = out.Devices
	for _, d := range f.said.state.GetTrouble() {
		if of := f.device(d.Device); of != nil && (of.Lane == "" || of.Lane == out.Lane) {
			out.Working--
		}
	}
	out.Working = max(0, out.Working)
	for _, t := range f.said.health.GetDue() {
		if of := f.laneOf(t.Device); of == "" || of == out.Lane {
			out.TestsDue++
			if t.Overdue || t.Failed {
				out.TestsOverdue++
			}
		}
	}
}

// within joins what is wrong with its causes: "Portal 1: the device has no link: connection refused". Parts that say
// nothing are left out.
func within(parts ...message.Message) message.Message {
	parts = slices.DeleteFunc(parts, message.Message.IsZero)
	if len(parts) == 1 {
		return parts[0]
	}
	return message.New("within", message.Nested("where", parts[0]), message.Nested("cause", within(parts[1:]...)))
}

// words returns a text of an agent's; the zero Message for none. French is missing from earlier agents.
func words(english, french string) message.Message {
	if english == "" {
		return message.Message{}
	}
	return message.Text{EN: short(english), FR: short(cmp.Or(french, english))}.Message()
}

// short bounds a text that comes from outside, and takes away what is no text.
func short(s string) string {
	if len(s) > maxWords {
		s = s[:maxWords] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// unix returns a time in ns, the zero time for 0.
func unix(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
