package n42

import "strings"

// kind is the radiation that a detector measures.
type kind struct{ gamma, neutron bool }

// detectorInfo is a RadDetectorInformation at hand.
type detectorInfo struct{ id, category, description string }

// endDetector notes what a detector measures, by its category, its description and its id; a detector of which
// nothing is said measures gammas. Source of the exceptions: SpecUtils, by the files that it met.
func (d *decoder) endDetector() {
	info := d.info
	if info.id == "" || len(d.kinds) >= maxDetectors {
		return
	}
	k := kind{gamma: true}
	id := strings.ToLower(info.id)
	switch strings.ToLower(info.category) {
	case "neutron":
		k = kind{neutron: true}
	case "gamma":
		if strings.HasSuffix(id, "ntr") { // a maker's error
			k = kind{neutron: true}
		}
	default:
		if strings.Contains(id, "neutron") {
			k = kind{neutron: true}
		}
	}
	text := strings.ToLower(info.description + " " + info.category)
	if strings.Contains(text, "gamma") && strings.Contains(text, "neutron") {
		k = kind{gamma: true, neutron: true}
	}
	d.kinds[info.id] = k
}

// isNeutron reports whether a spectrum or gross count is one of neutrons. detectorType is the attribute of documents
// of 2006, "" for none; it wins over what the detector's information says.
func (d *decoder) isNeutron(s spectrum, detectorType string) bool {
	id, name := strings.ToLower(s.id), strings.ToLower(s.detector)
	byName := strings.Contains(name, "neutron") || strings.HasSuffix(name, "ntr")
	if t := strings.ToLower(detectorType); t != "" {
		gamma, neutron := strings.Contains(t, "gamma"), strings.Contains(t, "neutron")
		if gamma != neutron {
			return neutron
		}
	}
	switch k, known := d.kinds[s.detector]; {
	case !known:
		return byName
	case k.gamma && k.neutron && s.gross: // its gammas are its spectrum
		return !strings.Contains(id, "gamma")
	case k.gamma && k.neutron:
		return strings.Contains(id, "neutron") || strings.Contains(id, "ntr")
	case k.neutron:
		return true
	}
	return byName
}

// onlyDetector returns the detector that a measurement without a name is of: the only one that counts gammas, "" when
// there are several.
func (d *decoder) onlyDetector() string {
	only := ""
	for id, k := range d.kinds {
		if !k.gamma {
			continue
		}
		if only != "" {
			return ""
		}
		only = id
	}
	return only
}

// Label returns the detector's name for people: one line, at most 200 bytes, "" when it has none or one that says
// "unknown".
func (det *Detector) Label() string { return clean(det.Name) }
