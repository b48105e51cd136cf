package fleet

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage"
)

// report is what comes into an agent's journal at a moment of its day.
type report struct {
	after  time.Duration // since midnight
	class  observation.Class
	device string
	body   *observation.Body
}

// day is all that comes into the journal of an agent in 24 hours, in order: what devices report of the vehicles of a
// scenario, the rows that the agent's passages add, and the backgrounds of its portals.
type day []report

const dayLength = 24 * time.Hour

// backgroundEvery is the pause between the backgrounds of a portal: the TSA line protocol's (docs/protocols/tsa.md).
const backgroundEvery = 5 * time.Second

// makeDay makes the day of a scenario. The same seed gives the same vehicles.
func makeDay(s *scenario.Scenario, seed uint64) day {
	told := scenario.Make(s, seed).Told
	rng := rand.New(rand.NewPCG(seed, 0xf1ee7))
	for i := range told {
		if o := told[i].Obs.Body.GetRadiationOccupancy(); o != nil {
			addCounts(o, rng)
		}
	}
	d := withPassages(s, told)
	for _, device := range s.Devices() {
		if device.Kind == "portal" {
			d = append(d, backgrounds(device.ID, rng)...)
		}
	}
	slices.SortStableFunc(d, func(a, b report) int { return int(a.after - b.after) })
	return d
}

// followEvery is the pause after which passages are told (edge/lane/passage).
const followEvery = 10 * time.Second

// withPassages returns what devices told, with what an agent's passages make of it.
func withPassages(s *scenario.Scenario, told []scenario.Told) (d day) {
	add := func(at time.Time, obs ...*observation.Observation) {
		for _, o := range obs {
			d = append(d, report{min(at.Sub(scenario.Begin), dayLength-1), o.Class, o.Device, o.Body})
		}
	}
	c, tick := passage.New(s.Lanes()), scenario.Begin
	for _, t := range told {
		for ; tick.Before(t.At); tick = tick.Add(followEvery) {
			add(tick, c.Tick(tick)...)
		}
		idx := int64(len(d))
		add(t.At, t.Obs)
		add(t.At, c.Take(passage.Row{Idx: idx, Observation: t.Obs})...)
	}
	add(scenario.Begin.Add(dayLength), c.Flush()...)
	return d
}

// Counts of a portal with four panels, as docs/traffic.md has them.
const (
	panels        = 4
	gammaPerPanel = 250.0 // counts in 1 s
	neutronCounts = 1.2   // likewise
)

// poisson draws a number of counts. The normal distribution is near enough for a load.
func poisson(rng *rand.Rand, mean float64) int32 {
	return int32(max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
}

// panelCounts draws a count for each panel.
func panelCounts(rng *rand.Rand, mean float64) []int32 {
	out := make([]int32, panels)
	for i := range out {
		out[i] = poisson(rng, mean)
	}
	return out
}

// backgrounds returns the backgrounds of a portal in a day.
func backgrounds(device string, rng *rand.Rand) (d day) {
	for at := time.Duration(rng.Int64N(int64(backgroundEvery))); at < dayLength; at += backgroundEvery {
		body := &observation.RadiationBackground{
			Gamma: panelCounts(rng, gammaPerPanel), Neutron: panelCounts(rng, neutronCounts),
		}
		o := observation.New(observation.Class_CLASS_TELEMETRY, scenario.Begin.Add(at), body)
		d = append(d, report{at, o.Class, device, o.Body})
	}
	return d
}

// addCounts gives an occupancy of a scenario, which has none, the counts that a portal reports: 200 ms for gamma, 1 s
// for neutrons.
func addCounts(o *observation.RadiationOccupancy, rng *rand.Rand) {
	const gammaInterval, neutronInterval = 200 * time.Millisecond, time.Second
	took := min(max(time.Duration(o.EndNs-o.StartNs), neutronInterval), time.Minute)
	o.GammaIntervalMs, o.NeutronIntervalMs = uint32(gammaInterval.Milliseconds()), uint32(neutronInterval.Milliseconds())
	o.GammaBackground, o.NeutronBackground = panelCounts(rng, gammaPerPanel), panelCounts(rng, neutronCounts)
	series := func(interval time.Duration, mean float64) *observation.Series {
		s := &observation.Series{}
		for range took / interval {
			s.Counts = append(s.Counts, poisson(rng, mean*interval.Seconds()))
		}
		return s
	}
	for range panels {
		o.Gamma = append(o.Gamma, series(gammaInterval, gammaPerPanel))
		o.Neutron = append(o.Neutron, series(neutronInterval, neutronCounts))
	}
}
