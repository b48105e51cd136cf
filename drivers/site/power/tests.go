package power

import (
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{{
	ID: "battery", Title: message.New("test.battery.title"), Every: 90 * 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{
			{Do: message.New("test.battery.unplug"), Limit: 3 * time.Minute,
				Judge: status("OB", message.New("check.on-battery"))},
			{Do: message.New("test.battery.plug"), Limit: 3 * time.Minute,
				Judge: status("OL", message.New("check.on-mains"))},
		}
	},
}}

// minRuntime is the least battery runtime of the box: time to shut down in order.
const minRuntime = 120 // s

func status(word string, name message.Message) func(driver.Evidence) ([]*observation.TestCheck, bool) {
	return func(e driver.Evidence) ([]*observation.TestCheck, bool) {
		for _, r := range e.Rows {
			p := r.Body.GetSitePower()
			if p == nil || !slices.Contains(strings.Fields(p.Status), word) {
				continue
			}
			out := []*observation.TestCheck{driver.Passed(name,
				message.New("test.battery.says", message.String("status", p.Status)), r.Idx)}
			if least := float64(minRuntime); word == "OB" && p.RuntimeSeconds != nil {
				out = append(out, driver.Within(message.New("check.runtime"), float64(*p.RuntimeSeconds),
					&least, nil, "s", r.Idx))
			}
			return out, true
		}
		if e.Over {
			return []*observation.TestCheck{driver.Failed(name,
				message.New("test.battery.never", message.String("word", word)))}, true
		}
		return nil, false
	}
}
