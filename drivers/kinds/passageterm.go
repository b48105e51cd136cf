package kinds

import (
	"math"

	"lanewarden/drivers/observation"
)

// terms name what speaks for or against an assignment, without the numbers.
var terms = map[observation.PassageTerm_Kind]string{
	observation.PassageTerm_KIND_UNSPECIFIED: "terms.something-this-version-does",
	observation.PassageTerm_KIND_ARRIVAL:     "terms.arrival",
	observation.PassageTerm_KIND_QUEUE:       "terms.behind-vehicle-ahead",
	observation.PassageTerm_KIND_NAME:        "terms.name",
	observation.PassageTerm_KIND_LENGTH:      "terms.length",
	observation.PassageTerm_KIND_MISSED:      "terms.devices-should-have-seen",
	observation.PassageTerm_KIND_REPEAT:      "terms.device-had-seen-already",
	observation.PassageTerm_KIND_ORDER:       "terms.would-have-overtaken",
	observation.PassageTerm_KIND_BIRTH:       "terms.vehicle-nobody-had-seen",
	observation.PassageTerm_KIND_CLUTTER:     "terms.no-vehicle-this-lane",
	observation.PassageTerm_KIND_LINK:        "terms.same-scan-or-image",
	observation.PassageTerm_KIND_PIN:         "terms.person-said-so",
	observation.PassageTerm_KIND_SIZE:        "terms.weight-and-load-for",
	observation.PassageTerm_KIND_STRENGTH:    "terms.how-well-tag-heard",
}

// PassageTermKind names a kind of term.
func PassageTermKind(k observation.PassageTerm_Kind) Text { return word(terms, k) }

// PassageTerm says one term of an assignment with what it was measured by, without its scores: "arrival 0.4 s later
// than predicted from loop-1 (± 0.6 s)".
func PassageTerm(t *observation.PassageTerm) Text {
	kind := PassageTermKind(t.GetKind())
	switch t.GetKind() {
	case observation.PassageTerm_KIND_ARRIVAL:
		return arrival(t)
	case observation.PassageTerm_KIND_QUEUE:
		return join(", ", arrival(t), kind)
	case observation.PassageTerm_KIND_NAME:
		if t.From != "" {
			return say("passage-term.name", arg("from", t.From))
		}
	case observation.PassageTerm_KIND_PIN:
		if t.From != "" {
			return say("passage-term.said-so", arg("from", t.From))
		}
	}
	return kind
}

// onTime is the difference, s, below which an arrival is said to be as predicted.
const onTime = 0.05

// arrival says how far an arrival was from the predicted one, with the prediction's standard deviation.
func arrival(t *observation.PassageTerm) Text {
	if t.From == "" && t.SigmaS == 0 {
		return PassageTermKind(observation.PassageTerm_KIND_ARRIVAL)
	}
	from := when(t.From != "", say("arrival.from", arg("from", t.From)))
	sigma := when(t.SigmaS > 0, say("arrival.sigma", arg("sigmaS", unit(t.SigmaS, 1, "s"))))
	off := unit(math.Abs(t.ResidualS), 1, "s")
	switch {
	case math.Abs(t.ResidualS) < onTime:
		return say("arrival.arrival-as-predicted", arg("from", from), arg("sigma", sigma))
	case t.ResidualS < 0:
		return say("arrival.arrival-earlier-than-predicted", arg("off", off), arg("from", from), arg("sigma", sigma))
	}
	return say("arrival.arrival-later-than-predicted", arg("off", off), arg("from", from), arg("sigma", sigma))
}
