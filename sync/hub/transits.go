package hub

import (
	"time"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/views"
)

// transits serves hubapi.GetTransits. Who sees some sites only is told of containers that were at these, or are to
// leave there.
func (s *httpServer) transits(c *api.Call, in hubapi.TransitsQuery) (out hubapi.TransitList, err error) {
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
				ExitSite: t.ExitSite, Overdue: !t.Arrived && now.Sub(t.At) > in.Due,
			})
		}
		return out
	}
	open, err := s.views.OpenTransits(in.Site, since)
	if err != nil {
		return out, err
	}
	without, err := s.views.WithoutEntry(since)
	out.UnderWay, out.WithoutEntry = records(open), records(without)
	return out, err
}
