package views

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/looks"
	"lanewarden/sync/hub/hubjournal"
)

func (l *lane) look(user string, at message.Message) {
	l.c.t.Helper()
	l.now = l.now.Add(time.Minute)
	l.event(api.NewAccess(api.User{Name: user, Peer: "10.0.0.7"}, "officer", looks.Action, at))
}

// TestLooks: who looked is found by person, vehicle, thing, site and time, whether they looked at the lane or at the centre;
// another action is no look, and folded again it is the same.
func TestLooks(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l, hub := newLane(c, "emerson", "lane-1"), newLane(c, hubjournal.Name.Site, hubjournal.Name.Agent)
		read := l.plate("ABC1D23")
		l.event(&observation.PassageOpened{Id: "p1", Lane: "lane-1", Readings: []*observation.PassageReading{read}})
		begin := l.now
		l.look("ana", message.New("look.passage", message.String("passage", "p1")))
		l.look("ana", message.New("look.search", message.Quoted("text", "abc 1d23")))
		l.event(api.NewAccess(api.User{Name: "ana"}, "officer", "sign-in", message.New("look.cases")))
		hub.now = l.now
		hub.look("max", message.New("look.case", message.String("case", "emerson / lane-1 / p1")))
		hub.look("max", message.New("look.case", message.String("case", "windsor / lane-2 / p9")))
		hub.look("sue", message.New("look.search", message.String("text", "ABC1D23")))
		hub.look("sue", message.New("look.artifact", message.String("artifact", "aa")))
		l.send()
		hub.send()
		c.follow(batchRows)
		for what, one := range map[string]struct {
			search LookSearch
			want   []string // who looked at what, newest first
		}{
			"all":                     {LookSearch{}, []string{"sue artifact aa", "sue search ", "max case p9", "max case p1", "ana search ", "ana passage p1"}},
			"a person":                {LookSearch{Account: "max"}, []string{"max case p9", "max case p1"}},
			"a vehicle":               {LookSearch{Name: "ABC-1D23"}, []string{"sue search ", "max case p1", "ana search ", "ana passage p1"}},
			"another vehicle":         {LookSearch{Name: "QZKX482"}, nil},
			"a case":                  {LookSearch{Thing: "p9"}, []string{"max case p9"}},
			"an image":                {LookSearch{Thing: "aa"}, []string{"sue artifact aa"}},
			"a site":                  {LookSearch{Site: "emerson"}, []string{"max case p1", "ana search ", "ana passage p1"}},
			"sites that somebody has": {LookSearch{Sites: []string{"windsor"}}, []string{"max case p9"}},
			"a time":                  {LookSearch{From: begin, To: begin.Add(90 * time.Second)}, []string{"ana passage p1"}},
		} {
			var got []string
			for next := (&Place{}); next != nil; {
				page, more, err := c.Looks(one.search, *next, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range page {
					got = append(got, l.Access.User+" "+l.What+" "+l.Thing)
				}
				next = more
			}
			if !slices.Equal(got, one.want) {
				t.Errorf("%s: %q, expected %q", what, got, one.want)
			}
		}
		c.sameAgain()
	})
}

// A look that says its words alone, as older agents wrote it, is a look.
func TestLookWithoutMessage(t *testing.T) {
	a := &observation.AgentAccess{Action: looks.Action, User: "ana", Text: "passage p1"}
	if l := lookAt(proto.Clone(a).(*observation.AgentAccess), hubjournal.Name); l.account != "ana" || l.what != "" || l.thing != "" {
		t.Errorf("%+v", l)
	}
	a = api.NewAccess(api.User{}, "", looks.Action, message.New("look.passage", message.String("passage", "a / b / c / d")))
	if l := lookAt(a, hubjournal.Name); l.site != "a" || l.agent != "b" || l.thing != "c / d" {
		t.Errorf("%+v", l)
	}
}
