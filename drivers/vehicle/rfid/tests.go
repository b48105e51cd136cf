package rfid

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// The guided test: hold a tag before each antenna of the settings, one after another.
var tests = []driver.Test{{
	ID: "antennas", Title: message.New("test.antennas.title"), Every: 7 * 24 * time.Hour,
	Steps: func(settings any) (out []driver.Step) {
		antennas := settings.(*Config).Antennas
		if len(antennas) == 0 {
			antennas = []uint16{1}
		}
		for _, n := range antennas {
			out = append(out, driver.Step{
				Do:    message.New("test.antennas.step", message.Int("antenna", n)),
				Limit: 90 * time.Second, Judge: tagAt(uint32(n)),
			})
		}
		return out
	},
}}

// tagAt waits for a tag that an antenna read.
func tagAt(antenna uint32) func(driver.Evidence) ([]*observation.TestCheck, bool) {
	name := message.New("check.antenna", message.Int("antenna", antenna))
	return driver.WaitFor(name, message.New("test.antennas.none"), func(r driver.Row) *observation.TestCheck {
		for _, a := range r.Body.GetVehicleTag().GetAntennas() {
			if a.Antenna == antenna {
				return driver.Passed(name, message.New("test.antennas.read",
					message.String("tag", r.Body.GetVehicleTag().Uri), message.Count("n", a.Reads)), r.Idx)
			}
		}
		return nil
	})
}
