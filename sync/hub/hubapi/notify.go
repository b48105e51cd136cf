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
	Rule     string `json:"rule"`
	Receiver string `json:"receiver"`
	Way      string `json:"way" enum:"webhook,email,syslog,ntfy"`
	// What says what the rule sends.
	What     message.Text `json:"what"`
	State    string       `json:"state" enum:"ok,failing"`
	Sent     int64        `json:"sent"`                // messages since the hub's start
	Summed   int64        `json:"summed"`              // events that were summed up, since the hub's start
	Waiting  int64        `json:"waiting"`             // events that are to be told, as far as they were counted
	More     bool         `json:"more,omitempty"`      // and some that were not counted
	LastSent *time.Time   `json:"last_sent,omitempty"` // absent before the first message since the hub's start
	// Error is why the last try failed; absent once one succeeds.
	Error  *message.Text `json:"error,omitempty"`
	Since  *time.Time    `json:"since,omitempty"`  // of the first try that failed
	Failed int64         `json:"failed,omitempty"` // tries since
}

// Senders is the answer of GET /v1/senders.
type Senders struct {
	File  string     `json:"file,omitempty"`  // of the rules, at the hub; absent where nobody outside is told
	Since *time.Time `json:"since,omitempty"` // when the rules in force were read
	// Problem is what is wrong with the file as it is now: the rules of before hold.
	Problem *message.Text `json:"problem,omitempty"`
	Senders []Sender      `json:"senders"` // one for each rule and receiver
}

// SenderTest is the request of POST /v1/senders/test.
type SenderTest struct {
	Rule     string `json:"rule"`
	Receiver string `json:"receiver"`
}

// SenderTested is the answer of POST /v1/senders/test.
type SenderTested struct {
	// Error is why the receiver did not accept the test; absent when it did.
	Error *message.Text `json:"error,omitempty"`
}

// The operations about receivers outside.
var (
	GetSenders = api.Query[api.None, Senders]{Route: api.Route{
		ID: "senders", Pattern: "GET /v1/senders", Scope: api.ScopeFleet,
		Summary: "Who outside is told of what happens, by which rule, and whether they can be reached",
		Note: "By the file of `lanehub run --notify`, which is read again when it changes. Who sees some sites only is " +
			"told of no sender.",
	}}
	TestSender = api.Action[SenderTest, SenderTested]{Route: api.Route{
		ID: "testSender", Pattern: "POST /v1/senders/test", Scope: api.ScopeCommands, Audit: "test",
		Summary: "Send a test to a receiver outside",
		Note:    "Who sees some sites only may not.",
		Fails:   []api.Code{api.NotFound},
	}}
)
