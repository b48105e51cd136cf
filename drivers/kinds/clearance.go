package kinds

import (
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Outcome returns what an outcome of clearance is called.
func Outcome(outcome string) Text { return name("outcomes", outcome) }

// clearanceDecision says what is to happen with the vehicle, and why: the worst reason, and how many more there are.
func clearanceDecision(b *observation.ClearanceDecision) Text {
	who := say("clearance.vehicle-without-plate")
	if len(b.Plates) > 0 {
		who = plainly(b.Plates[0])
	}
	t := say("clearance.decided", arg("who", who), arg("outcome", Outcome(b.Outcome)))
	if b.Ended {
		t = say("clearance.left", arg("who", who), arg("outcome", Outcome(b.Outcome)))
	}
	return sentence(t, overridden(b), whyDecided(b.Reasons),
		when(len(b.Exams) > 0, say("clearance.exams", arg("exams", list(b.Exams)))))
}

// overridden says by whom, and what the rules say; it is empty for a decision that nobody overrode.
func overridden(b *observation.ClearanceDecision) Text {
	return when(b.OverriddenBy != "",
		say("clearance.overridden", arg("by", b.OverriddenBy), arg("decided", Outcome(b.Decided))))
}

// whyDecided is the worst reason in words, and the number of others.
func whyDecided(reasons []*observation.ClearanceReason) Text {
	if len(reasons) == 0 {
		return Text{}
	}
	why := driver.DecodeMessage(reasons[0].GetText(), reasons[0].GetCode())
	t := Text{ // a sentence, which becomes a part of one
		EN: strings.TrimSuffix(why.In(message.English), "."), FR: strings.TrimSuffix(why.In(message.French), "."),
	}
	if more := len(reasons) - 1; more > 0 {
		t = join("; ", t, count("count.more-reason", more))
	}
	return t
}

func clearanceOverride(b *observation.ClearanceOverride) Text {
	t := say("clearance.override", arg("by", b.By), arg("was", Outcome(b.Was)), arg("outcome", Outcome(b.Outcome)))
	t.Words = b.Reason
	return t
}

func clearanceSeen(b *observation.ClearanceSeen) Text {
	at := inBoth(message.Time("", time.Unix(0, b.AtNs)).Value)
	return say("clearance.seen", arg("container", b.Container), arg("site", b.Site), arg("at", at))
}

// clearanceSecret says that a secret of random checks was committed to, or that one was revealed.
func clearanceSecret(b *observation.ClearanceSecret) Text {
	switch {
	case len(b.Revealed) > 0 && !b.Local:
		return say("clearance.secret-centre-revealed", arg("day", b.Day))
	case len(b.Revealed) > 0:
		return say("clearance.secret-revealed", arg("day", b.Day))
	case b.Local:
		return say("clearance.secret-local", arg("day", b.Day))
	}
	return say("clearance.secret", arg("day", b.Day))
}
