package ionscan

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// tests are the guided tests of an ion scanner: the two that every shift begins with.
var tests = []driver.Test{
	{
		ID: "verification", Title: driver.Words{EN: "Verification", FR: "Vérification"}, Every: 8 * time.Hour,
		Steps: func(any) []driver.Step {
			return []driver.Step{{
				Do: driver.Words{EN: "Run a verification swab.", FR: "Passez un frottis de vérification."}, Limit: 5 * time.Minute,
				Judge: driver.WaitFor("verification", "no verification came from the instrument", func(r driver.Row) *observation.TestCheck {
					v := r.Body.GetTraceVerification()
					switch {
					case v == nil:
						return nil
					case v.Passed:
						return driver.Passed("verification", "the instrument found the verification substance", r.Idx)
					}
					return driver.Failed("verification", "it was not found: clean, and repeat with a fresh swab", r.Idx)
				}),
			}}
		},
	},
	{
		ID: "blank", Title: driver.Words{EN: "Blank", FR: "Blanc"}, Every: 8 * time.Hour,
		Steps: func(any) []driver.Step {
			return []driver.Step{{
				Do: driver.Words{EN: "Run a clean swab as a blank.", FR: "Passez un frottis propre comme blanc."}, Limit: 5 * time.Minute,
				Judge: driver.WaitFor("blank", "no blank came from the instrument", func(r driver.Row) *observation.TestCheck {
					b := r.Body.GetTraceBlank()
					switch {
					case b == nil:
						return nil
					case b.Clean:
						return driver.Passed("blank", "clean", r.Idx)
					}
					return driver.Failed("blank", "not clean: bake out, and run another blank", r.Idx)
				}),
			}}
		},
	},
}
