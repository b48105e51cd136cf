package hubapi

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/cases/photo"
)

// CasesQuery is the request of GET /v1/cases.
type CasesQuery struct {
	State string    `query:"state" enum:"open,all"` // open (as without it): only cases that are not settled
	Site  string    `query:"site"`
	Agent string    `query:"agent"`
	From  time.Time `query:"from"`                                   // only opened from this time on
	To    time.Time `query:"to"`                                     // only opened before this time
	After string    `query:"after"`                                  // next of the page before; of all cases
	Limit int       `query:"limit" default:"200" min:"1" max:"1000"` // most cases of a page
	Since string    `query:"since"`                                  // version of an answer that the reader has
	// when that is the version of now, how long to wait for another one
	Wait time.Duration `query:"wait" max:"30s"`
}

// CasePage is the answer of GET /v1/cases.
type CasePage struct {
	// Version changes with every case: asked with since, an answer of the same version is without cases.
	Version   string       `json:"version"`
	Unchanged bool         `json:"unchanged"`         // since is the version of now
	Cases     []CaseRecord `json:"cases"`             // open ones: the worst and then the oldest first; of all: the newest first
	Next      string       `json:"next,omitempty"`    // after= of the next page, of all cases; absent on the last
	Partial   *Partial     `json:"partial,omitempty"` // while the hub has not read all rows
}

// CaseRecord is a case of one agent.
type CaseRecord struct {
	Site    string    `json:"site"`
	Agent   string    `json:"agent"`
	Vehicle string    `json:"vehicle"`           // plate, else container; "" for neither
	Outcome string    `json:"outcome,omitempty"` // of the decision in force: RELEASE, MOVE, DOCUMENTS, REFER or HOLD
	Preview string    `json:"preview,omitempty"` // SHA-256 (hex) of the newest small X-ray picture
	Online  bool      `json:"online"`            // the agent is connected
	Lane    *LaneTold `json:"lane,omitempty"`    // absent where nothing was said at the centre
	Case    api.Case  `json:"case"`
}

// LaneTold is whether the lane has heard what was said in a case at the centre.
type LaneTold struct {
	State string       `json:"state" enum:"told,waits,no-key"` // no-key: there is none that lanes know
	Text  message.Text `json:"text"`                           // in words
}

// CaseName is the request of the operations about one case.
type CaseName struct {
	Site  string `path:"site"`
	Agent string `path:"agent"`
	ID    string `path:"id"` // of the case: that of its passage
}

// CaseAct is the request of POST /v1/cases/{site}/{agent}/{id}/events.
type CaseAct struct {
	Site  string `path:"site" json:"-"`
	Agent string `path:"agent" json:"-"`
	ID    string `path:"id" json:"-"`
	api.CaseAct
}

// CasePhoto is the request of POST /v1/cases/{site}/{agent}/{id}/photos. The body is the picture.
type CasePhoto struct {
	Site  string `path:"site"`
	Agent string `path:"agent"`
	ID    string `path:"id"`   // of the case
	Key   string `query:"key"` // the client's name of the request: the same again counts once
	By    string `query:"by"`  // who says so, where nobody signs in
}

// CasePhotoName is the request of GET /v1/cases/{site}/{agent}/{id}/photos/{sha256}.
type CasePhotoName struct {
	Site   string   `path:"site"`
	Agent  string   `path:"agent"`
	ID     string   `path:"id"` // of the case
	SHA256 api.Hash `path:"sha256"`
}

// CasesFile is the request of GET /v1/cases.csv.
type CasesFile struct {
	Site string    `query:"site"`
	From time.Time `query:"from"` // only opened from this time on
	To   time.Time `query:"to"`   // only opened before this time
}

// The operations about cases.
var (
	GetCases = api.Query[CasesQuery, CasePage]{Route: api.Route{
		ID: "cases", Pattern: "GET /v1/cases", Scope: api.ScopeFeed,
		Summary: "The cases of all lanes: those that wait for somebody, or all",
		Note:    "From what lanes have sent and what was said here. docs/cases.md has the states.",
	}}
	GetCase = api.Query[CaseName, CaseRecord]{Route: api.Route{
		ID: "case", Pattern: "GET /v1/cases/{site}/{agent}/{id}", Scope: api.ScopeFeed,
		Summary: "A case with its history, and whether the lane has heard what was said here",
		Fails:   []api.Code{api.NotFound},
	}}
	GetCasesCSV = api.Stream[CasesFile]{Route: api.Route{
		ID: "casesFile", Pattern: "GET /v1/cases.csv", Scope: api.ScopeFeed, Media: "text/csv",
		Summary: "Cases as comma separated values, a line each, newest first, with the codes of docs/cases.md",
	}}
	PostCaseEvent = api.Action[CaseAct, CaseRecord]{Route: api.Route{
		ID: "actInCase", Pattern: "POST /v1/cases/{site}/{agent}/{id}/events", Scope: api.ScopeCases, Audit: "case",
		Summary: "Take a case, decide it, or do something else in it",
		Note: "Which role may do what is said by the case's policy. What is done is a row of the hub's own journal, and goes to " +
			"the lane as a signed command until the lane has it. The same key again counts once.",
		Fails: []api.Code{api.BadRequest, api.NotFound, api.NotDone},
	}}
	PostCasePhoto = api.Action[CasePhoto, CaseRecord]{Route: api.Route{
		ID: "addPhoto", Pattern: "POST /v1/cases/{site}/{agent}/{id}/photos", Scope: api.ScopeCases, Audit: "case", Body: photo.Media,
		Summary: "Add a photo to a case",
		Note: "JPEG or PNG by its content, at most 8 MB. It is kept as it came, with what the camera wrote into it, as an artifact " +
			"that the row names; the lane is told its hash.",
		Fails: []api.Code{api.BadRequest, api.NotFound, api.NotDone},
	}}
	GetCasePhoto = api.Stream[CasePhotoName]{Route: api.Route{
		ID: "casePhoto", Pattern: "GET /v1/cases/{site}/{agent}/{id}/photos/{sha256}", Scope: api.ScopeArtifacts, Media: photo.Media,
		Summary: "A photo that somebody added to a case, at the lane or here",
		Fails:   []api.Code{api.NotFound, api.NotHereYet},
	}}
)
