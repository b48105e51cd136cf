package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// recently is how long a change of a device's own settings is told.
const recently = 7 * 24 * time.Hour

// setupsRead is how many states of settings are compared.
const setupsRead = 50

// ownSettings tells when a device's own settings or its firmware are others than before: somebody turned something, or a part was exchanged.
func (c *complaint) ownSettings(ctx context.Context) {
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
			if changes, firmware := differences(setup, now); changes != "" {
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

func (c *complaint) changed(at time.Time, changes string, firmware bool) {
	f := Finding{
		Cause: "settings-changed", Warning: true, Rank: rankChange, Text: "the device has other settings of its own since " + at.Local().Format("2006-01-02 15:04 MST"), Seen: changes,
		Do: "was that meant? If not, set it back at the device; if so, run its guided tests: lanectl test",
	}
	if firmware {
		f.Cause, f.Text = "firmware-changed", "the device has other firmware since "+at.Local().Format("2006-01-02 15:04 MST")
		f.Do = "was it updated, or a part exchanged? Settings may have gone with it: compare them, and run its guided tests: lanectl test"
	}
	c.add(f)
}

// differences words what differs between two states of one line of settings, "" for nothing.
func differences(before, now *observation.RadiationSetup) (words string, firmware bool) {
	var all []string
	for _, s := range now.Settings {
		i := slices.IndexFunc(before.Settings, func(o *observation.Setting) bool { return o.Name == s.Name })
		if i < 0 || before.Settings[i].Value == s.Value {
			continue
		}
		firmware = firmware || s.Name == "firmware"
		all = append(all, fmt.Sprintf("%s %s, before %s", s.Name, s.Value, before.Settings[i].Value))
	}
	return strings.Join(all, "; "), firmware
}
