package api

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane"
	"lanewarden/edge/retention"
)

// Status is the answer of GET /v1/status: how the agent, its journal, its link and its devices are.
type Status struct {
	Site     string          `json:"site"`
	Agent    string          `json:"agent"`
	Software string          `json:"software"`
	Config   string          `json:"config,omitempty"` // path of the lane file
	Dir      string          `json:"dir,omitempty"`    // working folder of the agent: relative paths begin there
	Started  time.Time       `json:"started"`
	Now      time.Time       `json:"now"` // by the agent's clock, UTC
	Clock    lane.ClockState `json:"clock"`
	Journal  Journal         `json:"journal"`
	Disk     retention.State `json:"disk"`
	Link     Link            `json:"link"`
	Orders   Orders          `json:"orders"`
	Devices  []lane.Status   `json:"devices"` // in the order of the lane file
}

// Journal is the state of the agent's journal.
type Journal struct {
	ID         string           `json:"id"`         // hex
	Origin     string           `json:"origin"`     // of its checkpoints: lanewarden/SITE/AGENT/ID
	VerifyKey  string           `json:"verify_key"` // public key, for lanectl verify --key
	Size       int64            `json:"size"`       // rows
	Signed     int64            `json:"signed"`     // rows under the newest checkpoint
	Rows       uint64           `json:"rows"`       // committed since the agent's start
	Duplicates uint64           `json:"duplicates"` // observations that the journal had already, since start
	Groups     uint64           `json:"groups"`     // transactions since start
	Failures   uint64           `json:"failures"`   // transactions that failed, since start
	Waiting    map[string]int64 `json:"waiting"`    // rows of each class that the hub has not acknowledged

	DiskFree  uint64 `json:"disk_free"`  // bytes; 0 when not known
	DiskTotal uint64 `json:"disk_total"` // bytes; 0 when not known

	WaitingArtifacts     int64 `json:"waiting_artifacts"`      // that the hub does not have whole
	WaitingArtifactBytes int64 `json:"waiting_artifact_bytes"` // bytes of them that it does not have
}

// SetProblem sets the link's problem; the zero Message for none.
func (l *Link) SetProblem(m message.Message) { l.Problem, l.Message = m.English(), m.Text() }

// Link is the state of the link to the hub, as the uplink keeps it. Counters are since the agent's start.
type Link struct {
	Configured bool   `json:"configured"`        // false: the agent only journals, and Problem says so
	Broker     string `json:"broker,omitempty"`  // URL
	Path       string `json:"path,omitempty"`    // the path that is taken, or was tried last
	Connected  bool   `json:"connected"`         // to the broker
	Ready      bool   `json:"ready"`             // the hub answers
	Refused    bool   `json:"refused"`           // the hub accepts nothing from this journal
	Problem    string `json:"problem,omitempty"` // in English
	// Message is Problem in all languages.
	Message  message.Text `json:"message,omitzero"`
	Since    time.Time    `json:"since,omitzero"`    // of Connected
	LastAck  time.Time    `json:"last_ack,omitzero"` // last acknowledgement
	Verified int64        `json:"verified"`          // rows whose evidence the hub has checked

	InFlight int `json:"in_flight"`   // bytes sent and not acknowledged
	Window   int `json:"window"`      // bytes that may be in flight
	Credit   int `json:"credit"`      // bytes in flight that the hub grants
	Rate     int `json:"bytes_per_s"` // measured delivery
	RTTMs    int `json:"rtt_ms"`      // smallest time from batch to acknowledgement lately, ms

	SentBytes      uint64   `json:"sent_bytes"` // of payload
	SentRows       uint64   `json:"sent_rows"`  // a row that is sent again counts again
	AckedRows      uint64   `json:"acked_rows"`
	AckedArtifacts uint64   `json:"acked_artifacts"`
	GoBacks        uint64   `json:"go_backs"`           // times that rows were sent again
	Reconnects     uint64   `json:"reconnects"`         // connections to the broker that ended or failed
	Artifact       *Sending `json:"artifact,omitempty"` // being sent; nil for none

	Paths []LinkPath `json:"paths,omitempty"` // all, in order of preference

	Certificate *Certificate `json:"certificate,omitempty"` // of the agent; nil where it shows none

	Undecodable  uint64 `json:"undecodable"`              // messages from the hub that could not be decoded
	MalformedErr string `json:"malformed_last,omitempty"` // error of the last of these
}

// LinkPath is one of the ways to the hub.
type LinkPath struct {
	ID           string `json:"id"`
	Broker       string `json:"broker"`              // URL
	Interface    string `json:"interface,omitempty"` // network interface; empty for the one that the system chooses
	InUse        bool   `json:"in_use"`
	UsedBytes    int64  `json:"used_bytes"`              // in this calendar month (UTC), both ways
	MonthlyBytes int64  `json:"monthly_bytes,omitempty"` // 0 for no bound
	// What the path does not carry now, by its hours or its monthly bytes.
	HoldsArtifacts bool `json:"holds_artifacts"`
	HoldsTelemetry bool `json:"holds_telemetry"`
	HoldsEvents    bool `json:"holds_events"`
	// Message says in words what waits; zero for nothing.
	Message message.Text `json:"message,omitzero"`
}

// Certificate is the certificate by which the hub knows the agent.
type Certificate struct {
	Until time.Time `json:"until"` // its end
	// Problem is what people must know, in English: it ends soon, is over, or could not be renewed.
	Problem string       `json:"problem,omitempty"`
	Message message.Text `json:"message,omitzero"` // Problem in all languages
}

// SetProblem sets the problem; the zero Message for none.
func (c *Certificate) SetProblem(m message.Message) { c.Problem, c.Message = m.English(), m.Text() }

// Sending is the progress of an artifact on its way to the hub.
type Sending struct {
	SHA256 string `json:"sha256"` // hex
	Size   int64  `json:"size"`   // bytes
	Held   int64  `json:"held"`   // bytes that the hub has
}
