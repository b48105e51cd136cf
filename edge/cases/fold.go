package cases

import (
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Fold returns the case that rows tell of, in whatever order they come and however often; nil when the row is not among
// them that opened it. It is total: a row that cannot count, as the other end had gone on, stays in the history with the
// reason.
func Fold(events []Event) *Case {
	all := ordered(events)
	i := slices.IndexFunc(all, func(e Event) bool { return e.Opened != nil })
	if i < 0 {
		return nil
	}
	c := &Case{
		ID: all[i].Opened.Id, Lane: all[i].Opened.Lane, Opened: all[i].Time, Rules: rulesOr(all[i].Opened.Rules),
		heads: map[string]int64{},
	}
	for _, e := range all {
		c.add(e)
	}
	return c
}

// add lets an event count, or says why it does not.
func (c *Case) add(e Event) {
	before := c.State
	err := c.take(&e)
	if c.State != before {
		c.Since = e.Time
	}
	entry := Entry{Event: e, State: c.State}
	if err != nil {
		entry.Refusal = message.Of(err)
	}
	c.History = append(c.History, entry)
	if last, ok := c.heads[e.Journal]; !ok || e.Idx > last {
		c.heads[e.Journal] = e.Idx
	}
}

func (c *Case) take(e *Event) error {
	switch {
	case e.Opened != nil:
		return c.open(e)
	case e.Alarms != nil:
		c.revise(e)
		return nil
	}
	return c.act(e)
}

// open begins the case. It begins once.
func (c *Case) open(e *Event) error {
	if c.State != "" {
		return message.Errorf("cases.opened-already")
	}
	c.State, c.Alarms = Open, e.Opened.Alarms
	return nil
}

// revise takes over what the lane says of the alarms. A new one makes a verdict invalid that did not know of it. A case
// without alarms is withdrawn, unless somebody has begun: a machine does not let go what a person is at.
func (c *Case) revise(e *Event) {
	added := slices.ContainsFunc(e.Alarms.Alarms, func(a *observation.CaseAlarm) bool { return !c.has(a.Idx) })
	had := len(c.Alarms)
	c.Alarms = e.Alarms.Alarms
	if had > 0 && len(c.Alarms) == 0 {
		c.bare = e.Ref
	}
	switch {
	case added:
		c.stale = append(c.stale, e.Ref)
		if c.State == Withdrawn {
			c.State = Open
		} else if len(c.Verdicts) > 0 {
			c.reopen()
		}
	case len(c.Alarms) == 0 && c.State == Open && !c.again:
		c.State = Withdrawn
	}
}

func (c *Case) has(alarm int64) bool {
	return slices.ContainsFunc(c.Alarms, func(a *observation.CaseAlarm) bool { return a.Idx == alarm })
}

// reopen makes what was decided history.
func (c *Case) reopen() {
	c.State, c.Verdicts, c.Holders, c.resume, c.again = Reopened, nil, nil, "", true
}

// Allows reports why a new event must be refused; nil when it may be journalled. Its Seen is set to what is known of the
// case, and the verdict of who confirms to what they confirm. c is not changed.
func (c *Case) Allows(e Event) error {
	e.Act.Seen = c.Heads()
	e.Act.Blind = e.Act.Action == decide && c.State == SecondAsked && c.Blind(readerOf(e.Act))
	if v := c.Verdict(); v != nil && e.Act.Action == confirm {
		e.Act.Verdict = v.CaseVerdict
	}
	copied := c.clone()
	return copied.act(&e)
}

// clone copies what taking an event changes.
func (c *Case) clone() *Case {
	out := *c
	out.Holders, out.Verdicts = slices.Clone(c.Holders), slices.Clone(c.Verdicts)
	out.Attachments, out.History, out.stale = slices.Clone(c.Attachments), nil, slices.Clone(c.stale)
	if c.Secondary != nil {
		s := *c.Secondary
		out.Secondary = &s
	}
	return &out
}

// same reports whether two names are of one person.
func same(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// holdersNames are those who have the case.
func (c *Case) holdersNames() message.Arg {
	var names []string
	for _, h := range c.Holders {
		names = append(names, h.By)
	}
	return message.Names("who", names)
}
