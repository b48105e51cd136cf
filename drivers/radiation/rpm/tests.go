// Package rpm is what radiation portal monitors of all protocols have in common: their guided tests.
package rpm

import (
	"math"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Limits of the background test, in counts per second and detector. A plastic panel that sees less than 20 is blind,
// one that sees more than 20,000 is lit. Counts of a sound detector scatter as Poisson has it: variance over mean
// near 1. ANSI N42.35 asks for the daily check, not for these figures.
const (
	backgroundTime   = 40 * time.Second
	backgroundReads  = 5 // of which the scatter is told
	minGamma         = 20
	maxGamma         = 20_000
	maxDispersion    = 3
	sourceLimit      = 2 * time.Minute // for a technician to walk through with the source
	sourceSigma      = 7               // as portals are set by default
	silentMultiplier = 3
)

// Tests returns the guided tests of a portal, for its driver's Spec: "background" with an empty lane, and "source"
// with a check source, each due daily. They judge the observations that any portal's driver commits.
func Tests() []driver.Test {
	return []driver.Test{
		{
			ID: "background", Title: message.New("test.background.title"), Every: 24 * time.Hour,
			Steps: func(any) []driver.Step {
				return []driver.Step{{
					Do:    message.New("test.background.step"),
					Limit: silentMultiplier * backgroundTime, Judge: background,
				}}
			},
		},
		{
			ID: "source", Title: message.New("test.source.title"), Every: 24 * time.Hour,
			Steps: func(any) []driver.Step {
				return []driver.Step{{
					Do:    message.New("test.source.step"),
					Limit: sourceLimit, Judge: source,
				}}
			},
		},
	}
}

// background judges the rates that the portal reported while nobody was there. It waits for backgroundTime and
// backgroundReads; a vehicle in between fails it, as does too little when the time is over. done is false while it
// waits.
func background(e driver.Evidence) ([]*observation.TestCheck, bool) {
	var rates [][]float64 // of each detector
	var rows []int64
	for _, r := range e.Rows {
		if o := r.Body.GetRadiationOccupancy(); o != nil {
			return []*observation.TestCheck{driver.Failed(message.New("check.empty-lane"),
				message.New("test.background.vehicle"), r.Idx)}, true
		}
		b := r.Body.GetRadiationBackground()
		if b == nil {
			continue
		}
		rows = append(rows, r.Idx)
		for i, v := range b.Gamma {
			if i >= len(rates) {
				rates = append(rates, nil)
			}
			rates[i] = append(rates[i], float64(v))
		}
	}
	if (e.Elapsed < backgroundTime || len(rows) < backgroundReads) && !e.Over {
		return nil, false
	}
	if len(rows) < backgroundReads {
		return []*observation.TestCheck{driver.Failed(message.New("check.background"),
			message.New("test.background.few", message.Count("n", len(rows))), rows...)}, true
	}
	low, high, scatter := float64(minGamma), float64(maxGamma), float64(maxDispersion)
	var out []*observation.TestCheck
	for i, values := range rates {
		mean, variance := moments(values)
		out = append(out, driver.Within(message.New("check.gamma", message.Int("n", i+1)),
			mean, &low, &high, "1/s", rows...),
			driver.Within(message.New("check.scatter", message.Int("n", i+1)), variance/math.Max(mean, 1),
				nil, &scatter, "", rows...))
	}
	return out, true
}

// moments returns mean and sample variance (over n - 1).
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		variance += (v - mean) * (v - mean) / float64(max(1, len(values)-1))
	}
	return mean, variance
}

// source judges the first occupancy with a gamma alarm, or over sourceSigma, since the step began: both must be so.
// When time is over, any occupancy is judged, so that the technician sees how far it was from enough.
func source(e driver.Evidence) ([]*observation.TestCheck, bool) {
	limit := float64(sourceSigma)
	for _, r := range e.Rows {
		o := r.Body.GetRadiationOccupancy()
		if o == nil || o.SigmaMax < sourceSigma && !o.GammaAlarm && !e.Over {
			continue // somebody walked through without it
		}
		out := []*observation.TestCheck{driver.Within(message.New("check.sigma"), float64(o.SigmaMax),
			&limit, nil, "", r.Idx)}
		if o.GammaAlarm {
			out = append(out, driver.Passed(message.New("check.portal-alarm"), message.New("test.source.alarm"), r.Idx))
		} else {
			out = append(out, driver.Failed(message.New("check.portal-alarm"),
				message.New("test.source.no-alarm"), r.Idx))
		}
		return out, true
	}
	if e.Over {
		return []*observation.TestCheck{driver.Failed(message.New("check.source"), message.New("test.source.none"))},
			true
	}
	return nil, false
}
