package hubapi

import (
	"time"

	"lanewarden/edge/api"
)

// TransitsQuery is the request of GET /v1/transits.
type TransitsQuery struct {
	Site string `query:"site"`                                 // only containers that are to leave at this site
	Days int    `query:"days" default:"90" min:"1" max:"3650"` // how far back
	// how long a container may be under way whose time the newest list of containers in transit does not say
	Due time.Duration `query:"due" default:"72h" min:"1h"`
}

// TransitList is the answer of GET /v1/transits.
type TransitList struct {
	UnderWay     []TransitRecord `json:"under_way"`         // sent on, and seen nowhere since; oldest first, 1,000 at most
	WithoutEntry []TransitRecord `json:"without_entry"`     // arrived, and sent on nowhere before; newest first, 1,000 at most
	Partial      *Partial        `json:"partial,omitempty"` // while the hub has not read all rows
}

// TransitRecord is a container in transit where it was seen last.
type TransitRecord struct {
	Container string    `json:"container"`
	Site      string    `json:"site"`
	Agent     string    `json:"agent"`
	Lane      string    `json:"lane"`
	Passage   string    `json:"passage,omitempty"`   // id
	At        time.Time `json:"at"`                  // when it was sent on, or arrived
	ExitSite  string    `json:"exit_site,omitempty"` // where it is to leave
	Due       time.Time `json:"due,omitzero"`        // by the list of containers in transit
	Overdue   bool      `json:"overdue"`             // it is under way for longer than it may be
}

// GetTransits tells containers in transit.
var GetTransits = api.Query[TransitsQuery, TransitList]{Route: api.Route{
	ID: "transits", Pattern: "GET /v1/transits", Scope: api.ScopeFeed,
	Summary: "Containers in transit: those under way, which are overdue, and those that arrived without an entry",
	Note: "From the decisions of all lanes: a container that one sent on is under way until another sees it. A lane without a " +
		"link is heard of later.",
}}
