package n42

import (
	"math"
	"strings"
)

// join brings together what one detector measured in a slice. Neutron counts join the spectrum of their detector;
// where the slice has one spectrum and one detector of neutrons they join too, for one assembly measured both. All
// others are measurements of their own, also when they are 0.
func (sl *slice) join() []spectrum {
	out := oneForm(sl.spectra)
	withSpectra := len(out)
	counts := withoutStatistics(sl.counts)
	named, unnamed := neutronDetectors(counts)
	index := 0 // of the next unnamed count
	for _, c := range counts {
		host := hostOf(out, c)
		switch {
		case host >= 0:
		case c.neutrons && withSpectra == 1 && named+min(unnamed, 1) == 1:
			host = 0
		case c.neutrons && c.detector == "" && unnamed == withSpectra: // one count behind each spectrum, without names
			host = index
			index++
		case !c.neutrons && c.detector == "" && withSpectra > 0:
			continue // their own sum
		}
		if host < 0 {
			out = append(out, c)
			continue
		}
		out[host].join(c)
	}
	for _, r := range sl.doses {
		host := hostOf(out, spectrum{detector: r.detector})
		if host < 0 && len(out) > 0 && (r.detector == "" || withSpectra == 1) {
			host = 0
		}
		if host < 0 {
			out = append(out, spectrum{detector: r.detector, gross: true})
			host = len(out) - 1
		}
		out[host].doses = append(out[host].doses, r.rate)
	}
	if len(out) == 0 {
		for _, name := range sl.meters {
			out = append(out, spectrum{detector: name, gross: true})
		}
	}
	return out
}

// hostOf returns which measurement of out a count of the same detector joins, -1 for none: the first that has no
// such count yet, else the first at all.
func hostOf(out []spectrum, c spectrum) int {
	host := -1
	for i, s := range out {
		if s.detector == c.detector && (host < 0 || out[host].neutrons && !s.neutrons) {
			host = i
		}
	}
	return host
}

// join adds a count to a measurement. Gamma counts beside a spectrum are its own sum, and are not added.
func (s *spectrum) join(c spectrum) {
	if c.neutrons {
		s.neutron, s.neutrons = s.neutron+c.neutron, true
	}
	if s.n == 0 {
		s.gamma += c.gamma
		s.live, s.real = max(s.live, c.live), max(s.real, c.real)
	}
	if s.start.IsZero() {
		s.start = c.start
	}
}

// neutronDetectors counts the names of detectors of neutrons, and the counts of neutrons that have none.
func neutronDetectors(counts []spectrum) (named, unnamed int) {
	names := map[string]bool{}
	for _, c := range counts {
		switch {
		case !c.neutrons:
		case c.detector == "":
			unnamed++
		default:
			names[c.detector] = true
		}
	}
	return len(names), unnamed
}

// withoutStatistics leaves out least and most neutrons beside their total: FLIR's instruments write all three as if
// they were detectors.
func withoutStatistics(counts []spectrum) []spectrum {
	statistic := func(c spectrum) bool {
		name := strings.ToLower(c.detector)
		if !strings.Contains(name, "neutron") {
			return false
		}
		for _, word := range []string{"min", "max", "average", "mean", "avg"} {
			if strings.HasPrefix(name, word) {
				return true
			}
		}
		return false
	}
	var out []spectrum
	left, neutrons := 0, 0
	for _, c := range counts {
		if statistic(c) {
			left++
			continue
		}
		if c.neutrons {
			neutrons++
		}
		out = append(out, c)
	}
	if left > 0 && neutrons == 0 {
		return counts // nothing else tells of neutrons
	}
	return out
}

// oneForm keeps one of several spectra of a slice that are the same counts in other channels: one detector, one live
// time, one sum (within rounding), another energy calibration. RadSeeker writes a linear one and one by the root of
// the energy.
func oneForm(spectra []spectrum) []spectrum {
	var out []spectrum
	for _, s := range spectra {
		same := false
		for _, o := range out {
			same = same || s.detector == o.detector && s.calibrationRef != o.calibrationRef && s.live == o.live &&
				s.live > 0 && s.start.Equal(o.start) &&
				math.Abs(float64(s.gamma-o.gamma)) <= 1e-3*float64(o.gamma)
		}
		if !same {
			out = append(out, s)
		}
	}
	return out
}
