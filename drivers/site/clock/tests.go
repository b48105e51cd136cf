package clock

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{{
	ID: "clock", Title: message.New("test.clock.title"), Every: 30 * 24 * time.Hour,
	Steps: func(settings any) []driver.Step {
		c := settings.(*Config)
		limit := float64(c.Error.Milliseconds())
		return []driver.Step{{
			Do: message.New("test.clock.step"), Limit: 2*c.Report + 30*time.Second,
			Judge: func(e driver.Evidence) ([]*observation.TestCheck, bool) {
				for _, r := range e.Rows {
					s := r.Body.GetSiteClock()
					if s == nil {
						continue
					}
					if !s.Synchronised {
						return []*observation.TestCheck{driver.Failed(message.New("check.synchronised"),
							message.New("test.clock.free"), r.Idx)}, true
					}
					return []*observation.TestCheck{driver.Passed(message.New("check.synchronised"),
						message.Message{}, r.Idx),
						driver.Within(message.New("check.clock-error"), s.EstimatedErrorMs,
							nil, &limit, "ms", r.Idx)}, true
				}
				if e.Over {
					return []*observation.TestCheck{driver.Failed(message.New("check.clock"),
						message.New("test.clock.none"))}, true
				}
				return nil, false
			},
		}}
	},
}}
