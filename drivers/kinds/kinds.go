// Package kinds words every kind of observation, and says what a passage learns from it: an observation goes in; its
// sentence in English and French and its evidence of a vehicle come out. With the descriptors of package observation it
// is all that depends on the kind of an observation: a new kind is one entry there and one here.
package kinds

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// entry has the functions of one kind: its sentence, and, for kinds that are about a vehicle, its evidence.
type entry struct {
	// sentence describes what the typed body says.
	sentence func(proto.Message) Text
	// evidence adds to e what o says of a vehicle; nil for kinds that are about none.
	evidence func(o *observation.Observation, e *Evidence)
}

// IsOfVehicle reports whether observations of a kind belong to passages.
func IsOfVehicle(k observation.Kind) bool { return table[k].evidence != nil }

// Sentence returns what an observation says in one sentence. It is empty for a kind that this version does not know:
// whoever shows it has the kind's name beside it.
func Sentence(o *observation.Observation) Text {
	if o.GetBody() == nil {
		return Text{}
	}
	e, ok := table[o.Body.Kind()]
	if !ok {
		return Text{}
	}
	text := e.sentence(o.Body.Typed())
	if o.Body.Maintenance && text.EN != "" {
		mark := say("maintenance.mark")
		text.EN, text.FR = mark.EN+" "+text.EN, mark.FR+" "+text.FR
	}
	return text
}

// sentenceOf makes a function of one body a function of any.
func sentenceOf[M proto.Message](say func(M) Text) func(proto.Message) Text {
	return func(m proto.Message) Text {
		body, ok := m.(M)
		if !ok {
			return Text{}
		}
		return say(body)
	}
}
