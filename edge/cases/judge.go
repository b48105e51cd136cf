package cases

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// judge lets a verdict count: a decision, or what a second or third person says of it. Verdicts in force that it did not
// know of are its rivals: one that says the same confirms it, one that says something else makes a dispute.
func (c *Case) judge(e *Event) error {
	if slices.ContainsFunc(c.stale, func(r Ref) bool { return !e.saw(r) }) {
		return c.outdated(e)
	}
	var rivals []Verdict
	for _, v := range c.Verdicts {
		if !e.saw(v.row) {
			rivals = append(rivals, v)
		}
	}
	state, err := c.judged(e, rivals)
	if err != nil {
		return err
	}
	if c.isBlind(e) {
		rivals = slices.Clone(c.Verdicts)
	}
	c.Verdicts = append(rivals, Verdict{
		CaseVerdict: e.Act.Verdict, Action: e.Act.Action, By: e.Act.By, Role: e.Act.Role, Centre: e.Act.Centre, At: e.Time, row: e.Ref,
	})
	c.State, c.Holders = state, nil
	c.attach(e)
	return nil
}

// judged returns the state after a verdict. Who did not know that an inspection was asked for decides without it; it goes
// on unless that settles the case.
func (c *Case) judged(e *Event, rivals []Verdict) (state State, err error) {
	if c.State == SecondaryRequested && !e.saw(c.Secondary.row) {
		was := c.resume
		c.State, c.resume = cmp.Or(c.resume, Taken), ""
		defer func() {
			switch {
			case err != nil:
				c.State, c.resume = SecondaryRequested, was
			case !state.Settled():
				state, c.resume = SecondaryRequested, state
			}
		}()
	}
	if len(rivals) == 0 {
		if err := c.mayJudge(e); err != nil {
			return "", err
		}
	}
	if c.isBlind(e) {
		rivals = c.Verdicts
	}
	if len(rivals) > 0 {
		return c.against(e, rivals), nil
	}
	return c.after(e), nil
}

// isBlind reports whether the author of a verdict was not shown the others: it counts as one that did not know of them.
func (c *Case) isBlind(e *Event) bool {
	return e.Act.Blind && e.Act.Action == decide && c.Rules.GetSecondBlind()
}

// outdated says that a verdict does not count, whose author did not know of the newest alarm, or that the case had been
// reopened. It is as if the verdict had come first, and then been made history.
func (c *Case) outdated(e *Event) error {
	c.again = true
	c.Holders = slices.DeleteFunc(c.Holders, func(h Hold) bool { return e.saw(h.row) })
	if (c.State == Open || c.State == Taken) && len(c.Holders) == 0 {
		c.State = Reopened
	}
	return message.Errorf("cases.outdated")
}

// mayJudge checks a verdict whose author knew of all others.
func (c *Case) mayJudge(e *Event) error {
	switch {
	case c.State == Decided && e.Act.Action != decide:
		return message.Errorf("cases.nothing-to-confirm")
	case c.State.Settled():
		return c.settled()
	case c.State == SecondaryRequested:
		return message.Errorf("cases.secondary-open")
	case c.heldByOther(e):
		return message.Errorf("cases.held", c.holdersNames())
	case (c.State == SecondAsked || c.State == Disputed) && c.hasJudged(e):
		return message.Errorf("cases.other-person")
	case c.State == SecondAsked && e.Act.Action != decide && c.Blind(readerOf(e.Act)):
		return message.Errorf("cases.judge-blind")
	case c.State == SecondAsked && e.Act.Action == decide && !c.isBlind(e):
		return message.Errorf("cases.second-waits")
	case c.State != SecondAsked && e.Act.Action != decide:
		return message.Errorf("cases.nothing-to-confirm")
	}
	return nil
}

// after returns the state after a verdict whose author knew of all others.
func (c *Case) after(e *Event) State {
	switch {
	case e.Act.Action == confirm:
		return Confirmed
	case e.Act.Action == overrule:
		return Overruled
	case c.State == Disputed: // a third person
		if slices.ContainsFunc(c.Verdicts, func(v Verdict) bool { return alike(v.CaseVerdict, e.Act.Verdict) }) {
			return Confirmed
		}
		return Overruled
	case c.NeedsSecond(e.Act.Verdict):
		return SecondAsked
	}
	return Decided
}

// against returns the state after a verdict whose author did not know of others.
func (c *Case) against(e *Event, rivals []Verdict) State {
	others, overruled := false, e.Act.Action == overrule
	for _, v := range rivals {
		if !alike(v.CaseVerdict, e.Act.Verdict) {
			return Disputed
		}
		others = others || !same(v.By, e.Act.By)
		overruled = overruled || v.Action == overrule
	}
	switch {
	case overruled:
		return Overruled
	case others || e.Act.Action == confirm:
		return Confirmed
	}
	return c.State
}

// hasJudged reports whether who acts is the author of a verdict in force.
func (c *Case) hasJudged(e *Event) bool {
	return slices.ContainsFunc(c.Verdicts, func(v Verdict) bool { return same(v.By, e.Act.By) })
}

// alike reports whether two verdicts say the same: code, words for image and swab, and nuclides in any order.
func alike(a, b *observation.CaseVerdict) bool {
	key := func(v *observation.CaseVerdict) *observation.CaseVerdict {
		names := slices.Clone(v.GetNuclides())
		slices.Sort(names)
		return &observation.CaseVerdict{Code: v.GetCode(), Image: v.GetImage(), Swab: v.GetSwab(), Nuclides: slices.Compact(names)}
	}
	return proto.Equal(key(a), key(b))
}
