package rfid

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{{
	ID: "antennas", Title: driver.Words{EN: "A tag at each antenna", FR: "Une étiquette à chaque antenne"}, Every: 7 * 24 * time.Hour,
	Steps: func(settings any) (out []driver.Step) {
		antennas := settings.(*Config).Antennas
		if len(antennas) == 0 {
			antennas = []uint16{1}
		}
		for _, n := range antennas {
			out = append(out, driver.Step{
				Do:    driver.Words{EN: fmt.Sprintf("Hold a test tag in front of antenna %d for three seconds, then take it away.", n), FR: fmt.Sprintf("Tenez une étiquette d’essai devant l’antenne %d pendant trois secondes, puis retirez-la.", n)},
				Limit: 90 * time.Second, Judge: tagAt(uint32(n)),
			})
		}
		return out
	},
}}

// tagAt waits for a tag that an antenna read.
func tagAt(antenna uint32) func(driver.Evidence) ([]*observation.TestCheck, bool) {
	name := fmt.Sprintf("antenna %d", antenna)
	return driver.WaitFor(name, "no tag was read there: cable, antenna, power", func(r driver.Row) *observation.TestCheck {
		for _, a := range r.Body.GetVehicleTag().GetAntennas() {
			if a.Antenna == antenna {
				return driver.Passed(name, fmt.Sprintf("%s, %d %s",
					r.Body.GetVehicleTag().Uri, a.Reads, english.PluralWord(int(a.Reads), "read", "")), r.Idx)
			}
		}
		return nil
	})
}
