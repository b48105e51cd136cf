package api

import (
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Booths is the answer of GET /v1/clearance.
type Booths struct {
	Booths []Booth `json:"booths"` // of the lanes that have one, in the order of the lane file
}

// Booth is the state of a lane's booth.
type Booth struct {
	Lane string `json:"lane"`
	// Current is the decision in force about the vehicle at the booth; nil while nobody is there.
	Current *Decision     `json:"current,omitempty"`
	Begun   time.Time     `json:"begun,omitzero"` // the vehicle's presentation
	Last    []Decision    `json:"last"`           // about vehicles that have left, newest first
	Outputs []BoothOutput `json:"outputs"`
	Keyed   bool          `json:"keyed"` // codes can be keyed in
}

// BoothOutput is a light or a barrier that follows the decision.
type BoothOutput struct {
	Device  string        `json:"device"`
	Output  string        `json:"output"`
	Value   string        `json:"value"`             // on, off, or empty before it was set
	Problem *message.Text `json:"problem,omitempty"` // why it could not be set
}

// Decision is a decision of clearance (docs/clearance.md).
type Decision struct {
	Presentation string             `json:"presentation"` // id
	Revision     uint32             `json:"revision"`
	Lane         string             `json:"lane"`
	Passage      string             `json:"passage,omitempty"` // id; empty while it is not known
	Plates       []string           `json:"plates"`            // surest first
	Outcome      string             `json:"outcome"`           // in force: RELEASE, MOVE, DOCUMENTS, REFER or HOLD
	Called       kinds.Text         `json:"called"`            // the outcome in words
	Decided      string             `json:"decided"`           // by the rules
	OverriddenBy string             `json:"overridden_by,omitempty"`
	Reasons      []DecisionReason   `json:"reasons"` // worst first
	Exams        []string           `json:"exams"`   // codes, least intrusive first
	Shipments    []ShipmentDecision `json:"shipments"`
	Selected     bool               `json:"selected"` // for a random check
	Policy       string             `json:"policy"`
	Lists        []ListVersion      `json:"lists"`
	Ended        bool               `json:"ended"`                     // the vehicle has left
	Untrusted    bool               `json:"clock_untrusted,omitempty"` // decided by a clock that was not disciplined
	At           time.Time          `json:"at"`
}

// NewDecision returns a decision as pages and programs see it.
func NewDecision(d *observation.ClearanceDecision) Decision {
	out := Decision{
		Presentation: d.Presentation, Revision: d.Revision, Lane: d.Lane, Passage: d.Passage, Plates: notNil(d.Plates),
		Outcome: d.Outcome, Called: kinds.Outcome(d.Outcome), Decided: d.Decided, OverriddenBy: d.OverriddenBy,
		Reasons: reasonsOf(d.Reasons), Exams: notNil(d.Exams), Selected: d.GetDraw().GetSelected(), Policy: d.Policy,
		Ended: d.Ended, Untrusted: d.ClockUntrusted, At: time.Unix(0, d.NowNs).UTC(),
		Shipments: []ShipmentDecision{}, Lists: []ListVersion{},
	}
	for _, s := range d.Shipments {
		out.Shipments = append(out.Shipments, ShipmentDecision{
			Importer: s.Importer, CCN: s.Ccn, Container: s.Container, Class: s.Class, Outcome: s.Outcome,
			Reasons: reasonsOf(s.Reasons),
		})
	}
	for _, l := range d.Lists {
		out.Lists = append(out.Lists, ListVersion{List: l.List, Version: l.Version, Issued: time.Unix(0, l.IssuedNs).UTC()})
	}
	return out
}

func reasonsOf(all []*observation.ClearanceReason) []DecisionReason {
	out := []DecisionReason{}
	for _, r := range all {
		out = append(out, DecisionReason{
			Code: r.Code, Outcome: r.Outcome, Exams: notNil(r.Exams), Rows: notNil(r.Rows),
			Text: Said(r.Text, r.Code), Discreet: r.Discreet,
		})
	}
	return out
}

// notNil makes no values an empty list, for JSON.
func notNil[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// DecisionReason is why an outcome was reached.
type DecisionReason struct {
	Code    string       `json:"code"`
	Outcome string       `json:"outcome"`
	Exams   []string     `json:"exams"`
	Text    message.Text `json:"text"`
	Rows    []int64      `json:"rows"` // that it rests on
	// Discreet is set when the driver must not be told.
	Discreet bool `json:"discreet,omitempty"`
}

// ShipmentDecision is the outcome for one importer's goods.
type ShipmentDecision struct {
	Importer  string           `json:"importer,omitempty"`  // BN15
	CCN       string           `json:"ccn,omitempty"`       // cargo control number
	Container string           `json:"container,omitempty"` // of goods in transit
	Class     string           `json:"class"`
	Outcome   string           `json:"outcome"`
	Reasons   []DecisionReason `json:"reasons"`
}

// ListVersion is the version of a list that a decision used.
type ListVersion struct {
	List    string    `json:"list"`
	Version int64     `json:"version"`
	Issued  time.Time `json:"issued"`
}

// Override is the request of POST /v1/clearance/overrides: an officer's word against a decision.
type Override struct {
	Presentation string `json:"presentation"`
	Revision     uint32 `json:"revision"` // of the decision that the officer saw
	Outcome      string `json:"outcome"`
	Reason       string `json:"reason"` // required: it is journalled
	By           string `json:"by"`     // who says so; the signed-in user's name replaces it
}

// KeyedCode is the request of POST /v1/clearance/codes: a code that does not scan, keyed in twice.
type KeyedCode struct {
	Lane  string `json:"lane"`
	Code  string `json:"code"`
	Again string `json:"again"`
	As    string `json:"as"` // what it is, as VehicleCode.type; empty leaves that to its form
}
