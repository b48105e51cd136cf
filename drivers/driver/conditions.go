package driver

import (
	"fmt"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Conditions reports what a technician must know of a device, once when it begins and once when it is over. The
// zero value is ready.
type Conditions struct{ on map[string]bool }

// Set says that a condition is in force, or not, and returns what is to be committed because that is new. text says
// what it is and what to do.
func (c *Conditions) Set(at time.Time, condition, subject string, on bool, text message.Message) []*observation.Observation {
	return c.report(at, on, observation.Class_CLASS_EVENT, text,
		&observation.DeviceCondition{Condition: condition, Subject: subject})
}

// Alarm is Set for what somebody must look at: its beginning is of class alarm.
func (c *Conditions) Alarm(at time.Time, condition, subject string, on bool, text message.Message) []*observation.Observation {
	return c.report(at, on, observation.Class_CLASS_ALARM, text,
		&observation.DeviceCondition{Condition: condition, Subject: subject})
}

// Retract takes back the last report of a condition, which could not be committed: it is reported again.
func (c *Conditions) Retract(condition, subject string) {
	id := condition + " " + subject
	c.on[id] = !c.on[id]
}

// Resume notes that a condition was in force when the agent stopped, and was reported then.
func (c *Conditions) Resume(condition, subject string) {
	if c.on == nil {
		c.on = map[string]bool{}
	}
	c.on[condition+" "+subject] = true
}

// Limit is Set for a value that must not pass a limit.
func (c *Conditions) Limit(at time.Time, condition string, on bool, value, limit float64,
	text message.Message) []*observation.Observation {
	return c.report(at, on, observation.Class_CLASS_EVENT, text,
		&observation.DeviceCondition{Condition: condition, Value: &value, Limit: &limit})
}

func (c *Conditions) report(at time.Time, on bool, class observation.Class, text message.Message,
	body *observation.DeviceCondition) []*observation.Observation {
	id := body.Condition + " " + body.Subject
	if c.on[id] == on {
		return nil
	}
	if c.on == nil {
		c.on = map[string]bool{}
	}
	c.on[id] = on
	if body.Cleared = !on; body.Cleared {
		text = message.New("condition.over")
		class = observation.Class_CLASS_EVENT
	}
	body.Text = text.English()
	o := observation.New(class, at, body)
	SetKey(o, fmt.Sprintf("%s %v@%d", id, on, at.UnixNano()))
	body.Message = EncodeMessage(text) // after the key, whose digest is that of older versions
	return []*observation.Observation{o}
}
