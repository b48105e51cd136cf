package hubapi

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// LooksQuery is the request of GET /v1/looks. Its conditions hold together.
type LooksQuery struct {
	User  string    `query:"user"`  // account of who looked, at the lane or here
	Name  string    `query:"name"`  // plate, container, tag or code: it was searched for, or a vehicle was looked at that has it
	Thing string    `query:"thing"` // id of a passage or case, or SHA-256 (hex) of an image or document
	Site  string    `query:"site"`  // of what was looked at
	From  time.Time `query:"from"`  // only from this time on
	To    time.Time `query:"to"`    // only before this time
	After string    `query:"after"` // next of the page before
	Limit int       `query:"limit" default:"100" min:"1" max:"500"`
}

// LookPage is the answer of GET /v1/looks.
type LookPage struct {
	Looks   []LookRecord `json:"looks"`             // newest first
	Next    string       `json:"next,omitempty"`    // after= of the next page; absent on the last
	Partial *Partial     `json:"partial,omitempty"` // while the hub has not read all rows
}

// LookRecord is that a person looked at something. The same person and thing are one record in ten minutes.
type LookRecord struct {
	Time   time.Time    `json:"time"`
	User   string       `json:"user"`
	Role   string       `json:"role,omitempty"`
	Peer   string       `json:"peer,omitempty"` // address that they came from
	Lane   string       `json:"lane,omitempty"` // SITE/AGENT at whose console; absent for the centre
	What   string       `json:"what" enum:"passage,case,artifact,search,cases,feed,looks"`
	Text   message.Text `json:"text"`             // at what, in words
	Thing  string       `json:"thing,omitempty"`  // id of the passage or case, SHA-256 (hex) of the artifact
	Site   string       `json:"site,omitempty"`   // of what was looked at
	Agent  string       `json:"agent,omitempty"`  // likewise
	Erased bool         `json:"erased,omitempty"` // what was searched for was erased since
}

// GetLooks is the operation about who looked at what.
var GetLooks = api.Query[LooksQuery, LookPage]{Route: api.Route{
	ID: "looks", Pattern: "GET /v1/looks", Scope: api.ScopeLooks,
	Summary: "Who looked at a plate, case or image, and what a person looked at, at lanes and here",
	Note:    "For supervisors and administrators. Asking is on record as a look itself. Who sees some sites only is shown looks at these.",
}}
