package cases

import (
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// The actions, for short.
const (
	take            = observation.CaseEvent_ACTION_TAKE
	handBack        = observation.CaseEvent_ACTION_HAND_BACK
	comment         = observation.CaseEvent_ACTION_COMMENT
	attach          = observation.CaseEvent_ACTION_ATTACH
	askSecondary    = observation.CaseEvent_ACTION_ASK_SECONDARY
	secondaryResult = observation.CaseEvent_ACTION_SECONDARY_RESULT
	decide          = observation.CaseEvent_ACTION_DECIDE
	askSecond       = observation.CaseEvent_ACTION_ASK_SECOND
	confirm         = observation.CaseEvent_ACTION_CONFIRM
	overrule        = observation.CaseEvent_ACTION_OVERRULE
	reopen          = observation.CaseEvent_ACTION_REOPEN
)

// act lets what somebody did count. An error says why it does not, and changes nothing.
func (c *Case) act(e *Event) error {
	if c.State == Withdrawn && !e.saw(c.bare) { // they had begun, and did not know
		c.State = Open
		err := c.act(e)
		if c.State == Open {
			c.State = Withdrawn
		}
		return err
	}
	if err := c.mayAct(e); err != nil {
		return err
	}
	switch e.Act.Action {
	case take:
		return c.takeOver(e)
	case handBack:
		return c.handBack(e)
	case comment, attach:
		c.attach(e)
		return nil
	case askSecondary:
		return c.askSecondary(e)
	case secondaryResult:
		return c.endSecondary(e)
	case decide, confirm, overrule:
		return c.judge(e)
	case askSecond:
		return c.askSecond(e)
	case reopen:
		return c.reopenBy(e)
	}
	return message.Errorf("cases.no-action")
}

// mayAct checks the role.
func (c *Case) mayAct(e *Event) error {
	third := c.State == Disputed && !slices.ContainsFunc(c.Verdicts, func(v Verdict) bool { return !e.saw(v.row) })
	action := e.Act.Action
	if c.State == SecondAsked && e.Act.Blind && action == decide {
		action = confirm // it is the second opinion
	}
	if !allowed(c.Rules, action, e.Act.Role, third) {
		return message.Errorf("cases.role", message.Nested("role", roleOf(e.Act.Role)), message.Nested("action", ActionMessage(e.Act.Action)))
	}
	return nil
}

// takeOver gives the case to somebody. Who had it and did not know of this still has it, too.
func (c *Case) takeOver(e *Event) error {
	switch {
	case c.State.Settled():
		return c.settled()
	case c.holdOf(e) >= 0:
		return message.Errorf("cases.yours")
	case (c.State == SecondAsked || c.State == Disputed) && c.hasJudged(e):
		return message.Errorf("cases.other-person")
	}
	c.Holders = slices.DeleteFunc(c.Holders, func(h Hold) bool { return e.saw(h.row) })
	c.Holders = append(c.Holders, Hold{By: e.Act.By, Role: e.Act.Role, Centre: e.Act.Centre, At: e.Time, row: e.Ref})
	if c.State == Open || c.State == Reopened {
		c.State = Taken
	}
	return nil
}

// handBack lets go of the case.
func (c *Case) handBack(e *Event) error {
	i := c.holdOf(e)
	if i < 0 {
		return message.Errorf("cases.not-yours")
	}
	c.Holders = slices.Delete(c.Holders, i, i+1)
	if c.State == Taken && len(c.Holders) == 0 {
		c.State = Open
		if c.again {
			c.State = Reopened
		} else if len(c.Alarms) == 0 {
			c.State = Withdrawn
		}
	}
	return nil
}

// holdOf returns the place of the hold that who acts knows to be theirs; -1 for none.
func (c *Case) holdOf(e *Event) int {
	return slices.IndexFunc(c.Holders, func(h Hold) bool { return same(h.By, e.Act.By) && e.saw(h.row) })
}

// heldByOther reports whether somebody else has the case, and who acts knew it.
func (c *Case) heldByOther(e *Event) bool {
	return c.holdOf(e) < 0 && slices.ContainsFunc(c.Holders, func(h Hold) bool { return e.saw(h.row) })
}

func (c *Case) attach(e *Event) {
	for _, a := range e.Act.Attachments {
		c.Attachments = append(c.Attachments, Attachment{CaseAttachment: a, By: e.Act.By, At: e.Time, row: e.Ref})
	}
}

// askSecondary asks for an inspection.
func (c *Case) askSecondary(e *Event) error {
	switch {
	case c.State.Settled():
		return c.settled()
	case c.State == SecondaryRequested:
		return message.Errorf("cases.secondary-asked", message.String("who", c.Secondary.By))
	case c.heldByOther(e):
		return message.Errorf("cases.held", c.holdersNames())
	}
	if c.State == SecondAsked || c.State == Disputed {
		c.resume = c.State
	}
	c.Secondary = &Secondary{Station: e.Act.Station, Exams: e.Act.Exams, By: e.Act.By, At: e.Time, row: e.Ref}
	c.State = SecondaryRequested
	return nil
}

// endSecondary notes what an inspection found.
func (c *Case) endSecondary(e *Event) error {
	if c.State != SecondaryRequested {
		return message.Errorf("cases.no-secondary")
	}
	c.Secondary.Done, c.Secondary.Result, c.Secondary.done = e.Time, e.Act.Verdict, e.Ref
	c.State = SecondaryDone
	if c.resume != "" {
		c.State, c.resume = c.resume, ""
	}
	c.attach(e)
	return nil
}

// askSecond asks for a second opinion of what is decided.
func (c *Case) askSecond(e *Event) error {
	switch c.State {
	case Decided:
		c.State = SecondAsked
		return nil
	case SecondAsked:
		return message.Errorf("cases.second-asked")
	case Confirmed, Overruled:
		return message.Errorf("cases.two-have-looked")
	}
	return message.Errorf("cases.not-decided")
}

// reopenBy makes what was decided history, for a reason. Who did not know that the case was disputed, or had been asked
// about, doubted what was decided as well. An inspection that they did not know of goes on.
func (c *Case) reopenBy(e *Event) error {
	knew := !slices.ContainsFunc(c.Verdicts, func(v Verdict) bool { return !e.saw(v.row) })
	state, inspected := c.State, c.State == SecondaryRequested && c.resume != "" && !e.saw(c.Secondary.row)
	if inspected {
		state = c.resume
	}
	switch {
	case state == Disputed && knew:
		return message.Errorf("cases.third")
	case !state.Settled() && state != SecondAsked && state != Disputed:
		c.stale = append(c.stale, e.Ref) // what they had seen decided was no more, yet they doubted it
		return message.Errorf("cases.not-settled")
	}
	c.reopen()
	if inspected {
		c.State = SecondaryRequested
	}
	c.stale = append(c.stale, e.Ref)
	return nil
}

// settled says that nothing is to be done any more.
func (c *Case) settled() error {
	if c.State == Withdrawn {
		return message.Errorf("cases.is-withdrawn")
	}
	return message.Errorf("cases.is-settled")
}
