package kinds

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

var states = map[observation.DeviceState_State]string{
	observation.DeviceState_STATE_CONNECTING: "states.connecting",
	observation.DeviceState_STATE_RUNNING:    "states.ok",
	observation.DeviceState_STATE_SILENT:     "states.connected-but-nothing-comes",
	observation.DeviceState_STATE_DOWN:       "states.no-link",
	observation.DeviceState_STATE_STOPPED:    "states.stopped",
}

func deviceState(b *observation.DeviceState) Text {
	return say(states[b.State]).saying(b.Message, b.Reason)
}

// deviceMaintenance says until when somebody works on a device, or that this is over.
func deviceMaintenance(b *observation.DeviceMaintenance) Text {
	t := say("maintenance.ended", arg("by", b.By))
	switch {
	case b.Expired:
		return say("maintenance.expired")
	case b.UntilNs != 0:
		until := inBoth(message.Time("", time.Unix(0, b.UntilNs)).Value)
		t = say("maintenance.until", arg("until", until), arg("by", b.By))
	}
	t.Words = b.Reason
	return t
}

func deviceFault(b *observation.DeviceFault) Text {
	t := say("device-fault.input-not-understood")
	if b.Count > 1 {
		t = say("device-fault.input-not-understood-times", arg("count", count("count.time", b.Count)))
	}
	if b.Source != "" {
		t = say("device-fault.from", arg("fault", t), arg("source", b.Source))
	}
	return t.saying(b.Message, b.Reason)
}

func deviceImport(b *observation.DeviceImport) Text {
	file := orText(b.Name, say("device-import.file"))
	return sentence(say("device-import.read", arg("file", file)),
		count("count.line", b.Lines),
		say("device-import.new", arg("added", count("count.record", b.Added))),
		when(b.Faults > 0, count("count.line-not-understood", b.Faults)))
}

func deviceReading(b *observation.DeviceReading) Text {
	parts := append([]Text{when(b.Alarm != "", say("device-reading.alarm"))}, quantities(b.Values)...)
	t := sentence(parts...)
	if t.EN == "" {
		t = say("device-reading.message", arg("message", b.Message))
	}
	return t.saying(b.AlarmMessage, b.Alarm)
}

// onOff returns what a device wrote; on and off are words of ours too.
func onOff(text string) Text {
	if text == "on" || text == "off" {
		return name("on-off", text)
	}
	return plainly(text)
}

// quantities are the first of what a device measured, each with its name and its unit.
func quantities(all []*observation.Quantity) (parts []Text) {
	const most = 6
	for _, q := range all[:min(len(all), most)] {
		value := onOff(q.Text)
		if q.Number != nil && json.Valid([]byte(q.Text)) { // a number as the device wrote it, not a word
			value = num(q.GetNumber(), 4)
		}
		if q.Unit != "" {
			value = say("quantities.with-unit", arg("value", value), arg("unit", inBoth(message.Unit(q.Unit))))
		}
		parts = append(parts, say("quantities.named", arg("name", driversName("quantity.", q.Name)), arg("value", value)))
	}
	return parts
}

func vehicleReading(b *observation.VehicleReading) Text {
	parts := []Text{when(b.Alarm != "", say("vehicle-reading.alarm")), driversName("reading.", b.Name)}
	t := sentence(append(append(parts, quantities(b.Values)...),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.LengthM > 0, unit(float64(b.LengthM), 1, "m")),
		when(b.Direction != "", name("directions", b.Direction)))...)
	return t.saying(b.AlarmMessage, b.Alarm)
}

// driversName returns the catalogue's name for a driver's own term; without one it is shown as the driver wrote it.
func driversName(prefix, word string) Text {
	if code := prefix + word; message.Known(code) {
		return inBoth(message.New(code))
	}
	return name("", word)
}

func deviceCondition(b *observation.DeviceCondition) Text {
	what := name("conditions", b.Condition)
	if b.Subject != "" {
		what = say("device-condition.of", arg("what", what), arg("subject", b.Subject))
	}
	if b.Cleared {
		return sentence(say("device-condition.over", arg("what", what)))
	}
	t := sentence(what,
		when(b.Value != nil, plainly(num(b.GetValue(), 2))),
		when(b.Limit != nil, say("device-condition.limit", arg("limit", num(b.GetLimit(), 2)))))
	return t.saying(b.Message, b.Text)
}

func agentStarted(b *observation.AgentStarted) Text {
	devices := b.GetInventory().GetDevices()
	return sentence(
		say("agent-started.agent-started-software", arg("software", b.Software)),
		count("count.device", len(devices)))
}

func clockStep(b *observation.AgentClockStep) Text {
	if b.StepNs < 0 {
		return say("clock-step.agents-clock-went-back", arg("stepNs", step(-float64(b.StepNs))))
	}
	return say("clock-step.agents-clock-went-forward", arg("stepNs", step(float64(b.StepNs))))
}

// agentPruned says what was removed to make room.
func agentPruned(b *observation.AgentPruned) Text {
	what := count("agent-pruned.artifacts", b.Artifacts)
	switch {
	case b.OfAlarms:
		what = count("agent-pruned.alarm-artifacts", b.Artifacts)
	case b.Class == observation.Class_CLASS_TELEMETRY:
		what = count("agent-pruned.telemetry", b.Rows)
	case b.Class == observation.Class_CLASS_EVENT:
		what = count("agent-pruned.event", b.Rows)
	}
	return say("agent-pruned.removed", arg("what", what))
}

func agentErased(b *observation.AgentErased) Text {
	return sentence(count("agent-erased.rows", b.Rows), when(b.Artifacts > 0, count("agent-erased.artifacts", b.Artifacts)))
}

// step shows nanoseconds.
func step(ns float64) Text {
	if ns < 10e9 {
		return milliseconds(ns / 1e6)
	}
	return span(ns / 1e9)
}

func agentAccess(b *observation.AgentAccess) Text {
	who := orText(b.User, say("agent-access.somebody"))
	switch b.User {
	case "local":
		who = say("agent-access.somebody-machine")
	case "guest":
		who = say("agent-access.guest")
	}
	if b.Role != "" && b.Role != b.User && b.User != "local" {
		who = say("agent-access.with-role", arg("who", who), arg("role", name("roles", b.Role)))
	}
	t := sentence(say("agent-access.did", arg("who", who), arg("action", name("actions", b.Action))),
		when(b.Count > 1, count("count.time", b.Count)),
		when(b.Peer != "", say("agent-access.from", arg("peer", b.Peer))))
	return t.saying(b.Message, b.Text)
}

// testTitle returns the name of a guided test. A row has it in English only; that of a test in the catalogue is said in
// both languages.
func testTitle(b *observation.DeviceTest) Text {
	title := cmp.Or(b.Title, b.Test)
	for _, code := range message.Codes() {
		if m := message.New(code); strings.HasSuffix(code, ".title") && m.English() == title {
			return inBoth(m)
		}
	}
	return plainly(title)
}

func deviceTest(b *observation.DeviceTest) Text {
	verdict := map[observation.DeviceTest_Verdict]Text{
		observation.DeviceTest_VERDICT_PASSED:    say("device-test.passed"),
		observation.DeviceTest_VERDICT_FAILED:    say("device-test.failed"),
		observation.DeviceTest_VERDICT_ABANDONED: say("device-test.abandoned"),
	}[b.Verdict]
	failed := 0
	for _, c := range b.Checks {
		if !c.Passed {
			failed++
		}
	}
	t := sentence(say("device-test.test", arg("title", testTitle(b)), arg("verdict", verdict)),
		when(failed > 0, say("device-test.checks-failed", arg("failed", failed), arg("checks", len(b.Checks)))),
		when(b.By != "", say("device-test.by", arg("by", b.By))))
	t.Words = b.Note
	return t
}
