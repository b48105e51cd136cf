package hubapi

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// ReportQuery is the request of GET /v1/reports/{kind}. Its conditions hold together.
type ReportQuery struct {
	Kind string `path:"kind" enum:"shift,day,month,device,adjudication"`
	// Period is the month (2026-11), the day (2026-11-30), or the hour in which a shift began (2026-11-30T06). Empty
	// for the present one; of a shift, for the hours up to now.
	Period string `query:"period"`
	Hours  int    `query:"hours" default:"8" min:"1" max:"24"` // of a shift
	Zone   string `query:"zone" default:"UTC"`                 // IANA name, of days and hours: America/Toronto
	Site   string `query:"site"`
	Agent  string `query:"agent"`
	Lane   string `query:"lane"`
	Device string `query:"device"`
}

// Report is what happened in a time, in figures.
type Report struct {
	Kind    string    `json:"kind" enum:"shift,day,month,device,adjudication"`
	Period  string    `json:"period"`
	Zone    string    `json:"zone"`
	Site    string    `json:"site,omitempty"` // where only one was asked for
	Agent   string    `json:"agent,omitempty"`
	Lane    string    `json:"lane,omitempty"`
	Device  string    `json:"device,omitempty"`
	From    time.Time `json:"from"` // as counted: a whole hour of UTC
	To      time.Time `json:"to"`   // before this
	Made    time.Time `json:"made"`
	Partial *Partial  `json:"partial,omitempty"` // while the hub has not read all rows

	Total   Figures         `json:"total"`
	Periods []PeriodFigures `json:"periods"` // by the hour, of a month or a device by the day
	Lanes   []LaneFigures   `json:"lanes"`   // by site, agent and lane
	Devices []DeviceFigures `json:"devices"` // by site, agent and device

	Cases     CaseFigures `json:"cases"`      // that were opened in this time
	CaseLanes []LaneCases `json:"case_lanes"` // by site, agent and lane
	Unsettled int64       `json:"unsettled"`  // cases that are not settled now, whenever they were opened; of shift and adjudication
	OpenCases []OpenCase  `json:"open_cases"` // of these the worst, 100 at most
	// Tests are those of devices that are due now, as their agents say: of each agent the first 20. Of shift and
	// device.
	Tests []DueTest `json:"tests"`
}

// DueTest is a guided test of a device that was not passed within its interval.
type DueTest struct {
	Site    string       `json:"site"`
	Agent   string       `json:"agent"`
	Lane    string       `json:"lane,omitempty"` // of the device; absent for one of the site
	Device  string       `json:"device"`
	Test    string       `json:"test"` // its id
	Title   message.Text `json:"title"`
	Since   time.Time    `json:"since"`            // when it became due, by the agent's clock
	Overdue bool         `json:"overdue"`          // for longer than a quarter of its interval
	Failed  bool         `json:"failed,omitempty"` // when it was done last
}

// CaseFigures are how alarms were adjudicated.
type CaseFigures struct {
	Opened    int64            `json:"opened"`
	Open      int64            `json:"open"`      // of these, not settled yet
	Withdrawn int64            `json:"withdrawn"` // their alarms proved to be other vehicles', before anybody had begun
	Disputed  Rate             `json:"disputed"`  // verdicts differed at some time
	Codes     map[string]int64 `json:"codes"`     // verdicts in force by code, 1 to 11: docs/cases.md
	Groups    map[string]Rate  `json:"groups"`    // of these codes, among them: real-alarm, innocent-alarm, false-alarm, test, tamper, other
	Images    map[string]int64 `json:"images"`    // verdicts in force by their word for images
	Swabs     map[string]int64 `json:"swabs"`     // by their word for swabs
	Taken     Spread           `json:"taken"`     // seconds from the opening until somebody took it
	Decided   Spread           `json:"decided"`   // until it was decided
	Second    Spread           `json:"second"`    // until a second person confirmed or overruled it
}

// LaneCases are the cases of a lane.
type LaneCases struct {
	Site  string `json:"site"`
	Agent string `json:"agent"`
	Lane  string `json:"lane"`
	CaseFigures
}

// OpenCase is a case that is not settled.
type OpenCase struct {
	Site     string    `json:"site"`
	Agent    string    `json:"agent"`
	Lane     string    `json:"lane"`
	ID       string    `json:"id"` // of its passage
	State    string    `json:"state"`
	Severity int       `json:"severity"` // 1 to 4
	Opened   time.Time `json:"opened"`

	Called message.Text `json:"called"` // the state, in words
}

// Figures are what is counted of vehicles.
type Figures struct {
	Passages int64   `json:"passages"` // vehicles
	PerHour  float64 `json:"per_hour"` // of the time that is over
	Alarms   Rate    `json:"alarms"`   // vehicles with an alarm, or with one that may be theirs
	// vehicles that a station could not see: its devices were not running
	Blind    Rate             `json:"blind"`
	Outcomes map[string]int64 `json:"outcomes"` // decisions in force: RELEASE, MOVE, DOCUMENTS, REFER, HOLD
	// Classes are closed vehicles by the length that the lane measured: short (under 6 m), medium, long (12 m and more),
	// unknown.
	Classes    map[string]int64 `json:"classes"`
	AlarmKinds map[string]int64 `json:"alarm_kinds"` // rows of class alarm by kind: radiation.occupancy
	Dwell      Spread           `json:"dwell"`       // seconds from the first to the last reading of a vehicle
}

// Rate is how many of some there are, with Wilson's interval of 95 % for the share that they are drawn from. Shares
// are 0 to 1, and absent where there are none to count among.
type Rate struct {
	N     int64    `json:"n"`
	Of    int64    `json:"of"`
	Share *float64 `json:"share,omitempty"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
}

// Spread is how long something took, in seconds; absent where nothing was measured.
type Spread struct {
	N      int64    `json:"n"`
	Median *float64 `json:"median_s,omitempty"`
	P95    *float64 `json:"p95_s,omitempty"` // 95 of 100 took no longer
}

// PeriodFigures are the figures of an hour or a day.
type PeriodFigures struct {
	From time.Time `json:"from"`
	Figures
}

// LaneFigures are the figures of a lane.
type LaneFigures struct {
	Site  string `json:"site"`
	Agent string `json:"agent"`
	Lane  string `json:"lane"`
	Figures
}

// DeviceFigures are the figures of a device.
type DeviceFigures struct {
	Site       string           `json:"site"`
	Agent      string           `json:"agent"`
	Device     string           `json:"device"`
	Detections int64            `json:"detections"` // vehicles as the device counts them
	Alarms     Rate             `json:"alarms"`     // rows of class alarm among these, but those about the device itself
	AlarmKinds map[string]int64 `json:"alarm_kinds"`
	// Running and Known are half hours, of a report of kind device with a device: those in which it ran all the time,
	// among those of which its state is known.
	Running int64 `json:"running,omitempty"`
	Known   int64 `json:"known,omitempty"`
}

// The operations about reports.
var (
	GetReport = api.Query[ReportQuery, Report]{Route: api.Route{
		ID: "report", Pattern: "GET /v1/reports/{kind}", Scope: api.ScopeFeed,
		Summary: "What happened in a shift, a day or a month, of all lanes, a site, a lane or a device, in figures",
		Note: "From counters by the hour of UTC: in a zone that is not a whole number of hours from it, the day begins with " +
			"that hour, as from and to say. Only sites that the caller sees are counted.",
	}}
	ExportReport = api.Stream[ReportQuery]{Route: api.Route{
		ID: "exportReport", Pattern: "GET /v1/reports/{kind}/csv", Scope: api.ScopeFeed, Media: "text/csv",
		Summary: "The same as comma separated values (RFC 4180), one figure a line",
	}}
)
