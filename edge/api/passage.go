package api

import (
	"encoding/json"

	"lanewarden/drivers/kinds"
)

// PassagesQuery is the request of GET /v1/passages.
type PassagesQuery struct {
	State string `query:"state" enum:"open"` // only passages of this state
}

// PassageQuery is the request of GET /v1/passages/{id}.
type PassageQuery struct {
	ID string `path:"id"` // passage id
	// Explain asks for the assignments. They are looked for in 50,000 rows of class event from the passage's first
	// reading.
	Explain bool `query:"explain"`
}

// PassageList is the answer of GET /v1/passages.
type PassageList struct {
	// Passages are lanewarden.v1.PassageClosed, as ShownJSON writes it, newest first. Their state says which are
	// open; those have no closedNs.
	Passages []json.RawMessage `json:"passages"`
	// Clocks holds each device's clock offset in seconds, positive for a clock that is ahead of the agent's, estimated
	// from what the device sent.
	Clocks map[string]float64 `json:"clocks"`
}

// PassageDetail is the answer of GET /v1/passages/{id}.
type PassageDetail struct {
	Passage      json.RawMessage `json:"passage"`      // lanewarden.v1.PassageClosed
	Observations []Line          `json:"observations"` // of its readings and of those that may be its own
	Case         bool            `json:"case"`         // there is a case of its alarms
	// Assignments has the journal's last statement about each of these readings, with the terms. Only with explain=1.
	Assignments []Assignment `json:"assignments,omitempty"`
}

// Assignment is the newest statement of the journal about a reading: where it belongs, and the terms of that decision.
type Assignment struct {
	Row     int64           `json:"row"`     // of the journal, which states it
	Passage string          `json:"passage"` // passage id; empty for none
	Reading json.RawMessage `json:"reading"` // lanewarden.v1.PassageReading
}

// Correction is the request of POST /v1/passages/corrections: it moves a reading to another passage.
type Correction struct {
	Idx    int64  `json:"idx"`    // row of the reading, of any device and lane
	To     string `json:"to"`     // passage id, of any lane; empty for none
	Reason string `json:"reason"` // required: it is journalled
	By     string `json:"by"`     // who says so; the signed-in user's name replaces it
}

// CorrectionOutcome is the answer of POST /v1/passages/corrections.
type CorrectionOutcome struct {
	Idx     int64      `json:"idx"`
	From    string     `json:"from"` // passage where it was, as far as the latest ones say; empty for none
	To      string     `json:"to"`
	Summary kinds.Text `json:"summary"` // one sentence
}
