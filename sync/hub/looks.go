package hub

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/views"
)

// looks serves hubapi.GetLooks. Who asks who looked is on record, too.
func (s *httpServer) looks(c *api.Call, in hubapi.LooksQuery) (out hubapi.LookPage, err error) {
	out.Looks = []hubapi.LookRecord{}
	after, err := parsePlace(in.After)
	if err != nil {
		return out, err
	}
	if in.After == "" {
		s.access.noteLook(c, message.New("look.looks"))
	}
	if in.Name != "" {
		s.access.noteLook(c, message.New("look.search", message.String("text", in.Name)))
	}
	found, next, err := s.views.Looks(views.LookSearch{
		Account: in.User, Name: in.Name, Thing: in.Thing, Site: in.Site, Sites: c.User.Sites, From: in.From, To: in.To,
	}, after, in.Limit)
	if err != nil {
		return out, err
	}
	for i := range found {
		out.Looks = append(out.Looks, lookRecord(&found[i]))
	}
	out.Next = placeText(next)
	out.Partial, err = partial(s.views)
	return out, err
}

func lookRecord(l *views.Look) hubapi.LookRecord {
	a := l.Access
	out := hubapi.LookRecord{
		Time: l.Time.UTC().Truncate(time.Millisecond), User: a.User, Role: a.Role, Peer: a.Peer, What: l.What, Thing: l.Thing,
		Text: api.AccessText(a), Site: l.Of.Site, Agent: l.Of.Agent,
		Erased: a.Message == nil && a.Text == "",
	}
	if l.By != hubjournal.Name {
		out.Lane = l.By.Site + "/" + l.By.Agent
	}
	return out
}
