package views

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
)

// inTransit journals a decision about a container in transit.
func (l *lane) inTransit(presentation, container, code, site string, revision uint32) {
	text := driver.EncodeMessage(message.New("clearance.transit-onward", message.String("container", container), message.String("site", site)))
	l.event(&observation.ClearanceDecision{Presentation: presentation, Revision: revision, Lane: "lane-1", Outcome: "MOVE", Decided: "MOVE",
		Shipments: []*observation.ShipmentDecision{{Class: "intransit", Container: container, Outcome: "MOVE",
			Reasons: []*observation.ClearanceReason{{Code: code, Outcome: "MOVE", Text: text}}}}})
}

// TestTransits: a container that is sent on at its entry is under way until it is seen elsewhere, at whichever lane and in
// whichever order the lanes tell; one that arrives and was sent on nowhere has no entry.
func TestTransits(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		halifax, windsor := newLane(c, "halifax", "quay-1"), newLane(c, "windsor", "rail-1")
		begin := halifax.now
		open := func(site string, want ...string) {
			t.Helper()
			all, err := c.OpenTransits(site, begin.Add(-time.Hour))
			var got []string
			for _, one := range all {
				got = append(got, fmt.Sprintf("%s %s>%s", one.Container, one.Site, one.ExitSite))
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("under way: %v, expected %v (%v)", got, want, err)
			}
		}
		halifax.inTransit("h1", "CSQU3054383", "TRANSIT-ONWARD", "windsor", 1)
		halifax.now = halifax.now.Add(time.Minute)
		halifax.inTransit("h2", "MSKU1234565", "TRANSIT-ONWARD", "windsor", 1)
		halifax.now = halifax.now.Add(time.Minute)
		halifax.inTransit("h3", "CAIU1000007", "TRANSIT-ONWARD", "winnipeg", 1)
		halifax.inTransit("h3", "CAIU1000012", "TRANSIT-ONWARD", "winnipeg", 2) // read better
		windsor.now = begin.Add(time.Hour)
		windsor.inTransit("w1", "csqu 305438-3", "TRANSIT-MATCH", "", 1)
		windsor.now = windsor.now.Add(time.Minute)
		windsor.inTransit("w2", "TGHU7654320", "TRANSIT-NOT-EXPECTED", "", 1)
		windsor.send()
		c.follow(batchRows)
		open("windsor")
		halifax.send()
		c.follow(2)
		open("windsor", "MSKU1234565 halifax>windsor")
		open("", "MSKU1234565 halifax>windsor", "CAIU1000012 halifax>winnipeg")
		without, err := c.WithoutEntry(begin)
		if err != nil || len(without) != 1 || without[0].Container != "TGHU7654320" || !without[0].Arrived || without[0].Site != "windsor" {
			t.Errorf("without an entry: %+v, %v", without, err)
		}
		c.sameAgain()
		page := &ledger.ErasePage{}
		if err := c.apply(t.Context(), ledger.Erase{Name: "MSKU1234565", Page: page}); err != nil || page.Rows != 1 {
			t.Fatal(page, err)
		}
		open("windsor")
		c.follow(batchRows)
		if n, err := integer(c.ledger.Derived(), "SELECT count(*) FROM view_transit WHERE exit_site='windsor' AND step=1"); n != 1 || err != nil {
			t.Errorf("%d rows are left (%v)", n, err)
		}
		c.sameAgain()
	})
}
