package api

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// TailMax is the largest number of past observations that GET /v1/tail returns.
const TailMax = 100_000

// TailQuery is the request of GET /v1/tail.
type TailQuery struct {
	N      int    `query:"n" default:"20" min:"0" max:"100000"` // how many of the newest that match, however far back
	Follow bool   `query:"follow"`                              // whether to go on with those that come
	Class  string `query:"class" enum:"alarm,event,telemetry"`  // only this class
	Device string `query:"device"`                              // only this device
}

// ObservationQuery is the request of GET /v1/observations.
type ObservationQuery struct {
	Class  string `query:"class" enum:"alarm,event,telemetry"` // only this class
	Device string `query:"device"`                             // only this device
	Kind   string `query:"kind"`                               // only this kind, or those below it: radiation
	Text   string `query:"q"`                                  // text, or hex (hashes, EPCs), in what rows say
	// From is the earliest time that is shown of an observation (corrected, else time).
	From time.Time `query:"from"`
	// To is the latest time that is shown. With it, what was reported over an hour late is not found.
	To     time.Time `query:"to"`
	Before *int64    `query:"before" min:"0"`                        // only rows before this one: next of the page before
	Limit  int       `query:"limit" default:"200" min:"1" max:"200"` // most observations of a page
}

// StreamQuery is the request of GET /v1/stream.
type StreamQuery struct {
	Device string `query:"device"` // whose live samples and raw data to send; empty for none
}

// Line is one observation of GET /v1/tail, /v1/observations and /v1/passages/{id}.
type Line struct {
	Idx         int64            `json:"idx"`                // row of the journal
	Time        time.Time        `json:"time"`               // phenomenon time, by the device's own clock where it has one
	Corrected   time.Time        `json:"corrected,omitzero"` // by the agent's clock, where the device's is wrong
	Class       string           `json:"class"`              // alarm, event or telemetry
	Device      string           `json:"device"`
	Kind        string           `json:"kind"`
	View        observation.View `json:"view,omitempty"` // how pages draw it, beside its sentence
	Summary     kinds.Text       `json:"summary"`        // one sentence
	Observation json.RawMessage  `json:"observation"`    // lanewarden.v1.Observation, as ShownJSON writes it
	// Passages are the passage that the observation belongs to and, when that is not certain, the other candidate. Only
	// GET /v1/observations fills it in, and only from passages that are open or among the last.
	Passages []Candidate `json:"passages,omitempty"`
}

// Sentence says what an observation is, in both languages.
func Sentence(o *observation.Observation) kinds.Text { return kinds.Sentence(o) }

// NewLine returns an observation of a row as pages and programs see it, with a sentence in both languages.
func NewLine(idx int64, o *observation.Observation) (Line, error) {
	text, err := ShownJSON(o)
	kind := o.GetBody().Kind()
	return Line{
		Idx: idx, Time: o.Time(), Class: o.Class.Name(), Device: o.Device, Kind: kind.Name(), View: observation.Describe(kind).View,
		Summary: Sentence(o), Observation: text,
	}, err
}

// Shown returns the time that people see, by which lines are ordered: the corrected one where there is one.
func (l *Line) Shown() time.Time {
	if l.Corrected.IsZero() {
		return l.Time
	}
	return l.Corrected
}

// Candidate is a passage that an observation belongs to, or may belong to.
type Candidate struct {
	Passage    string  `json:"passage"`         // passage id; empty: no vehicle of these lanes
	Plate      string  `json:"plate,omitempty"` // plate of that passage
	Confidence float32 `json:"confidence"`      // 0 to 1
}

// Found is the answer of GET /v1/observations: one page.
type Found struct {
	Observations []Line `json:"observations"` // newest first
	Next         int64  `json:"next"`         // before= of the next page; 0 at the journal's beginning
}

// Head is an observation in the events "rows" of GET /v1/stream: what it is, not what it says.
type Head struct {
	Idx    int64     `json:"idx"`
	Time   time.Time `json:"time"`
	Class  string    `json:"class"`
	Device string    `json:"device"`
	Kind   string    `json:"kind"`
}

// RawLine is data that passed between a device and the agent, in the events "raw" of GET /v1/stream.
type RawLine struct {
	At   time.Time `json:"at"`
	To   bool      `json:"to"`   // to the device, else from it
	Text string    `json:"text"` // its beginning, quoted as Go quotes strings, without the quotation marks
}

// Sample is one interval of a live waveform; a value is null where the device sent none.
type Sample struct {
	At      time.Time  `json:"at"` // of the first value
	Channel string     `json:"channel"`
	Unit    string     `json:"unit,omitempty"` // "1/s" for counts per second; empty for the channel's own unit
	Values  []*float32 `json:"values"`
}

// Said returns what a row says in all languages: its message, or its text where this version does not know that.
func Said(m *observation.Message, text string) message.Text {
	return driver.DecodeMessage(m, text).Text()
}

// ShownJSON returns an observation, or a part of one, as JSON for who shows it: observation.JSON, and beside what the
// software said the same sentence in French as "fr". That depends on the catalogue of this version, so that
// observation.JSON, of which exports are made, has none.
func ShownJSON(m proto.Message) (json.RawMessage, error) {
	return observation.JSONWithFrench(m, func(said *observation.Message) string {
		out := driver.DecodeMessage(said, said.GetCode())
		if out.IsVerbatim() { // a code that this version does not know
			return ""
		}
		return out.In(message.French)
	})
}
