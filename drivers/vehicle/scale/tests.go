package scale

import (
	"math"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// spanTolerance is the largest error of a weight that passes: 0.2 % of it, and 20 kg (a division of most vehicle
// scales) at least.
const (
	spanShare = 0.002
	spanLeast = 20 // kg
)

var tests = []driver.Test{{
	ID: "zero-span", Title: message.New("test.span.title"), Every: 7 * 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{
			{
				Do: message.New("test.span.empty"), Limit: 5 * time.Minute,
				Ask: message.New("test.span.zero"),
			},
			{
				Do: message.New("test.span.load"),
				// asked before: the judge needs it
				Number: message.New("test.span.mass"), Limit: 10 * time.Minute, Judge: span,
			},
		}
	},
}}

// span judges the first weight of the known mass that the technician entered (e.Number, kg).
func span(e driver.Evidence) ([]*observation.TestCheck, bool) {
	tolerance := math.Max(spanLeast, spanShare*e.Number)
	low, high := e.Number-tolerance, e.Number+tolerance
	return driver.WaitFor(message.New("check.span"), message.New("test.span.none"),
		func(r driver.Row) *observation.TestCheck {
			if w := r.Body.GetVehicleWeight(); w != nil {
				return driver.Within(message.New("check.span"), w.Kg, &low, &high, "kg", r.Idx)
			}
			return nil
		})(e)
}
