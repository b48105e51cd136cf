package agent

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/clearancetest"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/wire/layout"
)

// The centre is asked once for each container in transit of a presentation, again while it does not answer and not for
// ever; what it says is one row, whoever asks or answers twice; what was not asked counts for nothing.
func TestInquirer(t *testing.T) {
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "windsor", Agent: "rail-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	q := newInquirer(j, slog.New(slog.DiscardHandler))
	var asked []layout.Seen
	q.ask = func(one layout.Seen) { asked = append(asked, one) }
	left := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	now := left.Add(48 * time.Hour)
	listed := clearancetest.New()
	listed.Put(lists.Transit{Container: "CSQU3054383", EntrySite: "halifax", ExitSite: "windsor", LeftAt: left})
	in := &clearance.Input{Now: now, Presented: clearance.Presented{ID: "v1", Begun: now}}
	decision := &clearance.Decision{Shipments: []clearance.ShipmentDecision{{Container: "CSQU3054383"}, {}}}
	for range 30 {
		q.look(in, decision, listed)
		in.Now = in.Now.Add(time.Second)
	}
	want := layout.Seen{Container: "CSQU3054383", Site: "windsor", From: left, Before: now.Add(-ownVisit)}
	if len(asked) != askTries || asked[0] != want {
		t.Fatalf("asked %d times: %+v", len(asked), asked)
	}
	if back, ok := layout.ParseSeen(want.Name()); !ok || back != want {
		t.Errorf("%s is read as %+v", want.Name(), back)
	}

	said, err := proto.Marshal(&observation.ClearanceSeen{Container: "CSQU3054383", Site: "windsor", Agent: "rail-2", AtNs: left.UnixNano()})
	if err != nil {
		t.Fatal(err)
	}
	other := want
	other.Container = "MSKU1234565"
	for _, a := range []answer{{other, said}, {want, said}, {want, said}} {
		if err := q.note(context.Background(), a); err != nil {
			t.Error(err)
		}
	}
	rows, err := j.Read(0, 10)
	if err != nil || len(rows) != 1 || rows[0].Kind != observation.Kind_KIND_CLEARANCE_SEEN {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	o, err := rows[0].Observation()
	if err != nil || o.Body.GetClearanceSeen().GetPresentation() != "v1" || o.Body.GetClearanceSeen().Agent != "rail-2" {
		t.Errorf("%v %v", o, err)
	}
	in.Now = in.Now.Add(time.Minute)
	if q.look(in, decision, listed); len(asked) != askTries {
		t.Error("asked again after the answer")
	}
}
