package fleet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

var (
	start = time.Unix(1_780_000_000, 0)
	lane3 = store.Sender{Site: "pine-ridge", Agent: "lane-3"}
)

func everywhere(string) bool { return true }

// journal is that of an agent with a lane of two devices, and one device of the site.
func journal() Journal {
	return Journal{ID: 1, Name: "aa", Hello: start, Software: "1.0", Inventory: &observation.Inventory{
		Site: "pine-ridge", SiteTitle: "Pine Ridge", Latitude: 49, Longitude: -97.2,
		Lanes: []*observation.Lane{{Id: "in", Title: "Inbound"}, {Id: "out"}},
		Devices: []*observation.Device{
			{Id: "rpm-1", Title: "Portal", Lane: "in"}, {Id: "xray-1", Lane: "in"}, {Id: "lpr-1", Lane: "out"}, {Id: "ups-1"},
		},
	}}
}

func up(h *wire.Health, trouble ...*wire.DeviceTrouble) *wire.State {
	return &wire.State{Online: true, Journal: "aa", Software: "1.1", TimeNs: start.UnixNano(), Health: h, Trouble: trouble}
}

// board returns a board with one agent, which has said what is given.
func board(said ...*wire.State) *Board {
	b := New(start)
	b.SetJournals(map[store.Sender]Journal{lane3: journal()}, start)
	for _, s := range said {
		b.Say(lane3, s, start, false)
	}
	return b
}

// is returns a lane of the board's agent.
func (b *Board) is(t *testing.T, lane string) hubapi.FleetLane {
	t.Helper()
	a, _ := b.Agent(lane3)
	i := slices.IndexFunc(a.Lanes, func(l hubapi.FleetLane) bool { return l.Lane == lane })
	if i < 0 {
		t.Fatalf("no lane %s in %v", lane, a.Lanes)
	}
	return a.Lanes[i]
}

// What each thing that an agent can say makes of its two lanes, and the words of it.
func TestLevels(t *testing.T) {
	dead := &wire.DeviceTrouble{Device: "rpm-1", State: "down", Reason: "no answer", ReasonFr: "pas de réponse", SinceNs: start.UnixNano()}
	ahead := up(&wire.Health{})
	ahead.TimeNs = start.Add(5 * time.Minute).UnixNano()
	behind := up(&wire.Health{})
	behind.TimeNs = start.Add(-time.Hour).UnixNano()
	for name, c := range map[string]struct {
		said    *wire.State
		in, out string // levels of the lanes
		code    string // of the first trouble of lane in
		en, fr  string // in its words
	}{
		"well":            {up(&wire.Health{}), "ok", "ok", "", "", ""},
		"old agent":       {up(nil), "unreported", "unreported", "health-unreported", "does not say", "ne dit pas"},
		"device dead":     {up(&wire.Health{}, dead), "trouble", "ok", "device-down", "Portal: the device has no link: no answer", "Portal\u00a0: l’appareil n’a pas de liaison\u00a0: pas de réponse"},
		"dead, old agent": {up(nil, dead), "trouble", "unreported", "device-down", "Portal", "Portal"},
		"device of the site": {up(&wire.Health{}, &wire.DeviceTrouble{Device: "ups-1", State: "silent"}), "trouble", "trouble", "device-silent",
			"ups-1: the device is connected and sends nothing", "ups-1"},
		"begins": {up(&wire.Health{}, &wire.DeviceTrouble{Device: "rpm-1", State: "connecting", SinceNs: start.UnixNano()}), "degraded", "ok",
			"device-connecting", "being connected", ""},
		"does not begin": {up(&wire.Health{}, &wire.DeviceTrouble{Device: "rpm-1", State: "connecting", SinceNs: start.Add(-time.Hour).UnixNano()}),
			"trouble", "ok", "device-connecting", "", ""},
		"disk full":         {up(&wire.Health{DiskRefused: "event"}), "trouble", "trouble", "disk-events", "only alarms are stored", "seules les alarmes"},
		"disk nearly full":  {up(&wire.Health{DiskRefused: "telemetry"}), "degraded", "degraded", "disk-telemetry", "", ""},
		"journal fails":     {up(&wire.Health{JournalFailing: true, JournalReason: "no space"}), "trouble", "trouble", "journal-fails", "written: no space", ""},
		"clock ahead":       {ahead, "trouble", "trouble", "clock-off", "ahead", "avance"},
		"clock behind":      {behind, "trouble", "trouble", "clock-off", "behind", "retarde"},
		"not synchronised":  {up(&wire.Health{ClockUnsynchronised: true}), "ok", "ok", "clock-unsynchronised", "", ""},
		"test due":          {up(&wire.Health{Due: []*wire.TestDue{{Device: "rpm-1", Title: "Background"}}}), "ok", "ok", "test-due", "Portal: Background is due", ""},
		"test overdue":      {up(&wire.Health{Due: []*wire.TestDue{{Device: "rpm-1", Title: "Background", TitleFr: "Fond", Overdue: true}}}), "trouble", "ok", "test-overdue", "overdue", "Fond\u00a0: essai en retard"},
		"test failed":       {up(&wire.Health{Due: []*wire.TestDue{{Device: "xray-1", Failed: true}}}), "trouble", "ok", "test-failed", "", ""},
		"maintenance":       {up(&wire.Health{Maintenance: []string{"rpm-1"}}), "degraded", "ok", "device-maintenance", "Portal: somebody works", ""},
		"orders old":        {up(&wire.Health{OrdersStale: true}), "degraded", "degraded", "orders-old", "", ""},
		"unknown device":    {up(&wire.Health{}, &wire.DeviceTrouble{Device: "x", State: "down"}), "trouble", "trouble", "device-down", "x:", ""},
		"link lost just so": {&wire.State{Journal: "aa"}, "degraded", "degraded", "not-heard", "no link", "pas de liaison"},
	} {
		b := board(c.said)
		in, out := b.is(t, "in"), b.is(t, "out")
		if in.Level != c.in || out.Level != c.out {
			t.Errorf("%s: %s and %s, want %s and %s", name, in.Level, out.Level, c.in, c.out)
		}
		var first hubapi.Trouble
		if len(in.Troubles) > 0 {
			first = in.Troubles[0]
		}
		if first.Code != c.code || !strings.Contains(first.Text.EN, c.en) || !strings.Contains(first.Text.FR, c.fr) {
			t.Errorf("%s: %q %+v", name, first.Code, first.Text)
		}
		if first.Level != hubapi.FleetDegraded && c.code != "" && (first.Do.EN == "" || first.Do.FR == "") {
			t.Errorf("%s: nothing to do about %s", name, first.Code)
		}
	}
}

// A lane that is not heard any more is degraded, then without a link; what was wrong with it stands.
func TestNotHeard(t *testing.T) {
	b := board(up(&wire.Health{}))
	_, before := b.Changed()
	for after, want := range map[time.Duration]string{0: "ok", silentAfter: "ok", silentAfter + 2*time.Second: "degraded", lostAfter + time.Second: "no-link"} {
		one := board(up(&wire.Health{}))
		one.Tick(start.Add(after))
		if got := one.is(t, "in"); got.Level != want {
			t.Errorf("%s after %v, want %s", got.Level, after, want)
		}
	}
	b.Say(lane3, up(&wire.Health{}, &wire.DeviceTrouble{Device: "rpm-1", State: "down"}), start, false)
	b.Say(lane3, &wire.State{Journal: "aa"}, start.Add(time.Minute), false)
	b.Tick(start.Add(10 * time.Minute))
	in, out := b.is(t, "in"), b.is(t, "out")
	if in.Level != "trouble" || out.Level != "no-link" || in.Heard == nil || !in.Heard.Equal(start) || in.Working != 2 {
		t.Errorf("in %+v\nout %+v", in, out)
	}
	if b.Tick(start.Add(time.Hour)); in.Changed <= before || b.is(t, "in").Changed != in.Changed {
		t.Error("a change without a change, or none")
	}
	b.Say(lane3, up(nil), start.Add(time.Hour), true)
	if in := b.is(t, "in"); in.Level != "ok" || in.ClockOff != nil {
		t.Errorf("back, with a message that a broker had kept: %+v", in)
	}
	b.Say(lane3, &wire.State{Journal: "bb"}, start.Add(time.Hour), false)
	if in := b.is(t, "in"); in.Level != "ok" {
		t.Errorf("the end of another journal's box counts: %+v", in)
	}
}

// A clock that is ahead, or far behind, is told at once; one that seems a little behind only when the next message says so too.
func TestClockError(t *testing.T) {
	for _, c := range []struct{ ahead, before, want time.Duration }{
		{time.Second, 0, time.Second}, {time.Hour, 0, time.Hour}, {-2 * time.Minute, 0, -2 * time.Minute},
		{-20 * time.Second, 0, 0}, {-20 * time.Second, -21 * time.Second, -20 * time.Second}, {-time.Second, -20 * time.Second, -time.Second},
	} {
		if got, _ := clockError(c.ahead, c.before); got != c.want {
			t.Errorf("%v after %v: %v, want %v", c.ahead, c.before, got, c.want)
		}
	}
	slow := up(&wire.Health{})
	slow.TimeNs = start.Add(-20 * time.Second).UnixNano()
	b := board(slow)
	if in := b.is(t, "in"); in.Level != "ok" {
		t.Errorf("after one message that may have been under way: %+v", in)
	}
	if b.Say(lane3, slow, start, false); b.is(t, "in").Level != "trouble" {
		t.Errorf("after two: %+v", b.is(t, "in"))
	}
}

// Refused journals and conditions come from the ledger.
func TestLedgerTells(t *testing.T) {
	b := board(up(&wire.Health{}))
	b.SetConditions(map[int64][]Condition{1: {{Device: "lpr-1", Text: message.Text{EN: "62 % read", FR: "62 % lus"}, Since: start}}}, start)
	if out := b.is(t, "out"); out.Level != "degraded" || out.Troubles[0].Text.EN != "lpr-1: 62 % read" || b.is(t, "in").Level != "ok" {
		t.Errorf("%+v", out)
	}
	b.SetConditions(nil, start)
	j := journal()
	j.Refused = message.Text{EN: "rolled back", FR: "revenu en arrière"}
	b.SetJournals(map[store.Sender]Journal{lane3: j}, start)
	if out := b.is(t, "out"); out.Level != "trouble" || !strings.Contains(out.Troubles[0].Text.FR, "revenu") {
		t.Errorf("%+v", out)
	}
	j.Hello, j.Refused = start.Add(-time.Hour), message.Text{}
	if b.SetJournals(map[store.Sender]Journal{lane3: j}, start); b.is(t, "in").Level != "trouble" {
		t.Error("an earlier hello counts")
	}
	j = journal()
	j.Hello, j.Inventory.Lanes = start.Add(time.Hour), j.Inventory.Lanes[:1]
	_, before := b.Changed()
	b.SetJournals(map[store.Sender]Journal{lane3: j}, start)
	if c := b.Changes(before, everywhere); len(c.Lanes) != 1 || !slices.Equal(c.Gone, []string{"pine-ridge/lane-3/out"}) || len(c.Sites) != 1 {
		t.Errorf("%+v", c)
	}
}

// 2,000 lanes: one that fails is a change of one lane, first on the page, counted, and nobody's who does not see its site.
func TestOneOfMany(t *testing.T) {
	b := New(start)
	all := map[store.Sender]Journal{}
	for i := range 2000 {
		j := journal()
		j.ID, j.Inventory.Lanes, j.Inventory.SiteTitle = int64(i), j.Inventory.Lanes[:1], ""
		all[store.Sender{Site: fmt.Sprintf("site-%03d", i/20), Agent: fmt.Sprintf("lane-%02d", i%20)}] = j
	}
	b.SetJournals(all, start)
	for name := range all {
		b.Say(name, up(&wire.Health{DiskPercent: 40}), start, false)
	}
	changed, before := b.Changed()
	if c := b.Changes(before, everywhere); len(c.Lanes) > 0 || c.Summary["ok"] != 2000 {
		t.Fatalf("%d changes, %v", len(c.Lanes), c.Summary)
	}
	b.Say(store.Sender{Site: "site-050", Agent: "lane-07"}, up(&wire.Health{DiskRefused: "event"}), start, false)
	select {
	case <-changed:
	default:
		t.Error("nobody is told")
	}
	c := b.Changes(before, everywhere)
	if len(c.Lanes) != 1 || c.Lanes[0].Level != "trouble" || c.Summary["trouble"] != 1 || c.Summary["ok"] != 1999 || c.Sites != nil {
		t.Errorf("%d lanes, %v", len(c.Lanes), c.Summary)
	}
	if c := b.Changes(before, func(site string) bool { return site == "site-001" }); len(c.Lanes) != 0 || c.Summary["ok"] != 20 {
		t.Errorf("who sees another site: %+v", c)
	}
	seen := map[string]bool{}
	q := hubapi.FleetQuery{Limit: 300}
	for first := true; ; first = false {
		p, err := b.Page(q, everywhere)
		if err != nil || first != (len(p.Sites) == 100) || first && p.Lanes[0].Agent != "lane-07" {
			t.Fatalf("%v, %d sites, %+v", err, len(p.Sites), p.Lanes[0])
		}
		for i := range p.Lanes {
			seen[key(&p.Lanes[i])] = true
		}
		if q.After = p.Next; p.Next == "" {
			break
		}
	}
	if len(seen) != 2000 {
		t.Errorf("%d lanes on all pages", len(seen))
	}
	for search, want := range map[string]int{"only alarms": 1, "SITE-003/": 20, "seules les": 1, "nothing like it": 0} {
		if p, err := b.Page(hubapi.FleetQuery{Search: search, Limit: 50}, everywhere); err != nil || len(p.Lanes) != want {
			t.Errorf("%q: %d lanes, %v", search, len(p.Lanes), err)
		}
	}
	if _, err := b.Page(hubapi.FleetQuery{After: "9-x", Limit: 1}, everywhere); err == nil {
		t.Error("a place that is none")
	}
}

// What an agent sends that is no sense costs nobody anything: texts are cut, coordinates that are none are left out.
func TestHostile(t *testing.T) {
	long := strings.Repeat("é\xff", 5000)
	h := &wire.Health{JournalFailing: true, JournalReason: long, DiskRefused: long, DiskPercent: math.MaxUint32, Bundle: long, OrdersSignedNs: math.MinInt64,
		Maintenance: []string{long, "", "rpm-1"}, Due: make([]*wire.TestDue, 5000)}
	for i := range h.Due {
		h.Due[i] = &wire.TestDue{Device: long, SinceNs: math.MaxInt64}
	}
	trouble := make([]*wire.DeviceTrouble, 5000)
	for i := range trouble {
		trouble[i] = &wire.DeviceTrouble{Device: long, State: long, Reason: long, SinceNs: math.MinInt64}
	}
	said := up(h, trouble...)
	said.TimeNs = math.MinInt64
	b := board(said)
	j := journal()
	j.Hello, j.Inventory.Latitude, j.Inventory.Longitude = start.Add(1), math.NaN(), math.Inf(1)
	b.SetJournals(map[store.Sender]Journal{lane3: j}, start)
	if due := b.DueTests(everywhere); len(due) != maxNamed || len(due[0].Device) > 1000 {
		t.Errorf("%d tests are due", len(due))
	}
	in := b.is(t, "in")
	if len(in.Troubles) > 4*maxNamed || in.Working != 3 {
		t.Errorf("%d troubles, %d devices work", len(in.Troubles), in.Working)
	}
	for _, one := range in.Troubles {
		if len(one.Text.EN) > 4*maxWords {
			t.Errorf("%d bytes of %s", len(one.Text.EN), one.Code)
		}
	}
	p, err := b.Page(hubapi.FleetQuery{Limit: 10}, everywhere)
	if err != nil || p.Sites[0].Latitude != nil || len(p.Lanes[0].Troubles) != shownTroubles || p.Lanes[0].More == 0 {
		t.Errorf("%v, %+v", err, p.Sites)
	}
}

// Agents beyond those that are kept change nothing of those that are.
func TestAgentsAreBounded(t *testing.T) {
	b := board(up(&wire.Health{}))
	for i := range maxAgents + 10 {
		b.Say(store.Sender{Site: "stranger", Agent: fmt.Sprint(i)}, up(nil), start, false)
	}
	if len(b.agents) != maxAgents || b.is(t, "in").Level != "ok" {
		t.Errorf("%d agents", len(b.agents))
	}
}

// An error of the database costs nothing but another try.
func TestSaveFails(t *testing.T) {
	b := board(up(&wire.Health{}))
	fails := func(context.Context, func(store.Tx) error) error { return context.DeadlineExceeded }
	if b.Save(t.Context(), fails) == nil || len(b.unsaved()) != 1 || len(b.unsaved()) != 0 {
		t.Error("what was not saved counts as saved")
	}
}

// A hub that begins knows what was said before, on both databases; who has spoken since is left alone.
func TestSurvivesRestart(t *testing.T) {
	for name, url := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return postgrestest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			l, err := ledger.OpenWith(t.Context(), ledger.Options{Dir: t.TempDir(), URL: url()})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			derive := func(_ context.Context, do func(store.Tx) error) (failed error) {
				_, err := l.Apply([]ledger.Message{ledger.Derive{Do: do, Failed: &failed}})
				return errors.Join(err, failed)
			}
			b := board(up(&wire.Health{DiskRefused: "event"}), up(nil, &wire.DeviceTrouble{Device: "rpm-1", State: "down"}))
			other := store.Sender{Site: "pine-ridge", Agent: "lane-4"}
			b.Say(other, up(&wire.Health{}), start, false)
			b.Say(store.Sender{Site: "no\x00", Agent: "\xff"}, up(&wire.Health{}), start, false)
			for range 2 { // the first finds no table
				if err := errors.Join(b.Load(t.Context(), derive, start), b.Save(t.Context(), derive)); err != nil {
					t.Fatal(err)
				}
			}
			again := New(start.Add(time.Minute))
			again.Say(other, &wire.State{Online: true}, start.Add(time.Minute), false)
			if err := again.Load(t.Context(), derive, start.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			again.SetJournals(map[store.Sender]Journal{lane3: journal()}, start.Add(time.Minute))
			in := again.is(t, "in")
			if len(in.Troubles) != 2 || in.Software != "1.1" || in.Working != 2 {
				t.Errorf("%+v", in)
			}
			if a, _ := again.Agent(other); len(a.Lanes) != 1 || a.Lanes[0].Level != "unreported" || len(again.agents) != 2 {
				t.Errorf("%+v, %d agents", a, len(again.agents))
			}
		})
	}
}

// The tests that are due are those that agents said last, at the sites that are seen.
func TestDueTests(t *testing.T) {
	b := board(up(&wire.Health{Due: []*wire.TestDue{
		{Device: "rpm-1", Test: "background", Title: "Background", TitleFr: "Fond", SinceNs: start.UnixNano(), Overdue: true},
		{Device: "ups-1", Test: "battery", Failed: true},
	}}))
	due := b.DueTests(everywhere)
	if len(due) != 2 || due[0].Lane != "in" || due[0].Device != "rpm-1" || due[0].Title.FR != "Fond" || !due[0].Since.Equal(start) || !due[0].Overdue ||
		due[1].Lane != "" || !due[1].Failed || due[1].Site != "pine-ridge" {
		t.Errorf("%+v", due)
	}
	if due := b.DueTests(func(string) bool { return false }); len(due) != 0 {
		t.Errorf("at sites that are not seen: %+v", due)
	}
	b.Say(lane3, up(&wire.Health{}), start, false)
	if due := b.DueTests(everywhere); len(due) != 0 {
		t.Errorf("when they were done: %+v", due)
	}
}
