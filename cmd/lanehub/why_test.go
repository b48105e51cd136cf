package main

import (
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// TestWhyElsewhere: where no decision is about a passage, those are named that rested on readings of its vehicle, with the
// passages that they are about.
func TestWhyElsewhere(t *testing.T) {
	v := &vehicle{}
	v.ID, v.Lane, v.Containers = "lane-1-b", "lane-1", []string{"MSKU1234565"}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r := &hubapi.PassageRecord{Elsewhere: []api.Decision{
		{Passage: "lane-1-a", Called: kinds.Outcome("REFER"), At: at,
			Reasons: []api.DecisionReason{{Text: message.Text{EN: "an alarm", FR: "une alarme"}}}},
		{Called: kinds.Outcome("HOLD"), At: at},
	}}
	text := func(l message.Language) string {
		var lines []string
		for _, m := range whyDecided(l, v, r) {
			lines = append(lines, m.In(l))
		}
		return strings.Join(lines, "\n")
	}
	en := text(message.English)
	for _, want := range []string{"no decision is on record", "A decision about passage lane-1-a, ", "Because: an alarm", "A decision about no passage, "} {
		if !strings.Contains(en, want) {
			t.Errorf("no %q in\n%s", want, en)
		}
	}
	if fr := text(message.French); !strings.Contains(fr, "Une décision sur le passage lane-1-a") || !strings.Contains(fr, "une alarme") {
		t.Error(fr)
	}
	r.Decision = &api.Decision{Called: kinds.Outcome("RELEASE")}
	if en := text(message.English); strings.Contains(en, "lane-1-a") {
		t.Errorf("a vehicle with a decision of its own:\n%s", en)
	}
}
