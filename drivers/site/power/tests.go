package power

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{{
	ID: "battery", Title: driver.Words{EN: "On battery", FR: "Sur batterie"}, Every: 90 * 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{
			{Do: driver.Words{EN: "Pull the UPS's mains plug.", FR: "Débranchez l’onduleur du secteur."}, Limit: 3 * time.Minute, Judge: status("OB", "on battery")},
			{Do: driver.Words{EN: "Put the mains plug back.", FR: "Rebranchez l’onduleur."}, Limit: 3 * time.Minute, Judge: status("OL", "back on mains")},
		}
	},
}}

// minRuntime is how long the box must live on the battery: time to shut down in order.
const minRuntime = 120 // s

func status(word, name string) func(driver.Evidence) ([]*observation.TestCheck, bool) {
	return func(e driver.Evidence) ([]*observation.TestCheck, bool) {
		for _, r := range e.Rows {
			p := r.Body.GetSitePower()
			if p == nil || !slices.Contains(strings.Fields(p.Status), word) {
				continue
			}
			out := []*observation.TestCheck{driver.Passed(name, "the UPS says "+p.Status, r.Idx)}
			if least := float64(minRuntime); word == "OB" && p.RuntimeSeconds != nil {
				out = append(out, driver.Within("runtime", float64(*p.RuntimeSeconds), &least, nil, "s", r.Idx))
			}
			return out, true
		}
		if e.Over {
			return []*observation.TestCheck{driver.Failed(name, fmt.Sprintf("the UPS never said %s", word))}, true
		}
		return nil, false
	}
}
