package doctor

import (
	"context"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// recently is the age up to which a change of a device's own settings is reported.
const recently = 7 * 24 * time.Hour

// setupsRead is the number of past setups of a device that are compared, all lines of settings
// together.
const setupsRead = 50

// ownSettings reports when a device's own settings or its firmware differ from before: somebody
// turned something, or a part was exchanged. It reads what the device reported at each connection.
// Of each line, only the last change counts.
func (c *deviceCheck) ownSettings(ctx context.Context) {
	q := api.ObservationQuery{Device: c.device.ID, Kind: observation.Kind_KIND_RADIATION_SETUP.Name(), Limit: setupsRead}
	found, err := api.GetObservations.Ask(ctx, c.agent.client(), q)
	if err != nil {
		return // no evidence is no evidence
	}
	told := map[string]bool{} // lines whose last change was looked at
	later := map[string]*observation.RadiationSetup{}
	at := map[string]time.Time{}
	for _, line := range found.Observations { // newest first
		var o observation.Observation
		if err := observation.FromJSON(line.Observation, &o); err != nil {
			continue
		}
		setup := o.Body.GetRadiationSetup()
		if setup == nil || told[setup.Line] {
			continue
		}
		if now := later[setup.Line]; now != nil {
			if changes, firmware := differences(setup, now); !changes.IsZero() {
				told[setup.Line] = true
				if time.Since(at[setup.Line]) < recently {
					c.changed(at[setup.Line], changes, firmware)
				}
				continue
			}
		}
		later[setup.Line], at[setup.Line] = setup, line.Time
	}
}

// changed reports a change of settings, or of firmware, at a time.
func (c *deviceCheck) changed(at time.Time, changes message.Message, firmware bool) {
	what := message.New("settings-changed", message.Time("time", at))
	if firmware {
		what = message.New("firmware-changed", message.Time("time", at))
	}
	c.add(Finding{What: what, Seen: changes})
}

// differences describes what differs between two states of one line of settings; the zero Message
// for nothing. Settings that only one of them has do not count: another version of the driver may
// read more.
func differences(before, now *observation.RadiationSetup) (all message.Message, firmware bool) {
	var changes []message.Message
	for _, s := range now.Settings {
		i := slices.IndexFunc(before.Settings, func(o *observation.Setting) bool { return o.Name == s.Name })
		if i < 0 || before.Settings[i].Value == s.Value {
			continue
		}
		firmware = firmware || s.Name == "firmware"
		changes = append(changes, message.New("seen.setting", message.String("name", s.Name),
			message.String("value", s.Value), message.String("before", before.Settings[i].Value)))
	}
	if len(changes) == 0 {
		return message.Message{}, firmware
	}
	return message.Join("; ", changes...), firmware
}
