package hubapi

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// How a lane is, the worst first.
const (
	FleetTrouble    = "trouble"    // somebody has to act
	FleetNoLink     = "no-link"    // nothing is heard of it
	FleetDegraded   = "degraded"   // it works in part
	FleetUnreported = "unreported" // its agent does not say how it is
	FleetOK         = "ok"
	FleetInfo       = "info" // of a trouble alone: worth knowing, and none
)

// FleetQuery is the request of GET /v1/fleet. Its conditions hold together.
type FleetQuery struct {
	Site   string `query:"site"`
	Agent  string `query:"agent"`
	Level  string `query:"level" enum:"trouble,no-link,degraded,unreported,ok"`
	Search string `query:"q"`     // in site, agent, lane, titles, troubles, software
	After  string `query:"after"` // next of the page before
	Limit  int    `query:"limit" default:"500" min:"1" max:"2000"`
}

// FleetPage is a page of lanes, the worst first.
type FleetPage struct {
	Version int64          `json:"version"` // changes after it are not in the page: GET /v1/fleet/changes
	Summary map[string]int `json:"summary"` // lanes that the caller sees, by level; of all, whatever the query asks for
	Sites   []FleetSite    `json:"sites"`   // of these, by id; on the first page only
	Lanes   []FleetLane    `json:"lanes"`
	Next    string         `json:"next,omitempty"`    // after= of the next page; absent on the last
	Partial *Partial       `json:"partial,omitempty"` // while the hub has not read all rows
}

// FleetSite is a site of the fleet.
type FleetSite struct {
	Site      string   `json:"site"`
	Title     string   `json:"title,omitempty"`
	Kind      string   `json:"kind,omitempty"`      // land, joint-facility, rail, marine or inland
	Latitude  *float64 `json:"latitude,omitempty"`  // degrees, WGS 84; absent when it is not told
	Longitude *float64 `json:"longitude,omitempty"` // degrees
}

// FleetLane is how a lane is. An agent without lanes has one record, whose lane is empty.
type FleetLane struct {
	Site  string     `json:"site"`
	Agent string     `json:"agent"`
	Lane  string     `json:"lane"`
	Title string     `json:"title,omitempty"`
	Level string     `json:"level" enum:"trouble,no-link,degraded,unreported,ok"`
	Heard *time.Time `json:"heard,omitempty"` // the agent's last word; absent while it is heard, and of one never heard

	Devices int `json:"devices"` // at this lane, with those of the site
	Working int `json:"working"` // of these, as the agent said last

	Disk           *int      `json:"disk,omitempty"`           // of the disk budget that is used, percent
	ClockOff       *int64    `json:"clock_off,omitempty"`      // s that the clock is ahead; absent while it is right
	Unsynchronised bool      `json:"unsynchronised,omitempty"` // nothing keeps the agent's clock right
	TestsDue       int       `json:"tests_due,omitempty"`      // of the lane's devices
	TestsOverdue   int       `json:"tests_overdue,omitempty"`  // of these
	Queued         int64     `json:"queued,omitempty"`         // rows not acknowledged at the last word; without link
	Software       string    `json:"software,omitempty"`       // of the agent
	Bundle         string    `json:"bundle,omitempty"`         // configuration from the centre that is in force
	Troubles       []Trouble `json:"troubles"`                 // the worst first; what is worth knowing alone last
	More           int       `json:"more,omitempty"`           // troubles that are left out here
	Changed        int64     `json:"changed"`                  // version of the fleet in which it became so
}

// Trouble is something that is wrong with a lane.
type Trouble struct {
	Code   string       `json:"code"` // the same for ever: device-down, disk-events, clock-off, test-overdue, not-heard, ...
	Level  string       `json:"level" enum:"trouble,no-link,degraded,unreported,info"`
	Device string       `json:"device,omitempty"`
	Text   message.Text `json:"text"`
	Do     message.Text `json:"do,omitzero"`     // what to do about it
	Since  *time.Time   `json:"since,omitempty"` // by the hub's clock where the hub knows it, else by the agent's
}

// FleetChangesQuery is the request of GET /v1/fleet/changes.
type FleetChangesQuery struct {
	After int64 `query:"after"` // version of the page, or of the last event, that the reader has

	LastEventID string `header:"Last-Event-ID"` // like after, and before it
}

// FleetChanges is what has changed since a version.
type FleetChanges struct {
	Version int64          `json:"version"`
	Summary map[string]int `json:"summary"`
	Sites   []FleetSite    `json:"sites,omitempty"` // all of them, when one is new or not as it was
	Lanes   []FleetLane    `json:"lanes"`           // that changed
	Gone    []string       `json:"gone,omitempty"`  // SITE/AGENT/LANE that are no more
}

// FleetAgentName is the request of GET /v1/fleet/{site}/{agent}.
type FleetAgentName struct {
	Site  string `path:"site"`
	Agent string `path:"agent"`
	Days  int    `query:"days" default:"2" min:"1" max:"31"` // of availability
}

// FleetAgent is all that is known of how an agent's lanes are.
type FleetAgent struct {
	Lanes   []FleetLane   `json:"lanes"` // with all of their troubles
	Site    FleetSite     `json:"site"`
	Heard   *time.Time    `json:"heard,omitempty"`   // last word
	Console string        `json:"console,omitempty"` // URL of the lane's console
	Lists   []ListInForce `json:"lists"`
	Devices []FleetDevice `json:"devices"`
	From    time.Time     `json:"from"` // when availability begins, of half hours
}

// FleetDevice is a device of an agent, with what it was in each half hour.
type FleetDevice struct {
	LaneDevice
	Lane string `json:"lane,omitempty"` // empty for a device of the site
	// Availability has a letter for each half hour from FleetAgent.From on: the worst state in it. r running, c connecting,
	// s silent, d down, x stopped, - not known.
	Availability string `json:"availability"`
}

// The operations about how lanes are.
var (
	GetFleet = api.Query[FleetQuery, FleetPage]{Route: api.Route{
		ID: "fleet", Pattern: "GET /v1/fleet", Scope: api.ScopeFleet,
		Summary: "How all lanes are, the worst first: what is wrong, since when, and what to do",
		Note: "From what agents say of themselves, and what the ledger holds of them. A page of lanes; `changes` continues it. " +
			"The summary is of all lanes that the caller sees.",
	}}
	GetFleetChanges = api.Stream[FleetChangesQuery]{Route: api.Route{
		ID: "fleetChanges", Pattern: "GET /v1/fleet/changes", Scope: api.ScopeFleet, Media: "text/event-stream",
		Summary: "Lanes that are not as they were, as that happens",
		Note: "Server-sent events without end (`id: VERSION` and `data: FleetChanges`), at most one in two seconds, and none while " +
			"nothing changes but a comment every 15 s. It resumes by Last-Event-ID; a version of before the hub's start brings all lanes.",
		Items: []any{FleetChanges{}}, Fails: []api.Code{api.Unavailable},
	}}
	GetFleetAgent = api.Query[FleetAgentName, FleetAgent]{Route: api.Route{
		ID: "fleetAgent", Pattern: "GET /v1/fleet/{site}/{agent}", Scope: api.ScopeFleet,
		Summary: "One agent's lanes with their devices, and what these were in each half hour of the last days",
		Fails:   []api.Code{api.NotFound},
	}}
)
