package api

import "lanewarden/drivers/message"

// Receipt is the request of POST /v1/receipts.
type Receipt struct {
	Receipt string `json:"receipt"` // the note that the hub signed
	// HubKey is the hub's public key, for an agent that never had a link to it; else the one that the hub said counts.
	HubKey string `json:"hub_key,omitempty"`
}

// Verdict is the answer of POST /v1/evidence/verification.
type Verdict struct {
	OK          bool   `json:"ok"`
	Rows        int64  `json:"rows"`
	Signed      int64  `json:"signed"` // rows under a signed checkpoint
	Checkpoints int    `json:"checkpoints"`
	Root        string `json:"root"` // hash over all rows
	// Findings are what is wrong, 20 of them at most.
	Findings []message.Text `json:"findings"`
	Seconds  float64        `json:"seconds"` // that it took
}
