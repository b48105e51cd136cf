package ionscan

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// tests are the guided tests of an ion scanner: the two that every shift begins with.
var tests = []driver.Test{
	{
		ID: "verification", Title: message.New("test.verification.title"), Every: 8 * time.Hour,
		Steps: func(any) []driver.Step {
			return []driver.Step{{
				Do: message.New("test.verification.step"), Limit: 5 * time.Minute,
				Judge: driver.WaitFor(message.New("check.verification"), message.New("test.verification.none"),
					func(r driver.Row) *observation.TestCheck {
						v := r.Body.GetTraceVerification()
						switch {
						case v == nil:
							return nil
						case v.Passed:
							return driver.Passed(message.New("check.verification"),
								message.New("test.verification.found"), r.Idx)
						}
						return driver.Failed(message.New("check.verification"),
							message.New("test.verification.not-found"), r.Idx)
					}),
			}}
		},
	},
	{
		ID: "blank", Title: message.New("test.blank.title"), Every: 8 * time.Hour,
		Steps: func(any) []driver.Step {
			return []driver.Step{{
				Do: message.New("test.blank.step"), Limit: 5 * time.Minute,
				Judge: driver.WaitFor(message.New("check.blank"), message.New("test.blank.none"),
					func(r driver.Row) *observation.TestCheck {
						b := r.Body.GetTraceBlank()
						switch {
						case b == nil:
							return nil
						case b.Clean:
							return driver.Passed(message.New("check.blank"), message.New("test.blank.clean"), r.Idx)
						}
						return driver.Failed(message.New("check.blank"), message.New("test.blank.not-clean"), r.Idx)
					}),
			}}
		},
	},
}
