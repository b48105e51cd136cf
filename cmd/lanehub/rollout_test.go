package main

import (
	"encoding/json"
	"testing"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/orders/rollout"
)

// What an agent says is said in the reader's language, and what an unknown version says as it is.
func TestWhy(t *testing.T) {
	a := rollout.Agent{Why: "the agent ended while it was on trial", Message: json.RawMessage(`{"code":"bundle.died"}`)}
	if got := why(a).In(message.French); got != "l’agent s’est arrêté pendant l’essai" {
		t.Error(got)
	}
	a.Message = nil
	if got := why(a).In(message.French); got != a.Why {
		t.Error(got)
	}
}
