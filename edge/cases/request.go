package cases

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Admits reports whether a new event may be journalled: its content is right, who does it saw the case as it is, and the
// state allows it. It fills in what the event knew. revision is that of the case which was shown; 0 for what is no
// judgement of what was shown: taking, comments, attachments.
func (c *Case) Admits(act *observation.CaseEvent, revision int) error {
	judges := slices.Contains([]observation.CaseEvent_Action{decide, confirm, overrule, reopen, askSecond}, act.Action)
	if judges && revision != c.Revision() {
		return message.Errorf("cases.revised", message.Int("seen", revision), message.Int("now", c.Revision()))
	}
	if err := c.Check(act); err != nil {
		return err
	}
	return c.Allows(Event{Act: act})
}

// Has reports whether an event with a client's key is there.
func (c *Case) Has(key string) bool { return c.byKey(key) != nil }

func (c *Case) byKey(key string) *observation.CaseEvent {
	for i := range c.History {
		if a := c.History[i].Act; a != nil && a.Key == key && key != "" {
			return a
		}
	}
	return nil
}

// Repeats reports whether an event is there already, by its key. Another event with that key is an error.
func (c *Case) Repeats(act *observation.CaseEvent) (bool, error) {
	before := c.byKey(act.Key)
	if before == nil {
		return false, nil
	}
	if before.Action != act.Action || !same(before.By, act.By) ||
		act.Action != confirm && !proto.Equal(before.Verdict, act.Verdict) {
		return false, message.Errorf("cases.other-key", message.Quoted("key", act.Key))
	}
	return true, nil
}
