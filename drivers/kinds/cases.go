package kinds

import (
	"strings"

	"lanewarden/drivers/observation"
)

// CaseCode returns what a code of a verdict is called.
func CaseCode(code uint32) Text { return name("case-codes", plainNumber(int64(code))) }

// CaseVerdict says a verdict: code, words for image and swab, nuclides.
func CaseVerdict(v *observation.CaseVerdict) Text {
	code := plainNumber(int64(v.GetCode()))
	return join(", ",
		when(v.GetCode() > 0, say("case.code", arg("code", code), arg("called", CaseCode(v.GetCode())))),
		when(v.GetImage() != "", say("case.image-says", arg("word", name("case-words", v.GetImage())))),
		when(v.GetSwab() != "", say("case.swab-says", arg("word", name("case-words", v.GetSwab())))),
		plainly(v.GetSource()), list(v.GetNuclides()))
}

// CaseCause says why a case was opened, the surest of each alarm: "K-40, 72 %: probably natural; rpm-1 81 σ, limit 7".
func CaseCause(alarms []*observation.CaseAlarm) Text {
	var parts []Text
	for _, a := range alarms {
		parts = append(parts, alarmCause(a))
	}
	return join("; ", parts...)
}

// alarmCause says what one alarm rests on.
func alarmCause(a *observation.CaseAlarm) Text {
	what := say("case.other")
	family, _, _ := strings.Cut(observation.Kind(a.Kind).Name(), ".")
	switch {
	case a.Gamma && a.Neutron:
		what = say("case.gamma-and-neutron")
	case a.Neutron:
		what = say("case.neutron")
	case a.Gamma:
		what = say("case.gamma")
	case family == "xray":
		what = say("case.image")
	case family == "trace":
		what = say("case.swab")
	}
	measured := say("case.of", arg("what", what), arg("device", a.Device))
	if a.Sigma > 0 && a.SigmaLimit > 0 {
		sigma := say("case.sigma", arg("device", a.Device), arg("sigma", unit(float64(a.Sigma), 0, "σ")),
			arg("limit", num(float64(a.SigmaLimit), 1)))
		measured = join(": ", what, sigma)
	}
	return join(": ", identified(a), measured)
}

// identified names nuclides, threats and substances, and says when all nuclides occur in nature.
func identified(a *observation.CaseAlarm) Text {
	var names []Text
	natural := len(a.Nuclides) > 0
	for _, n := range a.Nuclides {
		natural = natural && observation.NaturalNuclide(n.Name)
		t := plainly(n.Name)
		if n.Confidence > 0 {
			t = say("case.at", arg("name", n.Name), arg("confidence", percent(float64(n.Confidence)/100, 0)))
		}
		names = append(names, t)
	}
	for _, f := range a.Found {
		t, is := known("threat-categories", f)
		if !is { // a substance, which has its own way of writing: MDA
			t = plainly(f)
		}
		names = append(names, t)
	}
	return join(", ", listOf(names), when(natural, say("case.natural")))
}

func caseOpened(b *observation.CaseOpened) Text {
	return say("case.opened", arg("cause", CaseCause(b.Alarms)))
}

func caseAlarms(b *observation.CaseAlarms) Text {
	if len(b.Alarms) == 0 {
		return say("case.no-alarms")
	}
	return say("case.alarms", arg("cause", CaseCause(b.Alarms)))
}

var caseActions = map[observation.CaseEvent_Action]string{
	observation.CaseEvent_ACTION_UNSPECIFIED:      "case.unknown",
	observation.CaseEvent_ACTION_TAKE:             "case.take",
	observation.CaseEvent_ACTION_HAND_BACK:        "case.hand-back",
	observation.CaseEvent_ACTION_COMMENT:          "case.comment",
	observation.CaseEvent_ACTION_ASK_SECONDARY:    "case.ask-secondary",
	observation.CaseEvent_ACTION_SECONDARY_RESULT: "case.secondary-result",
	observation.CaseEvent_ACTION_DECIDE:           "case.decide",
	observation.CaseEvent_ACTION_ASK_SECOND:       "case.ask-second",
	observation.CaseEvent_ACTION_CONFIRM:          "case.confirm",
	observation.CaseEvent_ACTION_OVERRULE:         "case.overrule",
	observation.CaseEvent_ACTION_REOPEN:           "case.reopen",
}

// caseEvent says who did what in a case.
func caseEvent(b *observation.CaseEvent) Text {
	code, known := caseActions[b.Action]
	if !known {
		code = caseActions[observation.CaseEvent_ACTION_UNSPECIFIED]
	}
	what := say(code, arg("by", b.By))
	if b.Action == observation.CaseEvent_ACTION_ATTACH {
		what = say("case.attach", arg("by", b.By), arg("things", count("count.attachment", len(b.Attachments))))
	}
	t := sentence(what, when(b.Centre, say("case.centre")),
		when(b.Station != "", say("case.at-station", arg("station", b.Station))), list(b.Exams), CaseVerdict(b.Verdict))
	t.Words = strings.Join(distinct([]string{b.Reason, b.Notes}), " — ")
	return t
}
