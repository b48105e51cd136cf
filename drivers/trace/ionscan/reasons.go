package ionscan

import (
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/plasmagram"
)

// encodeReasons returns reasons as rows of the journal have them: in English, and as code and arguments.
func encodeReasons(reasons []message.Message) (words []string, encoded []*observation.Message) {
	for _, r := range reasons {
		words = append(words, r.English())
		encoded = append(encoded, driver.EncodeMessage(r))
	}
	return words, encoded
}

// reasonsOf returns the reasons of an analysis' verdict as messages.
func reasonsOf(a *plasmagram.Analysis) []message.Message {
	out := make([]message.Message, len(a.Reasons))
	for i, r := range a.Reasons {
		out[i] = reasonMessage(r)
	}
	return out
}

// reasonMessage makes a message of a reason: package plasmagram, a codec, does not know messages.
func reasonMessage(r plasmagram.Reason) message.Message {
	m := message.Message{Code: r.Code}
	for _, a := range r.Args {
		m.Args = append(m.Args, reasonArg(a))
	}
	return m
}

// reasonArg makes a message's argument of a reason's. An int named n is a count, which chooses the plural.
func reasonArg(a plasmagram.Arg) message.Arg {
	switch v := a.Value.(type) {
	case int:
		if a.Name == "n" {
			return message.Count(a.Name, v)
		}
		return message.Int(a.Name, v)
	case plasmagram.Measure:
		return message.Arg{Name: a.Name, Value: message.Num(v)}
	case plasmagram.Reason:
		return message.Nested(a.Name, reasonMessage(v))
	case string:
		return message.String(a.Name, v)
	}
	return message.Arg{Name: a.Name}
}
