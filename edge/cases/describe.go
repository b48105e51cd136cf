package cases

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// maxFound bounds what is named of one alarm.
const maxFound = 8

// Describe adds to an alarm of a case what its row says: which particles, how far above the background, nuclides, threats,
// substances.
func Describe(a *observation.CaseAlarm, body proto.Message) {
	switch b := body.(type) {
	case *observation.RadiationOccupancy:
		a.Gamma, a.Neutron, a.Sigma, a.SigmaLimit = b.GammaAlarm, b.NeutronAlarm, b.SigmaMax, b.SigmaLimit
	case *observation.RadiationSpectrum:
		for _, alarm := range b.Alarms {
			a.Gamma = a.Gamma || strings.EqualFold(alarm.Category, "gamma")
			a.Neutron = a.Neutron || strings.Contains(strings.ToLower(alarm.Category), "neutron")
		}
		a.Nuclides = b.Nuclides[:min(len(b.Nuclides), maxFound)]
	case *observation.XrayThreatReport:
		a.Found = threats(b)
	case *observation.TraceAnalysis:
		a.Found = substances(b)
	}
}

// threats lists what the objects of a report are held to be, each once.
func threats(b *observation.XrayThreatReport) (found []string) {
	for _, o := range b.Objects {
		for _, s := range o.Assessments {
			if s.Flag != "NO_THREAT" {
				found = add(found, strings.ToLower(s.Category))
			}
		}
	}
	return found
}

// substances lists what a swab shows, by the library and by the instrument.
func substances(b *observation.TraceAnalysis) (found []string) {
	for _, f := range b.Found {
		found = add(found, f.Substance)
	}
	for _, s := range b.InstrumentSubstances {
		found = add(found, s)
	}
	return found
}

func add(found []string, name string) []string {
	for _, f := range found {
		if f == name {
			return found
		}
	}
	if name == "" || len(found) == maxFound {
		return found
	}
	return append(found, name)
}
