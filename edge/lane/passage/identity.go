package passage

import (
	"fmt"
	"slices"
)

// likeness is what the names of an event and of a vehicle say together: the score, and which name said it.
type likeness struct {
	score float64
	a, b  *identity
}

// identity compares what names the event with what names the vehicle.
func (v *vehicle) identity(e *event) (best likeness) {
	for i := range e.ids {
		for k := range v.ids {
			a, b := &e.ids[i], &v.ids[k]
			if a.kind != b.kind {
				continue
			}
			if s := compare(a, b); s > best.score || best.score <= 0 && s < best.score {
				best = likeness{s, a, b}
			}
		}
	}
	return best
}

// reason says in words why the names are alike, "" when they are not.
func (n likeness) reason() string {
	switch {
	case n.score < nearID:
		return ""
	case n.a.value == n.b.value:
		return fmt.Sprintf("%s %s", n.a.kind, n.a.shown)
	}
	return fmt.Sprintf("%s %s, nearly %s", n.a.kind, n.a.shown, n.b.shown)
}

// compare compares two names of one kind.
func compare(a, b *identity) float64 {
	switch {
	case a.kind == "party":
		return 0
	case a.value == b.value:
		return sameID
	case a.kind == "tag":
		return -2 // a vehicle may carry several, and hear the neighbour's
	case a.kind != "plate":
		return -otherID * 0.5
	}
	switch distance(a.value, b.value) {
	case 1:
		return nearID
	case 2:
		return 0
	}
	return -otherID * min(a.sure, b.sure)
}

// named reports whether something of a kind names the vehicle.
func (v *vehicle) named(kind string) bool {
	return slices.ContainsFunc(v.ids, func(i identity) bool { return i.kind == kind })
}
