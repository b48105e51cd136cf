package kinds

import (
	"math"

	"lanewarden/drivers/observation"
)

// terms name what speaks for or against an assignment, without the numbers.
var terms = map[observation.PassageTerm_Kind]Text{
	observation.PassageTerm_KIND_UNSPECIFIED: {
		EN: "something that this version does not know", FR: "élément que cette version ignore",
	},
	observation.PassageTerm_KIND_ARRIVAL: {EN: "arrival", FR: "arrivée"},
	observation.PassageTerm_KIND_QUEUE:   {EN: "behind the vehicle ahead", FR: "derrière le véhicule précédent"},
	observation.PassageTerm_KIND_NAME:    {EN: "name", FR: "nom"},
	observation.PassageTerm_KIND_LENGTH:  {EN: "length", FR: "longueur"},
	observation.PassageTerm_KIND_MISSED: {
		EN: "devices that should have seen it and did not", FR: "appareils qui auraient dû le voir",
	},
	observation.PassageTerm_KIND_REPEAT: {EN: "the device had seen it already", FR: "l’appareil l’avait déjà vu"},
	observation.PassageTerm_KIND_ORDER:  {EN: "it would have overtaken", FR: "il aurait dépassé"},
	observation.PassageTerm_KIND_BIRTH: {
		EN: "a vehicle that nobody had seen before", FR: "véhicule que personne n’avait encore vu",
	},
	observation.PassageTerm_KIND_CLUTTER: {EN: "of no vehicle in this lane", FR: "d’aucun véhicule de cette voie"},
	observation.PassageTerm_KIND_LINK: {
		EN: "of the same scan or image", FR: "du même balayage ou de la même image",
	},
	observation.PassageTerm_KIND_PIN: {EN: "a person said so", FR: "une personne l’a dit"},
	observation.PassageTerm_KIND_SIZE: {
		EN: "weight and load for that length", FR: "poids et chargement pour cette longueur",
	},
	observation.PassageTerm_KIND_STRENGTH: {EN: "how well the tag was heard", FR: "force du signal de l’étiquette"},
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
			return say("name %s", "nom %s", t.From)
		}
	case observation.PassageTerm_KIND_PIN:
		if t.From != "" {
			return say("%s said so", "%s l’a dit", t.From)
		}
	}
	return kind
}

// onTime is the difference, s, below which an arrival is said to be as predicted.
const onTime = 0.05

func arrival(t *observation.PassageTerm) Text {
	if t.From == "" && t.SigmaS == 0 {
		return PassageTermKind(observation.PassageTerm_KIND_ARRIVAL)
	}
	from := when(t.From != "", say(" from %s", " depuis %s", t.From))
	sigma := when(t.SigmaS > 0, say(" (±"+nbsp+"%s)", " (±"+nbsp+"%s)", unit(t.SigmaS, 1, "s")))
	off := unit(math.Abs(t.ResidualS), 1, "s")
	switch {
	case math.Abs(t.ResidualS) < onTime:
		return say("arrival as predicted%s%s", "arrivée comme prévu%s%s", from, sigma)
	case t.ResidualS < 0:
		return say("arrival %s earlier than predicted%s%s", "arrivée %s plus tôt que prévu%s%s", off, from, sigma)
	}
	return say("arrival %s later than predicted%s%s", "arrivée %s plus tard que prévu%s%s", off, from, sigma)
}
