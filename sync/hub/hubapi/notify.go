package hubapi

import (
	"encoding/json"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// NotifyEvent is what receivers outside are sent that stands for no row of its own: a sum of several, or a test. CloudEvents
// 1.0 in JSON, as CloudEvent.
type NotifyEvent struct {
	SpecVersion string          `json:"specversion" const:"1.0"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`  // /lanewarden/hub/notify/RULE
	Type        string          `json:"type"`    // lanewarden.notify.summary.v1 or lanewarden.notify.test.v1
	Subject     string          `json:"subject"` // the receiver
	Time        string          `json:"time" format:"date-time"`
	ContentType string          `json:"datacontenttype" const:"application/json"`
	Class       string          `json:"lwclass" enum:"alarm,event,telemetry"` // the worst of them
	Data        json.RawMessage `json:"data"`
}

// Sender is how far the hub is with telling one receiver what one rule says.
type Sender struct {
	Rule     string     `json:"rule"`
	Receiver string     `json:"receiver"`
	Way      string     `json:"way" enum:"webhook,email,syslog,ntfy"`
	State    string     `json:"state" enum:"ok,failing"`
	Sent     int64      `json:"sent"`                // messages since the hub's start
	Summed   int64      `json:"summed"`              // events that were summed up, since the hub's start
	Waiting  int64      `json:"waiting"`             // events that are to be told, as far as they were counted
	More     bool       `json:"more,omitempty"`      // and some that were not counted
	LastSent *time.Time `json:"last_sent,omitempty"` // absent before the first message since the hub's start
	// Error is why the last try failed; absent once one succeeds.
	Error  *message.Text `json:"error,omitempty"`
	Since  *time.Time    `json:"since,omitempty"`  // of the first try that failed
	Failed int64         `json:"failed,omitempty"` // tries since
}

// GetSenders is the operation about receivers outside.
var GetSenders = api.Query[api.None, []Sender]{Route: api.Route{
	ID: "senders", Pattern: "GET /v1/senders", Scope: api.ScopeFleet,
	Summary: "Who outside is told of what happens, by which rule, and whether they can be reached",
	Note:    "One entry for each rule and receiver of the file of `lanehub run --notify`; none without it. Who sees some sites only gets none.",
}}
