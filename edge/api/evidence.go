package api

import "lanewarden/drivers/message"

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
