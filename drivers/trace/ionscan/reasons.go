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
		out[i] = message.Of(r)
	}
	return out
}
