package api

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// NewAccess returns what is on record of a user's action. role is that of an account, "" where users have none; text says
// what exactly was done or looked at.
func NewAccess(u User, role, action string, text message.Message) *observation.AgentAccess {
	return &observation.AgentAccess{
		Action: action, User: u.Name, Role: role, Peer: u.Peer, Text: text.English(), Message: driver.EncodeMessage(text),
	}
}

// AccessRow returns the journal's row of an access.
func AccessRow(at time.Time, body *observation.AgentAccess) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, body)
	o.Device = observation.AgentDevice
	return o
}

// AccessText returns what was done or looked at, in all languages.
func AccessText(a *observation.AgentAccess) message.Text {
	return driver.DecodeMessage(a.GetMessage(), a.GetText()).Text()
}
