package detection

import (
	"lanewarden/drivers/identifier"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
)

// Log-likelihood ratios of two names of one kind being read at one vehicle, against at two vehicles. Plates: a reader
// reads 95 of 100 rightly, and errs in one character nearly always; two plates that differ by one character are one in
// some thousands of pairs (docs/association.md has the counts).
const (
	sameName     = 11.0
	perCharacter = 2.5 // a short name says less
	nearPlate    = 5.0
	farPlate     = 1.0
	otherPlate   = -6.5
	otherTag     = -1.5 // a vehicle may carry several
	otherNumber  = -3.0 // a container: two on one chassis, or a misread one
	nearNumber   = 3.0
)

// Compare returns the log-likelihood ratio of two names being of one vehicle, 0 when they say nothing of each other.
func Compare(a, b *kinds.Name) float64 {
	switch {
	case a.Kind != b.Kind || a.Kind == observation.PartyName:
		return 0
	case a.Value == b.Value:
		return min(sameName, perCharacter*float64(len(a.Value))-2)
	case a.Kind == observation.TagName:
		return otherTag
	case a.Kind == observation.PlateName:
		switch identifier.Distance(a.Value, b.Value) {
		case 1:
			return nearPlate
		case 2:
			return farPlate
		}
		return otherPlate * min(a.Sure, b.Sure)
	case a.Kind == observation.ContainerName && identifier.Distance(a.Value, b.Value) == 1:
		return nearNumber
	}
	return otherNumber
}

// IdentityScore is the score of comparing the names of a detection with those of a vehicle.
type IdentityScore struct {
	Score float64     // log-likelihood ratio
	A, B  *kinds.Name // the two that said it; nil when none did
}

// weakerThan reports whether a score says more: the highest of those that speak for one vehicle, else the lowest.
func (l *IdentityScore) weakerThan(score float64) bool {
	return score > max(l.Score, 0) || l.Score <= 0 && score < l.Score
}

// Stronger returns the likeness that says more of two.
func (l IdentityScore) Stronger(o IdentityScore) IdentityScore {
	if l.weakerThan(o.Score) {
		return o
	}
	return l
}

// CompareNames compares two sets of names: what speaks for one vehicle most, else what speaks against it most.
func CompareNames(a, b []kinds.Name) (best IdentityScore) {
	for i := range a {
		for k := range b {
			s := Compare(&a[i], &b[k])
			if best.weakerThan(s) {
				best = IdentityScore{s, &a[i], &b[k]}
			}
		}
	}
	return best
}

// MergeNames adds to a vehicle's names those of a detection that it does not have yet. It never writes to names itself.
func MergeNames(names []kinds.Name, of *Detection) []kinds.Name {
	const most = 16
	for _, n := range of.Names {
		if n.Guess || len(names) >= most || has(names, &n) {
			continue
		}
		names = append(names[:len(names):len(names)], n)
	}
	return names
}

func has(names []kinds.Name, n *kinds.Name) bool {
	for i := range names {
		if names[i].Kind == n.Kind && names[i].Value == n.Value {
			return true
		}
	}
	return false
}
