package api

import (
	"time"

	"lanewarden/drivers/message"
)

// Orders is what has come down from the centre: lists, configuration, firmware.
type Orders struct {
	Configured bool           `json:"configured"`       // false: the lane was given no root of trust, and takes nothing
	Root       int64          `json:"root"`             // version of the keys in force; 0 for none yet
	Timestamp  int64          `json:"timestamp"`        // version of the centre's newest statement; 0 for none yet
	Signed     time.Time      `json:"signed,omitzero"`  // when the centre signed it
	Checked    time.Time      `json:"checked,omitzero"` // last look that got through
	Way        string         `json:"way,omitempty"`    // of that look: link or folder
	Trusted    time.Time      `json:"trusted"`          // the time by which is judged what is expired
	Stale      bool           `json:"stale"`            // the centre's newest statement is old: what is in force stays in force
	Refused    bool           `json:"refused"`          // what was offered last was refused, and Problem says why
	Problem    string         `json:"problem,omitempty"`
	Message    message.Text   `json:"message,omitzero"`   // Problem in all languages
	Recipient  string         `json:"recipient"`          // age recipient of this agent, for what is secret
	Fetching   *Sending       `json:"fetching,omitempty"` // on its way here; nil for none
	Targets    []OrdersTarget `json:"targets"`            // that are published for this lane
}

// OrdersTarget is a file that the centre publishes.
type OrdersTarget struct {
	Path   string `json:"path"`
	Site   string `json:"site,omitempty"` // for which it is; empty for all
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Here   bool   `json:"here"` // its content is at the lane
}

// SetProblem sets what is wrong; the zero Message for nothing.
func (o *Orders) SetProblem(m message.Message) { o.Problem, o.Message = m.English(), m.Text() }

// OrdersFolder is the request of POST /v1/orders.
type OrdersFolder struct {
	Dir string `json:"dir"` // absolute path of a folder on the lane's machine, as lanehub orders export wrote it
}

// OrdersTaken is the answer of POST /v1/orders.
type OrdersTaken struct {
	Files int `json:"files"` // that were taken into use; what was in use already does not count
}
