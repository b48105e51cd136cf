package dicos

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Limits of the image test: what an image of a sound system has, whatever the lane file's own limits are. Noise is a
// share of the air level, saturated a share of all pixels; dead is for dead and for stuck detectors, each.
const (
	maxNoise     = 0.03
	maxSaturated = 0.9
	maxDead      = 0
)

// The daily test: a technician scans a test object or any vehicle with air around it, and the image is measured.
var tests = []driver.Test{{
	ID: "image", Title: message.New("test.image.title"), Every: 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{{
			Do:    message.New("test.image.step"),
			Limit: 10 * time.Minute, Judge: imageQuality,
		}}
	},
}}

// imageQuality judges the first image since the step began, and waits for one until the evidence is over. An image
// without air fails, as its noise cannot be told.
func imageQuality(e driver.Evidence) ([]*observation.TestCheck, bool) {
	for _, r := range e.Rows {
		q := r.Body.GetXrayQuality()
		if q == nil {
			continue
		}
		noise, saturated, dead := maxNoise, maxSaturated, float64(maxDead)
		out := []*observation.TestCheck{
			driver.Within(message.New("check.dead-detectors"), float64(q.DeadDetectors), nil, &dead, "", r.Idx),
			driver.Within(message.New("check.stuck-detectors"), float64(q.StuckDetectors), nil, &dead, "", r.Idx),
			driver.Within(message.New("check.saturated"), float64(q.SaturatedShare), nil, &saturated, "", r.Idx),
		}
		if q.AirLevel > 0 {
			return append(out, driver.Within(message.New("check.noise"), float64(q.AirNoise),
				nil, &noise, "", r.Idx)), true
		}
		return append(out, driver.Failed(message.New("check.noise"), message.New("test.image.no-air"), r.Idx)), true
	}
	if e.Over {
		return []*observation.TestCheck{driver.Failed(message.New("check.image"), message.New("test.image.none"))}, true
	}
	return nil, false
}
