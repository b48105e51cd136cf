package scale

import (
	"math"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// spanTolerance is how far a weight may be off: 0.2 % of it, and 20 kg (a division of most vehicle scales) at least.
const (
	spanShare = 0.002
	spanLeast = 20 // kg
)

var tests = []driver.Test{{
	ID: "zero-span", Title: driver.Words{EN: "Zero and span", FR: "Zéro et étendue"}, Every: 7 * 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{
			{
				Do: driver.Words{EN: "Empty the platform.", FR: "Videz le plateau."}, Limit: 5 * time.Minute,
				Ask: &driver.Words{EN: "Does the scale's display show 0?", FR: "L’afficheur indique-t-il 0 ?"},
			},
			{
				Do: driver.Words{EN: "Put the test weight, or a vehicle of known mass, on the platform and wait until it is still.", FR: "Posez la masse d’essai, ou un véhicule de masse connue, sur le plateau et attendez qu’il soit immobile."},
				// asked before: the judge needs it
				Number: &driver.Words{EN: "Its mass, kg", FR: "Sa masse, kg"}, Limit: 10 * time.Minute, Judge: span,
			},
		}
	},
}}

func span(e driver.Evidence) ([]*observation.TestCheck, bool) {
	tolerance := math.Max(spanLeast, spanShare*e.Number)
	low, high := e.Number-tolerance, e.Number+tolerance
	return driver.WaitFor("span", "the scale gave no weight", func(r driver.Row) *observation.TestCheck {
		if w := r.Body.GetVehicleWeight(); w != nil {
			return driver.Within("span", w.Kg, &low, &high, "kg", r.Idx)
		}
		return nil
	})(e)
}
