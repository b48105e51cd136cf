package api

import (
	"encoding/json"

	"lanewarden/edge/diag/guided"
)

// TestList is the answer of GET /v1/tests: the guided tests, and the one that runs or ran last.
type TestList struct {
	Tests []TestOffer  `json:"tests"`
	Run   *guided.View `json:"run"` // nil when none ran since the agent's start
}

// TestOffer is a guided test that can be run.
type TestOffer struct {
	guided.Offer
	Last json.RawMessage `json:"last,omitempty"` // lanewarden.v1.DeviceTest, its last run
}

// TestStart is the request of POST /v1/tests.
type TestStart struct {
	Device string `json:"device"`
	Test   string `json:"test"`
}

// TestAct is the request of POST /v1/tests/run: what the person at the device answers.
type TestAct struct {
	Action string  `json:"action"` // yes, no, number or abandon
	Number float64 `json:"number"` // with action number
}
