package passage

import (
	"fmt"
	"slices"
)

// identity compares what names the event with what names the vehicle.
func (v *vehicle) identity(e *event) (score float64, reason string) {
	for _, a := range e.ids {
		for _, b := range v.ids {
			if a.kind != b.kind {
				continue
			}
			s, why := compare(a, b)
			if s > score || score <= 0 && s < score {
				score, reason = s, why
			}
		}
	}
	return score, reason
}

// compare compares two names of one kind.
func compare(a, b identity) (float64, string) {
	if a.value == b.value {
		return sameID, fmt.Sprintf("%s %s", a.kind, a.shown)
	}
	if a.kind != "plate" {
		if a.kind == "tag" {
			return -2, "" // a vehicle may carry several, and hear the neighbour's
		}
		return -otherID * 0.5, ""
	}
	switch distance(a.value, b.value) {
	case 1:
		return nearID, fmt.Sprintf("plate %s, nearly %s", a.shown, b.shown)
	case 2:
		return 0, ""
	}
	return -otherID * min(a.sure, b.sure), ""
}

// named reports whether something of a kind names the vehicle.
func (v *vehicle) named(kind string) bool {
	return slices.ContainsFunc(v.ids, func(i identity) bool { return i.kind == kind })
}
