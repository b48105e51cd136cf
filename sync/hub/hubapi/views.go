package hubapi

import (
	"encoding/json"
	"time"

	"lanewarden/edge/api"
)

// PassagesQuery is the request of GET /v1/passages. Its conditions hold together.
type PassagesQuery struct {
	Plate     string    `query:"plate"`     // as read, or as it is written; characters that look alike count as one
	Container string    `query:"container"` // number, with or without blanks and dashes
	Tag       string    `query:"tag"`       // EPC pure identity URI
	Code      string    `query:"code"`      // cargo control number, driver's or importer's number, ...
	Name      string    `query:"name"`      // any of these
	ID        string    `query:"id"`        // of the passage, at whichever agent
	Site      string    `query:"site"`
	Agent     string    `query:"agent"`
	Lane      string    `query:"lane"`
	Outcome   string    `query:"outcome" enum:"RELEASE,MOVE,DOCUMENTS,REFER,HOLD"` // of the decision in force
	Alarm     bool      `query:"alarm"`                                            // only vehicles that have an alarm, or may have one
	From      time.Time `query:"from"`                                             // only from this time on
	To        time.Time `query:"to"`                                               // only before this time
	After     string    `query:"after"`                                            // next of the page before
	Limit     int       `query:"limit" default:"50" min:"1" max:"200"`             // most passages of a page
}

// PassagePage is the answer of GET /v1/passages.
type PassagePage struct {
	Passages []PassageSummary `json:"passages"`       // newest first
	Next     string           `json:"next,omitempty"` // after= of the next page; absent on the last
	// Partial is there while the hub has not read all rows into what it answers from: as long, what newer rows say is
	// missing.
	Partial *Partial `json:"partial,omitempty"`
}

// Partial is how far the hub has read the rows that it holds, the oldest first, while that is not all of them.
type Partial struct {
	Done int64 `json:"done"` // rows that are read, about
	All  int64 `json:"all"`  // rows that are held, about
}

// PassageSummary is a passage of one agent.
type PassageSummary struct {
	Site    string          `json:"site"`
	Agent   string          `json:"agent"`
	Outcome string          `json:"outcome,omitempty"` // of the decision in force: RELEASE, MOVE, DOCUMENTS, REFER or HOLD
	Passage json.RawMessage `json:"passage"`           // lanewarden.v1.PassageClosed
}

// PassageName is the request of GET /v1/passages/{site}/{agent}/{id}.
type PassageName struct {
	Site  string `path:"site"`
	Agent string `path:"agent"`
	ID    string `path:"id"` // of the passage
}

// PassageRecord is all that is held of a passage.
type PassageRecord struct {
	PassageSummary
	Observations []api.Line    `json:"observations"`       // of its readings and of those that may be its own
	Decision     *api.Decision `json:"decision,omitempty"` // in force
	Overrides    []api.Line    `json:"overrides"`          // what officers said against it
	// Elsewhere are, where there is no decision, those of about this time about other passages that rest on readings which
	// are this one's now, or name it.
	Elsewhere []api.Decision   `json:"elsewhere,omitempty"`
	Earlier   []PassageSummary `json:"earlier"` // other passages of its plate or first container, newest first
	Case      bool             `json:"case"`    // there is a case of its alarms
	Proof     Proof            `json:"proof"`
}

// Proof names the journal whose rows these are, so that they can be proved (lanectl export and lanectl verify).
type Proof struct {
	Journal   string `json:"journal"`    // hex
	VerifyKey string `json:"verify_key"` // the agent's public key
	Verified  int64  `json:"verified"`   // rows of the journal under a checkpoint that was found right
}

// DecisionsQuery is the request of GET /v1/decisions.
type DecisionsQuery struct {
	Site    string    `query:"site"`
	Agent   string    `query:"agent"`
	Lane    string    `query:"lane"`
	Outcome string    `query:"outcome" enum:"RELEASE,MOVE,DOCUMENTS,REFER,HOLD"` // in force
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
	After   string    `query:"after"` // next of the page before
	Limit   int       `query:"limit" default:"50" min:"1" max:"200"`
}

// DecisionPage is the answer of GET /v1/decisions.
type DecisionPage struct {
	Decisions []DecisionRecord `json:"decisions"` // of each vehicle at a booth the newest, newest first
	Next      string           `json:"next,omitempty"`
	Partial   *Partial         `json:"partial,omitempty"` // while the hub has not read all rows
}

// DecisionRecord is a decision of one agent.
type DecisionRecord struct {
	Site      string       `json:"site"`
	Agent     string       `json:"agent"`
	Decision  api.Decision `json:"decision"`
	Overrides []api.Line   `json:"overrides"` // what officers said against it
}

// LanesQuery is the request of GET /v1/lanes.
type LanesQuery struct {
	After string `query:"after"`                                  // where the page begins: next of the page before
	Limit int    `query:"limit" default:"100" min:"1" max:"1000"` // most agents of a page
}

// LanePage is the answer of GET /v1/lanes.
type LanePage struct {
	Lanes   []LaneRecord `json:"lanes"`
	Next    string       `json:"next,omitempty"`
	Partial *Partial     `json:"partial,omitempty"` // while the hub has not read all rows
}

// LaneRecord is what is known of a lane.
type LaneRecord struct {
	Site     string           `json:"site"`
	Agent    string           `json:"agent"`
	Lane     string           `json:"lane"`
	Title    string           `json:"title"`
	Online   bool             `json:"online"`
	Lists    []ListInForce    `json:"lists"`    // of its agent
	Outcomes map[string]int64 `json:"outcomes"` // decisions of this UTC day by outcome
	Passages int64            `json:"passages"` // vehicles of this UTC day
	Alarms   int64            `json:"alarms"`   // of these, with an alarm
	Devices  []LaneDevice     `json:"devices"`  // at this lane
}

// ListInForce is a list as an agent has it.
type ListInForce struct {
	List    string     `json:"list"`
	Version int64      `json:"version"`
	Issued  *time.Time `json:"issued,omitempty"` // by the centre; absent while no decision has told it
}

// LaneDevice is a device of a lane, as its agent journalled it last.
type LaneDevice struct {
	Device     string     `json:"device"`
	Title      string     `json:"title"`
	Driver     string     `json:"driver"`
	State      string     `json:"state"`          // running, connecting, silent, down or stopped; empty while it is not known
	Said       *api.Line  `json:"said,omitempty"` // the row of the state
	Seen       *time.Time `json:"seen,omitempty"` // when something came of it, to the minute
	Conditions []api.Line `json:"conditions"`     // that last
}

// The operations about what the hub's views hold.
var (
	GetPassages = api.Query[PassagesQuery, PassagePage]{Route: api.Route{
		ID: "passages", Pattern: "GET /v1/passages", Scope: api.ScopeFeed,
		Summary: "Vehicles of all lanes: by plate, container, tag, code, lane, time, alarm, decision",
		Note: "Newest first, page by page. A page may have fewer passages than limit, or none, and next. What is " +
			"searched for by a name is on record as a look.",
	}}
	GetPassage = api.Query[PassageName, PassageRecord]{Route: api.Route{
		ID: "passage", Pattern: "GET /v1/passages/{site}/{agent}/{id}", Scope: api.ScopeFeed,
		Summary: "A vehicle with its readings, the decision in force and why, what officers said, and its passages before",
		Fails:   []api.Code{api.NotFound},
	}}
	GetDecisions = api.Query[DecisionsQuery, DecisionPage]{Route: api.Route{
		ID: "decisions", Pattern: "GET /v1/decisions", Scope: api.ScopeFeed,
		Summary: "What lanes decided about vehicles, with reasons and versions of lists, newest first",
	}}
	GetLanes = api.Query[LanesQuery, LanePage]{Route: api.Route{
		ID: "lanes", Pattern: "GET /v1/lanes", Scope: api.ScopeFleet,
		Summary: "Lanes with the lists that they have in force, their decisions of the day, and their devices",
	}}
)
