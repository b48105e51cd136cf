package hub

import (
	"sync"
	"time"

	"lanewarden/edge/api"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders/listbook"
	"lanewarden/sync/hub/views"
)

// transits serves hubapi.GetTransits. Who sees some sites only is told of containers that were at these, or are to
// leave there.
func (s *httpServer) transits(c *api.Call, in hubapi.TransitsQuery) (out hubapi.TransitList, err error) {
	due, err := s.due.times(listbook.Open(s.opts.Dir))
	if err != nil {
		return out, err
	}
	now := time.Now()
	since := now.AddDate(0, 0, -in.Days)
	records := func(all []views.Transit) []hubapi.TransitRecord {
		out := []hubapi.TransitRecord{}
		for _, t := range all {
			if !c.User.Sees(t.Site) && (t.ExitSite == "" || !c.User.Sees(t.ExitSite)) {
				continue
			}
			out = append(out, hubapi.TransitRecord{
				Container: t.Container, Site: t.Site, Agent: t.Agent, Lane: t.Lane, Passage: t.Passage, At: t.At,
				ExitSite: t.ExitSite, Due: due[t.Container],
			})
			if one := &out[len(out)-1]; !t.Arrived {
				one.Overdue = now.After(one.Due)
				if one.Due.IsZero() {
					one.Overdue = now.Sub(t.At) > in.Due
				}
			}
		}
		return out
	}
	open, err := s.views.OpenTransits(in.Site, since)
	if err != nil {
		return out, err
	}
	without, err := s.views.WithoutEntry(since)
	if err != nil {
		return out, err
	}
	out.UnderWay, out.WithoutEntry = records(open), records(without)
	out.Partial, err = partial(s.views)
	return out, err
}

// dueTimes remembers when containers are due, by the newest list of those in transit. The zero value remembers nothing. It
// may be used by many goroutines.
type dueTimes struct {
	mu     sync.Mutex
	number int64 // of the list's version; 0 for none
	due    map[string]time.Time
}

// maxDue bounds the containers whose times are remembered; of more, those beyond count as without one.
const maxDue = 200_000

// times returns when containers are due, empty where no list of containers in transit is kept here.
func (d *dueTimes) times(b *listbook.Book) (map[string]time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, err := b.Versions(lists.InTransit)
	if err != nil || len(all) == 0 || all[0].Number == d.number {
		return d.due, err
	}
	due := map[string]time.Time{}
	err = b.Rows(lists.InTransit, all[0].Number, func(r lists.Row) error {
		t, err := lists.DecodeTransit(r)
		if err == nil && !t.DueAt.IsZero() && len(due) < maxDue {
			due[t.Container] = t.DueAt
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d.number, d.due = all[0].Number, due
	return due, nil
}
