package power

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// rule maps a word of ups.status to a condition. Source: NUT developer guide, "Status data", and RFC 9271, 5.1.
type rule struct {
	word, condition string
	alarm           bool // somebody must look
	text            message.Message
}

// rules are the words that are conditions. OL, CHRG and DISCHRG are none; OB, LB, CAL and ALARM need more than the
// word.
var rules = []rule{
	{"OFF", "output-off", true, message.New("power.output-off")},
	{"FSD", "forced-shutdown", true, message.New("power.forced-shutdown")},
	{"OVER", "overload", true, message.New("power.overload")},
	{"OVERHEAT", "overheated", true, message.New("power.overheated")},
	{"RB", "replace-battery", false, message.New("power.replace-battery")},
	{"HB", "high-battery", false, message.New("power.high-battery")},
	{"BYPASS", "bypass", false, message.New("power.bypass")},
	{"TRIM", "mains-high", false, message.New("power.mains-high")},
	{"BOOST", "mains-low", false, message.New("power.mains-low")},
}

// phases are the voltages of three-phase UPSs. Source: NUT user manual, appendix "Extra three-phase variables".
var phases = []string{"L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"}

// value reads the first of some variables that is a number, nil when none is.
func value(vars map[string]string, names ...string) *float32 {
	for _, name := range names {
		if v, err := strconv.ParseFloat(strings.TrimSpace(vars[name]), 32); err == nil {
			f := float32(v)
			return &f
		}
	}
	return nil
}

// body makes the observation of a UPS's variables (RFC 9271; NUT developer guide): charge and load in %,
// runtime in s, voltages in V. What the UPS does not say is absent.
func body(vars map[string]string) *observation.SitePower {
	p := &observation.SitePower{
		Status:        strings.Join(strings.Fields(vars["ups.status"]), " "),
		Model:         strings.TrimSpace(vars["ups.mfr"] + " " + vars["ups.model"]),
		Alarm:         strings.TrimSpace(vars["ups.alarm"]),
		ChargePercent: value(vars, "battery.charge"), RuntimeSeconds: value(vars, "battery.runtime"),
		LoadPercent: value(vars, "ups.load"),
		InputVolts:  value(vars, "input.voltage"), BatteryVolts: value(vars, "battery.voltage"),
	}
	for _, name := range phases {
		short, _ := strings.CutSuffix(name, "-N") // some drivers leave the N out
		if v := value(vars, "input."+name+".voltage", "input."+short+".voltage"); v != nil {
			p.InputPhases = append(p.InputPhases, &observation.PhaseVolts{Phase: name, Volts: *v})
			if short != name && vars["input.voltage"] == "" && (p.InputVolts == nil || *v < *p.InputVolts) {
				p.InputVolts = v
			}
		}
	}
	if p.LoadPercent == nil { // the phase that carries most
		for _, name := range []string{"L1", "L2", "L3"} {
			if v := value(vars, "output."+name+".power.percent"); v != nil &&
				(p.LoadPercent == nil || *v > *p.LoadPercent) {
				p.LoadPercent = v
			}
		}
	}
	return p
}

// inWords describes what a status means for the load, the most urgent first; a status of other words stays as it is.
func inWords(status string) message.Message {
	words := strings.Fields(status)
	for _, s := range []struct {
		word string
		text message.Message
	}{
		{"FSD", message.New("power.is-shutting-down")}, {"OFF", message.New("power.is-off")},
		{"LB", message.New("power.is-nearly-empty")}, {"OB", message.New("power.is-on-battery")},
		{"BYPASS", message.New("power.is-on-bypass")}, {"CHRG", message.New("power.is-charging")},
		{"OL", message.New("power.is-on-mains")},
	} {
		if slices.Contains(words, s.word) {
			return s.text
		}
	}
	return message.Verbatim(status)
}

// hasWord reports whether a status has a word.
func hasWord(p *observation.SitePower, word string) bool {
	return slices.Contains(strings.Fields(p.GetStatus()), word)
}

const (
	noMains   = 50  // V; less is no mains
	lostPhase = 0.5 // of the highest phase; less is a phase that is missing
)

// onBattery reports whether the load lives on the battery because there is no mains. A UPS that calibrates its
// battery says OB too.
func onBattery(p *observation.SitePower) bool {
	return hasWord(p, "OB") && (!hasWord(p, "CAL") || p.InputVolts != nil && *p.InputVolts < noMains)
}

// finding is a condition that is in force or not.
type finding struct {
	rule
	subject string
	on      bool
}

// findings returns all conditions of a UPS, those that are not in force too, always in the same order. low is the
// charge in percent below which its battery counts as low while it is used.
func findings(p *observation.SitePower, low float64) (out []finding) {
	var left message.Message
	if p.RuntimeSeconds != nil {
		left = message.New("power.left", message.Duration("left", time.Duration(*p.RuntimeSeconds)*time.Second))
	}
	add := func(on bool, condition string, alarm bool, text message.Message) {
		out = append(out, finding{rule: rule{condition: condition, alarm: alarm, text: text}, on: on})
	}
	add(onBattery(p), "on-battery", false, message.Join("; ", message.New("power.on-battery"), left))
	add(hasWord(p, "LB") || p.ChargePercent != nil && float64(*p.ChargePercent) < low && hasWord(p, "OB"), "low-battery",
		true, message.Join("; ", message.New("power.low-battery"), left))
	add(hasWord(p, "CAL"), "calibration", false,
		message.New("power.calibration"))
	add(hasWord(p, "ALARM") || p.Alarm != "", "ups-alarm", true, alarmText(p.Alarm))
	for _, r := range rules {
		out = append(out, finding{rule: r, on: hasWord(p, r.word)})
	}
	return append(out, phaseFindings(p)...)
}

// alarmText words an alarm; words are the UPS's own, "" for none.
func alarmText(words string) message.Message {
	if words == "" {
		return message.New("power.alarm")
	}
	return message.New("power.reports", message.String("text", words))
}

// phaseFindings returns, for each phase, whether it is missing while there is mains; none for a UPS of one phase.
func phaseFindings(p *observation.SitePower) (out []finding) {
	highest := float32(0)
	for _, v := range p.InputPhases {
		if strings.HasSuffix(v.Phase, "-N") {
			highest = max(highest, v.Volts)
		}
	}
	for _, v := range p.InputPhases {
		if strings.HasSuffix(v.Phase, "-N") {
			text := message.New("power.phase-lost", message.String("phase", v.Phase),
				message.Quantity("volts", float64(v.Volts), 0, "V"),
				message.Quantity("highest", float64(highest), 0, "V"))
			out = append(out, finding{rule{"", "phase-lost", false, text}, v.Phase,
				highest > noMains && v.Volts < lostPhase*highest})
		}
	}
	return out
}
