// Package kinds says in one sentence what an observation says: a journal row goes in, English and French with units
// come out. lanectl tail prints it, and the pages show it. Each kind of observation has one function here; none prints
// the name of a field or of an enumeration.
package kinds

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// Text is a sentence in the languages of the pages. Numbers are written as each language writes them, with no-break
// spaces before units.
type Text struct {
	EN string `json:"en"`
	FR string `json:"fr"`
	// Words is what a device, a driver or a person said beside it, in their own words; empty for none. The pages
	// translate what they know of it.
	Words string `json:"words,omitempty"`
}

// English returns the sentence and the words that belong to it, for a terminal.
func (t Text) English() string {
	switch {
	case t.Words == "":
		return t.EN
	case t.EN == "":
		return t.Words
	}
	return t.EN + ": " + t.Words
}

// Sentence returns the sentence of an observation. It is empty for a kind that this version does not know: whoever shows it
// has the kind's name beside it.
func Sentence(o *observation.Observation) Text {
	if o.GetBody() == nil {
		return Text{}
	}
	say, ok := kinds[o.Body.Kind()]
	if !ok {
		return Text{}
	}
	return say(o.Body.Typed())
}

// kinds has a function for every kind of observation; a test compares it with the vocabulary.
var kinds = map[observation.Kind]func(proto.Message) Text{
	observation.Kind_KIND_RADIATION_OCCUPANCY:  of(occupancy),
	observation.Kind_KIND_RADIATION_BACKGROUND: of(background),
	observation.Kind_KIND_RADIATION_FAULT:      of(radiationFault),
	observation.Kind_KIND_RADIATION_TAMPER:     of(tamper),
	observation.Kind_KIND_RADIATION_SETUP:      of(radiationSetup),
	observation.Kind_KIND_RADIATION_SPECTRUM:   of(spectrum),
	observation.Kind_KIND_DEVICE_STATE:         of(deviceState),
	observation.Kind_KIND_DEVICE_FAULT:         of(deviceFault),
	observation.Kind_KIND_AGENT_STARTED:        of(agentStarted),
	observation.Kind_KIND_AGENT_CLOCK_STEP:     of(clockStep),
	observation.Kind_KIND_DEVICE_IMPORT:        of(deviceImport),
	observation.Kind_KIND_XRAY_IMAGE:           of(xrayImage),
	observation.Kind_KIND_XRAY_THREAT_REPORT:   of(threatReport),
	observation.Kind_KIND_XRAY_QUALITY:         of(xrayQuality),
	observation.Kind_KIND_XRAY_FAULT:           of(xrayFault),
	observation.Kind_KIND_XRAY_PREVIEW:         of(xrayPreview),
	observation.Kind_KIND_DEVICE_READING:       of(deviceReading),
	observation.Kind_KIND_TRACE_ANALYSIS:       of(traceAnalysis),
	observation.Kind_KIND_TRACE_VERIFICATION:   of(traceVerification),
	observation.Kind_KIND_TRACE_BLANK:          of(traceBlank),
	observation.Kind_KIND_TRACE_CALIBRATION:    of(traceCalibration),
	observation.Kind_KIND_TRACE_HEALTH:         of(traceHealth),
	observation.Kind_KIND_TRACE_QUALITY:        of(traceQuality),
	observation.Kind_KIND_DEVICE_CONDITION:     of(deviceCondition),
	observation.Kind_KIND_VEHICLE_DETECTION:    of(vehicleDetection),
	observation.Kind_KIND_VEHICLE_TAG:          of(vehicleTag),
	observation.Kind_KIND_VEHICLE_PLATE:        of(vehiclePlate),
	observation.Kind_KIND_VEHICLE_WEIGHT:       of(vehicleWeight),
	observation.Kind_KIND_VEHICLE_CODE:         of(vehicleCode),
	observation.Kind_KIND_LANE_OUTPUT:          of(laneOutput),
	observation.Kind_KIND_SITE_CLIMATE:         of(siteClimate),
	observation.Kind_KIND_SITE_POWER:           of(sitePower),
	observation.Kind_KIND_SITE_CLOCK:           of(siteClock),
	observation.Kind_KIND_PASSAGE_OPENED:       of(passageOpened),
	observation.Kind_KIND_PASSAGE_UPDATED:      of(passageUpdated),
	observation.Kind_KIND_PASSAGE_CLOSED:       of(passageClosed),
	observation.Kind_KIND_PASSAGE_CORRECTED:    of(passageCorrected),
	observation.Kind_KIND_AGENT_ACCESS:         of(agentAccess),
	observation.Kind_KIND_DEVICE_TEST:          of(deviceTest),
}

// of makes a function of one body a function of any.
func of[M proto.Message](say func(M) Text) func(proto.Message) Text {
	return func(m proto.Message) Text {
		body, ok := m.(M)
		if !ok {
			return Text{}
		}
		return say(body)
	}
}
