package clearance

import (
	"encoding/hex"
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// targetKey is one thing that may be targeted.
type targetKey struct {
	kind lists.KeyType
	named
}

// targetKeys returns all that is shown, read or announced and may be targeted.
func (d *decider) targetKeys() (out []targetKey) {
	add := func(t lists.KeyType, value string, row int64) {
		if value != "" && !slices.ContainsFunc(out, func(k targetKey) bool { return k.kind == t && k.value == value }) {
			out = append(out, targetKey{t, named{value, row}})
		}
	}
	s := &d.shown
	for _, shown := range []struct {
		kind lists.KeyType
		all  []named
	}{
		{lists.TargetCCN, s.ccns}, {lists.TargetCRN, s.trips}, {lists.TargetContainer, s.containers},
		{lists.TargetSeal, s.seals}, {lists.TargetDriver, numbers(s.drivers)}, {lists.TargetBN, s.importers},
		{lists.TargetCarrier, s.carriers},
	} {
		for _, n := range shown.all {
			add(shown.kind, n.value, n.row)
		}
	}
	for _, p := range d.in.Presented.Plates {
		add(lists.TargetPlate, p.Normal, p.Row)
	}
	for _, c := range d.in.Presented.Cards {
		add(lists.TargetTag, strings.ToUpper(hex.EncodeToString(c.EPC)), c.Row)
	}
	for _, one := range d.shipments {
		if l := one.listed; l != nil {
			add(lists.TargetCCN, l.CCN, 0)
			add(lists.TargetCRN, l.CRN, 0)
			add(lists.TargetCarrier, l.Carrier, 0)
			add(lists.TargetBN, l.Importer, 0)
			for _, hs := range l.HS {
				add(lists.TargetHS, hs, 0)
			}
		}
	}
	return out
}

// checkTargets adds each target that is in force, once.
func (d *decider) checkTargets() {
	for _, k := range d.targetKeys() {
		for _, t := range d.book.targets(k.kind, k.value) {
			if t.Valid.Holds(d.in.Now) {
				d.reasons = append(d.reasons, d.target(k, t))
			}
		}
	}
}

// target returns the reason of a target: its examinations beside those of the policy, and whether the driver may know.
func (d *decider) target(k targetKey, t lists.Target) Reason {
	code := policy.Targeted
	if t.Priority > 0 && t.Priority <= d.policy.UrgentPriority {
		code = policy.TargetUrgent
	}
	what := message.Nested("what", keyName(k))
	reason := message.String("reason", t.ReasonCode)
	discreet := !slices.Contains(d.policy.Releasable, t.Releasability)
	text := message.New("clearance.target", what, reason)
	if discreet {
		text = message.New("clearance.target-discreet", what, reason)
	}
	r := d.reason(code, text, k.row)
	r.Discreet = discreet
	for _, e := range t.Exams {
		r.Exams = append(r.Exams, Exam(e))
	}
	r.Exams = d.policy.Order(r.Exams)
	return r
}

// keyName says what is targeted, in words.
func keyName(k targetKey) message.Message {
	key := message.String("key", k.value)
	switch k.kind {
	case lists.TargetCCN:
		return message.New("clearance.key-ccn", key)
	case lists.TargetCRN:
		return message.New("clearance.key-crn", key)
	case lists.TargetContainer:
		return message.New("clearance.key-container", key)
	case lists.TargetPlate:
		return message.New("clearance.key-plate", key)
	case lists.TargetTag:
		return message.New("clearance.key-tag", key)
	case lists.TargetDriver:
		return message.New("clearance.key-driver", key)
	case lists.TargetBN:
		return message.New("clearance.key-bn", key)
	case lists.TargetCarrier:
		return message.New("clearance.key-carrier", key)
	case lists.TargetSeal:
		return message.New("clearance.key-seal", key)
	}
	return message.New("clearance.key-hs", key)
}
