package cases

import (
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// LaneRole is the role of the lane itself, which attaches what a handheld instrument measures.
const LaneRole = "lane"

// Roles are those who can act in cases: of the lane's accounts and of the hub's.
func Roles() []string {
	return []string{"viewer", "technician", "officer", "analyst", "expert", "supervisor", "admin", LaneRole}
}

// people may decide, technicians may only add.
var people = []string{"officer", "analyst", "expert", "supervisor", "admin"}

// DefaultRules are the rules where no policy says others.
func DefaultRules() *observation.CaseRules {
	return &observation.CaseRules{
		Policy: "built-in", SecondCodes: []uint32{1, 2, 3, 5}, SecondNeutrons: true, LaneS: 600, ExpertS: 3600,
		Decide: people, Second: people, Third: []string{"expert", "supervisor", "admin"}, Reopen: people,
	}
}

// rulesOr returns rules, those of DefaultRules where there are none.
func rulesOr(r *observation.CaseRules) *observation.CaseRules {
	if r == nil {
		return DefaultRules()
	}
	return r
}

// allowed reports whether a role may do something. third: what it is about is a dispute.
func allowed(r *observation.CaseRules, a observation.CaseEvent_Action, role string, third bool) bool {
	switch a {
	case comment, secondaryResult:
		return role == "technician" || slices.Contains(people, role)
	case attach:
		return role == "technician" || role == LaneRole || slices.Contains(people, role)
	case decide:
		if third {
			return slices.Contains(r.Third, role)
		}
		return slices.Contains(r.Decide, role)
	case confirm, overrule:
		return slices.Contains(r.Second, role)
	case reopen:
		return slices.Contains(r.Reopen, role)
	}
	return slices.Contains(people, role)
}

// roleOf returns what a role is called.
func roleOf(role string) message.Message {
	if code := "cases.role-name." + role; message.Known(code) {
		return message.Message{Code: code}
	}
	return message.Verbatim(role)
}

// actions are the names of what people do, as requests have them.
var actions = map[observation.CaseEvent_Action]string{
	take: "take", handBack: "hand-back", comment: "comment", attach: "attach", askSecondary: "ask-secondary",
	secondaryResult: "secondary-result", decide: "decide", askSecond: "ask-second", confirm: "confirm", overrule: "overrule",
	reopen: "reopen",
}

// Actions are the names of all actions, in the order of the schema.
func Actions() (names []string) {
	for a := take; a <= reopen; a++ {
		names = append(names, actions[a])
	}
	return names
}

// ActionName is the name of an action, as requests have it; "" for none.
func ActionName(a observation.CaseEvent_Action) string { return actions[a] }

// ActionOf is the inverse of ActionName.
func ActionOf(name string) (observation.CaseEvent_Action, bool) {
	for a, n := range actions {
		if n == name {
			return a, true
		}
	}
	return 0, false
}

// ActionMessage returns what an action is called.
func ActionMessage(a observation.CaseEvent_Action) message.Message {
	return message.Message{Code: "cases.action." + actions[a]}
}
