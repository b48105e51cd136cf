package dicos

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// Limits of the image test: what an image of a sound system has, whatever the lane file's own limits are.
const (
	maxNoise     = 0.03
	maxSaturated = 0.9
	maxDead      = 0
)

var tests = []driver.Test{{
	ID: "image", Title: driver.Words{EN: "Image quality", FR: "Qualité d’image"}, Every: 24 * time.Hour,
	Steps: func(any) []driver.Step {
		return []driver.Step{{
			Do:    driver.Words{EN: "Scan the test object, or any vehicle with air around it.", FR: "Scannez l’objet d’essai, ou un véhicule entouré d’air."},
			Limit: 10 * time.Minute, Judge: imageQuality,
		}}
	},
}}

func imageQuality(e driver.Evidence) ([]*observation.TestCheck, bool) {
	for _, r := range e.Rows {
		q := r.Body.GetXrayQuality()
		if q == nil {
			continue
		}
		noise, saturated, dead := maxNoise, maxSaturated, float64(maxDead)
		out := []*observation.TestCheck{
			driver.Within("dead detectors", float64(q.DeadDetectors), nil, &dead, "", r.Idx), driver.Within("stuck detectors", float64(q.StuckDetectors), nil, &dead, "", r.Idx),
			driver.Within("saturated share", float64(q.SaturatedShare), nil, &saturated, "", r.Idx),
		}
		if q.AirLevel > 0 {
			return append(out, driver.Within("noise in air", float64(q.AirNoise), nil, &noise, "", r.Idx)), true
		}
		return append(out, driver.Failed("noise in air", "the image has no air to measure it in", r.Idx)), true
	}
	if e.Over {
		return []*observation.TestCheck{driver.Failed("image", "no image came, or its quality is not measured (settings: quality)")}, true
	}
	return nil, false
}
