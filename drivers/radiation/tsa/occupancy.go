package tsa

import (
	"math"
	"time"

	"lanewarden/drivers/driver/ring"
	"lanewarden/drivers/observation"
)

const (
	// gammaInterval and neutronInterval are the counting times of occupied lines.
	gammaInterval = 200 * time.Millisecond
	// backgroundInterval is the counting time of a background line.
	backgroundInterval = time.Second
	neutronInterval    = time.Second
	// maxOccupancy ends the record of a vehicle that stays, so that memory is bounded; what follows is a new record.
	maxOccupancy = time.Hour
)

// alarmRule holds the parameters of the monitor's decision, from its settings or its SG1 line
// (docs/protocols/tsa.md, Recomputation).
type alarmRule struct {
	nSigma    float64 // alarm when F > B + nSigma * sqrt(B)
	intervals int     // gamma intervals summed in F
}

// openOccupancy is an occupancy under way. The rule and the backgrounds are those that held when it began.
type openOccupancy struct {
	rec      *observation.RadiationOccupancy
	key      string
	start    time.Time
	lastLine time.Time // of an occupied line or the end mark: the occupancy's end
	rule     alarmRule

	background float64              // gamma counts of all detectors in the time of one window; 0 when unknown
	seen       int                  // gamma intervals so far
	window     [detectors]windowSum // of each detector
	sum        windowSum            // of all of them
	maxDet     [detectors]uint32    // largest window of each
}

// windowSum is the running sum of the last intervals, the rule's number of them.
type windowSum struct {
	last ring.Buffer[uint32]
	sum  uint32
}

// add adds an interval and drops the one that leaves the window.
func (w *windowSum) add(v uint32, intervals int) {
	oldest, _ := w.last.Add(v, intervals) // 0 as long as none goes
	w.sum += v - oldest
}

// startOccupancy begins an occupancy. gamma and neutron are the last backgrounds, counts in 1 s by detector, noValue
// among them; empty when none was seen, and nothing is recomputed then.
func startOccupancy(at time.Time, rule alarmRule, gamma, neutron []int32) *openOccupancy {
	o := &openOccupancy{start: at, lastLine: at, rule: rule, rec: &observation.RadiationOccupancy{
		StartNs: at.UnixNano(), GammaBackground: gamma, NeutronBackground: neutron,
		GammaIntervalMs:   uint32(gammaInterval.Milliseconds()),
		NeutronIntervalMs: uint32(neutronInterval.Milliseconds()),
		Gamma:             series(), Neutron: series(), SigmaLimit: float32(rule.nSigma),
		WindowIntervals: uint32(rule.intervals),
	}}
	for _, b := range gamma {
		o.background += float64(max(b, 0))
	}
	o.background *= float64(rule.intervals) * gammaInterval.Seconds()
	return o
}

func series() []*observation.Series {
	s := make([]*observation.Series, detectors)
	for i := range s {
		s[i] = &observation.Series{}
	}
	return s
}

// addGamma adds a GS or GA line. A missing value counts as 0 in the sums and stays "no value" in the series. The
// largest sum counts only once a whole window was seen.
func (o *openOccupancy) addGamma(l *line) {
	o.rec.GammaAlarm = o.rec.GammaAlarm || l.kind == lineGA
	var total uint32
	for i, c := range l.counts {
		o.rec.Gamma[i].Counts = append(o.rec.Gamma[i].Counts, c)
		v := uint32(max(c, 0))
		total += v
		o.window[i].add(v, o.rule.intervals)
		o.maxDet[i] = max(o.maxDet[i], o.window[i].sum)
	}
	o.sum.add(total, o.rule.intervals)
	if o.seen++; o.seen >= o.rule.intervals {
		o.rec.GammaMax = max(o.rec.GammaMax, o.sum.sum)
	}
}

// addNeutron adds an NS or NA line. Neutrons are too few for a rule by sigma: the monitor's verdict stands alone.
func (o *openOccupancy) addNeutron(l *line) {
	o.rec.NeutronAlarm = o.rec.NeutronAlarm || l.kind == lineNA
	var total uint32
	for i, c := range l.counts {
		o.rec.Neutron[i].Counts = append(o.rec.Neutron[i].Counts, c)
		total += uint32(max(c, 0))
	}
	o.rec.NeutronMax = max(o.rec.NeutronMax, total)
}

// finish computes the verdicts and returns the observation: class alarm when the monitor or the recomputation says
// so. Sigma is (F - B) / sqrt(B), F being the largest window of all detectors and B the background in the same time.
func (o *openOccupancy) finish(end observation.RadiationOccupancy_End) *observation.Observation {
	r := o.rec
	r.EndNs, r.End = o.lastLine.UnixNano(), end
	r.Incomplete = r.Incomplete || end != observation.RadiationOccupancy_END_MARKED
	r.GammaMaxDetector = o.maxDet[:]
	if o.background > 0 && o.seen >= o.rule.intervals {
		sigma := (float64(r.GammaMax) - o.background) / math.Sqrt(o.background)
		r.SigmaMax = float32(sigma)
		r.GammaAlarmRecomputed = sigma > o.rule.nSigma
		r.AlarmDisagreement = r.GammaAlarm != r.GammaAlarmRecomputed
	}
	class := observation.Class_CLASS_EVENT
	if r.GammaAlarm || r.NeutronAlarm || r.GammaAlarmRecomputed {
		class = observation.Class_CLASS_ALARM
	}
	trimEmpty(r)
	return observation.New(class, o.start, r)
}

// trimEmpty drops the series of detectors that never sent a value: a portal with two pillars has two.
func trimEmpty(r *observation.RadiationOccupancy) {
	r.Gamma = withValues(r.Gamma)
	r.Neutron = withValues(r.Neutron)
	r.GammaMaxDetector = r.GammaMaxDetector[:len(r.Gamma)]
}

// withValues drops series at the end; one in the middle stays, so that the place in the list is the detector's
// number.
func withValues(s []*observation.Series) []*observation.Series {
	for len(s) > 0 && !hasValue(s[len(s)-1].Counts) {
		s = s[:len(s)-1]
	}
	return s
}

func hasValue(counts []int32) bool {
	for _, c := range counts {
		if c != noValue {
			return true
		}
	}
	return false
}
