package hub

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders/listbook"
)

// TestTransitsAreDueByTheirList: a container is overdue when the newest list of containers in transit says so, and where it
// says nothing, after the time that is asked with.
func TestTransitsAreDueByTheirList(t *testing.T) {
	now := time.Now()
	onward := func(container string) *observation.ClearanceDecision {
		text := driver.EncodeMessage(message.New("clearance.transit-onward", message.String("container", container), message.String("site", "windsor")))
		return &observation.ClearanceDecision{Presentation: container, Revision: 1, Lane: "lane-1", Outcome: "MOVE",
			NowNs: now.Add(-time.Hour).UnixNano(), Shipments: []*observation.ShipmentDecision{{Class: "intransit", Container: container, Outcome: "MOVE",
				Reasons: []*observation.ClearanceReason{{Code: "TRANSIT-ONWARD", Outcome: "MOVE", Text: text}}}}}
	}
	s := viewedServer(t, onward("CSQU3054383"), onward("MSKU1234565"), onward("CAIU1000007"))
	s.opts.Dir = t.TempDir()
	pages := httptest.NewServer(s.handler())
	t.Cleanup(pages.Close)
	list := func(due ...time.Time) {
		t.Helper()
		text := "container,seal1,seal2,seal3,seal4,inbond_or_ccn,entry_site,exit_site,left_at,due_at,weight_kg,tolerance_kg,required_exam\n"
		for i, at := range due {
			text += []string{"CSQU3054383", "MSKU1234565"}[i] + ",AB123456,,,,123456782,emerson,windsor," +
				now.Add(-2*time.Hour).UTC().Format(time.RFC3339) + "," + at.UTC().Format(time.RFC3339) + ",20000,300,\n"
		}
		if _, report, err := listbook.Open(s.opts.Dir).Import(lists.InTransit, listbook.Source{
			In: strings.NewReader(text), Name: "transit.csv", By: "clerk", MaxBytes: 1 << 20}); err != nil {
			t.Fatal(err, report)
		}
	}
	want := func(query string, overdue ...string) {
		t.Helper()
		got, _ := answer[hubapi.TransitList](t, pages, "/v1/transits"+query)
		var late []string
		for _, r := range got.UnderWay {
			if r.Overdue {
				late = append(late, r.Container)
			}
		}
		if len(got.UnderWay) != 3 || strings.Join(late, " ") != strings.Join(overdue, " ") {
			t.Errorf("%s: overdue %v of %d, want %v", query, late, len(got.UnderWay), overdue)
		}
	}
	want("")
	list(now.Add(-time.Minute), now.Add(time.Hour))
	want("", "CSQU3054383")
	list(now.Add(time.Minute), now.Add(-time.Minute))
	want("", "MSKU1234565")
}
