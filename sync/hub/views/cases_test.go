package views

import (
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger/store"
)

// openCase journals what a lane says when it opens a case.
func (l *lane) openCase(id string, neutron bool) {
	l.event(&observation.CaseOpened{Id: id, Lane: "lane-1", Rules: cases.DefaultRules(), Alarms: []*observation.CaseAlarm{
		{Idx: 1, Device: "rpm-1", Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Gamma: true, Neutron: neutron},
	}})
}

// caseAt returns a case as its rows in the ledger fold to.
func (c *centre) caseAt(k CaseKey) *cases.Case {
	c.t.Helper()
	events, err := c.CaseEvents(k)
	if err != nil {
		c.t.Fatal(err)
	}
	return cases.Fold(events)
}

// untold returns the rows of the hub's journal of which no copy has come.
func (c *centre) untold(l *lane) (out []int64) {
	c.t.Helper()
	all, err := c.UntoldCases(l.j.Identity().ID, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, u := range all {
		out = append(out, u.Said.Origin.Idx)
	}
	return out
}

// TestCases: cases are folded from the rows of lane and hub; what the lane has no copy of is untold, whichever of row and
// copy comes first; nobody but the hub speaks for the centre; and folded again all of it is the same.
func TestCases(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l, hub := newLane(c, "emerson", "lane-7"), newLane(c, hubjournal.Name.Site, hubjournal.Name.Agent)
		k := func(id string) CaseKey { return CaseKey{store.Sender{Site: "emerson", Agent: "lane-7"}, id} }
		l.openCase("a", false)
		l.now = l.now.Add(time.Minute)
		l.openCase("b", true)
		l.send()
		c.follow(1)
		found, err := c.Cases(CaseSearch{Open: true}, 10)
		if err != nil || len(found) != 2 || found[0].CaseKey != k("b") || found[1].CaseKey != k("a") {
			t.Fatalf("open cases, the worst first: %+v, %v", found, err)
		}
		version, _ := c.CasesVersion()

		act := func(action observation.CaseEvent_Action, id, by string) *observation.CaseEvent {
			return &observation.CaseEvent{Id: id, Action: action, By: by, Role: "supervisor", Centre: true, Site: "emerson", Agent: "lane-7",
				Seen: c.caseAt(k(id)).Heads(), Notes: "note of " + by}
		}
		decided := act(observation.CaseEvent_ACTION_DECIDE, "a", "Max")
		decided.Verdict = &observation.CaseVerdict{Code: 6}
		row := hub.event(decided)
		taken := hub.event(act(observation.CaseEvent_ACTION_TAKE, "b", "Max"))
		copied := func(of *observation.CaseEvent, row int64) *observation.CaseEvent {
			of.Origin = &observation.CaseOrigin{Journal: hub.j.Identity().ID, Idx: row, TimeNs: hub.now.UnixNano()}
			return of
		}
		l.event(copied(decided, row)) // it comes before the row itself
		stranger := newLane(c, "windsor", "lane-1")
		stranger.event(copied(act(observation.CaseEvent_ACTION_TAKE, "b", "Max"), taken))
		forged := act(observation.CaseEvent_ACTION_DECIDE, "b", "Eve")
		forged.Verdict = &observation.CaseVerdict{Code: 6}
		stranger.event(forged)
		l.send()
		stranger.send()
		c.follow(2)
		hub.send()
		c.follow(2)
		if got := c.untold(hub); len(got) != 1 || got[0] != taken {
			t.Errorf("untold are the rows %v, want %d alone", got, taken)
		}
		if n, err := c.CaseWaits(k("b")); err != nil || n != 1 {
			t.Errorf("%d rows of the case wait: %v", n, err)
		}
		a, b := c.caseAt(k("a")), c.caseAt(k("b"))
		if a.State != cases.Decided || a.Revision() != 2 || a.History[1].Act.Notes != "note of Max" {
			t.Errorf("%s with %d rows: %+v", a.State, a.Revision(), a.History)
		}
		if b.State != cases.Taken || b.Revision() != 2 {
			t.Errorf("%s with %d rows: a lane spoke for another one", b.State, b.Revision())
		}
		if now, _ := c.CasesVersion(); now <= version {
			t.Errorf("version %d after %d", now, version)
		}
		if said, err := c.CasesSaid(hub.j.Identity().ID); err != nil || said != taken {
			t.Errorf("said up to row %d, want %d: %v", said, taken, err)
		}
		checkCaseSearch(t, c, k)
		c.sameAgain()
	})
}

// checkCaseSearch looks for cases by state, site, time and page by page.
func checkCaseSearch(t *testing.T, c *centre, k func(string) CaseKey) {
	t.Helper()
	for what, s := range map[string]CaseSearch{
		"open":         {Open: true},
		"first page":   {Sites: []string{"windsor", "emerson"}},
		"since":        {From: time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)},
		"of the agent": {Site: "emerson", Agent: "lane-7", From: time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)},
	} {
		found, err := c.Cases(s, 1)
		if err != nil || len(found) != 1 || found[0].CaseKey != k("b") {
			t.Errorf("%s: %+v, %v", what, found, err)
			continue
		}
		s.After = CasePlace{found[0].OpenedNs, found[0].ID}
		if next, err := c.Cases(s, 1); what == "first page" && (err != nil || len(next) != 1 || next[0].CaseKey != k("a")) {
			t.Errorf("the next page: %+v, %v", next, err)
		}
	}
	for what, s := range map[string]CaseSearch{
		"of another site": {Sites: []string{"windsor"}}, "before": {To: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)},
	} {
		if found, err := c.Cases(s, 10); err != nil || len(found) > 0 {
			t.Errorf("%s: %+v, %v", what, found, err)
		}
	}
}
