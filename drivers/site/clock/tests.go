package clock

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{{
	ID: "clock", Title: driver.Words{EN: "Clock", FR: "Horloge"}, Every: 30 * 24 * time.Hour,
	Steps: func(settings any) []driver.Step {
		c := settings.(*Config)
		limit := float64(c.Error.Milliseconds())
		return []driver.Step{{
			Do: driver.Words{EN: "Wait for the next report of the clock.", FR: "Attendez le prochain rapport de l’horloge."}, Limit: 2*c.Report + 30*time.Second,
			Judge: func(e driver.Evidence) ([]*observation.TestCheck, bool) {
				for _, r := range e.Rows {
					s := r.Body.GetSiteClock()
					if s == nil {
						continue
					}
					if !s.Synchronised {
						return []*observation.TestCheck{driver.Failed("synchronised", "nothing keeps the clock right: start the time service", r.Idx)}, true
					}
					return []*observation.TestCheck{driver.Passed("synchronised", "", r.Idx), driver.Within("error", s.EstimatedErrorMs, nil, &limit, "ms", r.Idx)}, true
				}
				if e.Over {
					return []*observation.TestCheck{driver.Failed("clock", "no report came")}, true
				}
				return nil, false
			},
		}}
	},
}}
