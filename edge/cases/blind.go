package cases

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// Reader is who looks at a case: their name, and all of their roles.
type Reader struct {
	By    string
	Roles []string
}

// seeing are the roles that see what a second reader does not, and so cannot be a second reader who does not know.
var seeing = []string{"supervisor", "admin"}

// Sees reports whether somebody with these roles is shown what is kept from a second reader.
func Sees(roles []string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(seeing, r) })
}

// AsksBlind reports whether a second opinion is asked for whose giver is not to know the first one, by the rules.
func (c *Case) AsksBlind() bool {
	return c.Rules.GetSecondBlind() && (c.State == SecondAsked || c.State == SecondaryRequested && c.resume == SecondAsked)
}

// Blind reports whether a reader must not know yet what others have said: a second opinion is asked for, they do not see
// it by their role, and no verdict in force is their own.
func (c *Case) Blind(r Reader) bool {
	return c.AsksBlind() && !Sees(r.Roles) &&
		!slices.ContainsFunc(c.Verdicts, func(v Verdict) bool { return r.By != "" && same(v.By, r.By) })
}

// readerOf returns who acts as a reader.
func readerOf(a *observation.CaseEvent) Reader { return Reader{a.By, []string{a.Role}} }

// Shown returns the case as a reader is to see it: without the verdicts, and without what those have said, noted and drawn
// who gave one, while the reader is to judge without knowing it. It is the case itself otherwise. The rows stay in the
// history, marked as hidden.
func (c *Case) Shown(r Reader) *Case {
	if !c.Blind(r) {
		return c
	}
	out := *c
	out.Verdicts, out.History, out.Attachments = nil, slices.Clone(c.History), nil
	kept := map[Ref]bool{}
	for i := range out.History {
		e := &out.History[i]
		if e.Act == nil || !c.tells(e.Act, r) {
			continue
		}
		kept[e.Ref] = true
		e.Act, e.Hidden = sealed(e.Act), true
	}
	for _, a := range c.Attachments {
		if !kept[a.row] {
			out.Attachments = append(out.Attachments, a)
		}
	}
	if s := c.Secondary; s != nil && kept[s.done] {
		copied := *s
		copied.Result = nil
		out.Secondary = &copied
	}
	return &out
}

// tells reports whether an act of somebody else may tell what was decided: it is of one who gave a verdict at any time, or
// a report that the lane made of it.
func (c *Case) tells(a *observation.CaseEvent, r Reader) bool {
	if a.Role == LaneRole {
		return slices.ContainsFunc(c.History, func(e Entry) bool {
			return e.Act != nil && a.Key == ReportKey(e.Ref) && c.tells(e.Act, r)
		})
	}
	return !same(a.By, r.By) && slices.ContainsFunc(c.History, func(e Entry) bool {
		return judges(e.Act) && same(e.Act.By, a.By)
	})
}

// judges reports whether an act is a verdict.
func judges(a *observation.CaseEvent) bool {
	return a != nil && slices.Contains([]observation.CaseEvent_Action{decide, confirm, overrule}, a.Action)
}

// sealed returns an act without what it says.
func sealed(a *observation.CaseEvent) *observation.CaseEvent {
	out := proto.Clone(a).(*observation.CaseEvent)
	out.Verdict, out.Notes, out.Reason, out.Attachments = nil, "", "", nil
	return out
}

// ReportKey is the key of the lane's act that attaches the report of the boxes of a row.
func ReportKey(r Ref) string { return observation.ReportKey([]byte(r.Journal), r.Idx) }

// Conceal returns what a row about this case says as a reader is to see it: without what Shown hides. A row that the case
// does not have yet may be what they must not know, and is hidden too. hidden is false for one that is shown as it is.
func (c *Case) Conceal(e Event, r Reader) (shown *observation.CaseEvent, hidden bool) {
	if e.Act == nil || Sees(r.Roles) || !c.Rules.GetSecondBlind() {
		return e.Act, false
	}
	known := slices.ContainsFunc(c.History, func(o Entry) bool { return o.Ref == e.Ref })
	if known && !(c.Blind(r) && c.tells(e.Act, r)) || r.By != "" && same(e.Act.By, r.By) {
		return e.Act, false
	}
	return sealed(e.Act), true
}
