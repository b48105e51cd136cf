package hub

import (
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/casebook"
	"lanewarden/sync/downlink"
	lanecommand "lanewarden/sync/downlink/command"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/people"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
	"lanewarden/sync/wire/layout"
)

var manyCases = flag.Int("cases", 12, "cases of TestCasesOverTheLink; make cases asks for 1,000")

// casesLane is a lane with a casebook, whose link to a hub can be cut: uplink, downlink and commands are the real ones.
type casesLane struct {
	*testing.T
	dir, mqtt string
	root      []byte
	journal   *journal.Journal
	book      *casebook.Casebook
	unlink    func()
	n         int
}

// newCasesLane returns a lane that knows the hub's key for cases, linked to the hub.
func newCasesLane(t *testing.T, dir, mqtt string, root []byte, rules *observation.CaseRules) *casesLane {
	l := &casesLane{T: t, dir: t.TempDir(), mqtt: mqtt, root: root}
	r := orders.At(filepath.Join(dir, orders.Dir))
	key, err := r.NewCaseKey()
	if err != nil {
		t.Fatal(err)
	}
	if known, err := r.LanesKnow(key, command.Case); err != nil || known {
		t.Fatalf("a key that was not published is known: %v", err)
	}
	text, err := json.Marshal(map[string]any{"commanders": command.Commanders{{
		Name: key.Name, Key: key.Private.Public().(ed25519.PublicKey), Kinds: []string{command.Case}, NotAfter: time.Now().Add(time.Hour),
	}}})
	from := filepath.Join(l.dir, "commanders.json")
	if err == nil {
		err = os.WriteFile(from, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var signers []orders.Key
	for _, name := range []string{"targets-1", "targets-2"} {
		k, err := orders.ReadKey(filepath.Join(dir, "keys", name+orders.KeyEnding), nil)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, k)
	}
	if done, err := r.Publish([]orders.File{{Path: layout.Commanders, From: from}}, nil, signers); err != nil || !done {
		t.Fatal(done, err)
	}
	if known, err := r.LanesKnow(key, command.Case); err != nil || !known {
		t.Fatalf("the published key is not known: %v", err)
	}
	if known, err := r.LanesKnow(key, command.Reboot); err != nil || known {
		t.Fatalf("the key may more than what it was published for: %v", err)
	}
	if l.journal, err = journal.Open(filepath.Join(l.dir, "journal"), journal.Options{Site: "emerson", Agent: "lane-1"}); err != nil {
		t.Fatal(err)
	}
	l.book = casebook.New(casebook.Options{
		Journal: l.journal, Rules: rules, Handheld: time.Minute, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.book.Run(ctx) }()
	t.Cleanup(func() {
		l.unlink()
		cancel()
		if err := errors.Join(<-done, l.journal.Close()); err != nil {
			t.Error(err)
		}
	})
	l.link()
	return l
}

// link connects the lane to the hub, until unlink is called.
func (l *casesLane) link() {
	l.Helper()
	log := slog.New(slog.DiscardHandler)
	codec, err := wire.NewCodec()
	if err != nil {
		l.Fatal(err)
	}
	d, err := downlink.New(downlink.Options{
		Dir: filepath.Join(l.dir, "orders"), Site: "emerson", Agent: "lane-1", Root: l.root, ClockTrusted: func() bool { return true },
		Journal: l.journal, Codec: codec, Log: log,
	})
	if err != nil {
		l.Fatal(err)
	}
	u, err := uplink.New(l.journal, uplink.Options{Paths: uplink.Direct(wire.Broker{URL: "mqtt://" + l.mqtt, KeepAlive: 20 * time.Second}),
		TelemetryDelay: time.Millisecond, Log: log, Down: d.Link(), Codec: codec})
	if err != nil {
		l.Fatal(err)
	}
	r := lanecommand.New(lanecommand.Options{
		Journal: l.journal, Now: d.Now, Run: u.Instance, File: filepath.Join(l.dir, "commanders.json"), Log: log,
		Executors: map[string]lanecommand.Executor{
			command.Case: func(ctx context.Context, o *wire.Order) error { return l.book.Receive(ctx, o.CaseEvent) },
		},
	})
	d.Link().OnCommand(r.Receive)
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	for _, run := range []func() error{
		func() error { return u.Run(ctx) }, func() error { return d.Run(ctx) },
		func() error { return r.Run(ctx, d.Link().Received) },
	} {
		ended.Go(func() {
			if err := run(); err != nil {
				l.Error(err)
			}
		})
	}
	l.unlink = sync.OnceFunc(func() { cancel(); ended.Wait(); codec.Close() })
}

// pass lets n vehicles with an alarm pass, and returns their cases.
func (l *casesLane) pass(n int) (ids []string) {
	l.Helper()
	for range n {
		l.n++
		id := fmt.Sprintf("lane-1-20261201T080000-%d", l.n)
		alarm := observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 81, SigmaLimit: 7})
		alarm.Device, alarm.Key = "rpm-1", "alarm "+id
		if _, err := l.journal.Commit(l.Context(), alarm); err != nil {
			l.Fatal(err)
		}
		opened := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.PassageOpened{
			Id: id, Lane: "lane-1", Readings: []*observation.PassageReading{{
				Idx: l.row(alarm.Key), Device: "rpm-1", Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY),
				Class: uint32(observation.Class_CLASS_ALARM), TimeNs: alarm.TimeNs, Confidence: 1,
			}},
		})
		opened.Device, opened.Key = observation.AgentDevice, "opened "+id
		if _, err := l.journal.Commit(l.Context(), opened); err != nil {
			l.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// row returns the row of the alarm that was committed last.
func (l *casesLane) row(string) int64 {
	l.Helper()
	rows, err := l.journal.Newest(1, observation.Class_CLASS_ALARM, "rpm-1")
	if err != nil || len(rows) != 1 {
		l.Fatal(rows, err)
	}
	return rows[0].Idx
}

// at returns a case as the lane has it; nil for none.
func (l *casesLane) at(id string) *cases.Case {
	l.Helper()
	c, err := l.book.Case(id)
	if err != nil {
		l.Fatal(err)
	}
	return c
}

// decide is somebody's word at the lane.
func (l *casesLane) decide(id, by string, code uint32) error {
	_, err := l.book.Act(l.Context(), &observation.CaseEvent{
		Id: id, Action: observation.CaseEvent_ACTION_DECIDE, By: by, Role: "officer", Key: by, Verdict: &observation.CaseVerdict{Code: code},
	}, l.at(id).Revision())
	return err
}

const casesAt = "/v1/cases/emerson/lane-1/"

// found returns a case as a person sees it at the hub.
func (b *browser) found(id string) (r hubapi.CaseRecord, status int) {
	b.t.Helper()
	status, text := b.do(http.MethodGet, casesAt+id, "")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		b.t.Fatal(err, text)
	}
	return r, status
}

// act does something in a case at the hub, as its page does, and returns the status and the answer.
func (b *browser) act(id, body string) (int, string) {
	b.t.Helper()
	return b.do(http.MethodPost, casesAt+id+"/events", body)
}

// hubWithCases starts a hub with persons and a lane linked to it, and returns them as they have signed in.
func hubWithCases(t *testing.T) (o Options, l *casesLane, as map[string]*browser) {
	return hubWithRules(t, cases.DefaultRules())
}

// hubWithRules is hubWithCases with a lane whose cases are adjudicated by some rules.
func hubWithRules(t *testing.T, rules *observation.CaseRules, also ...func(*Options)) (o Options, l *casesLane, as map[string]*browser) {
	dir := t.TempDir()
	_, _, root, _ := published(t, dir, 10)
	with := Options{Dir: dir, HTTPAccounts: accountsFile(t,
		people.Person{Name: "max", Roles: []people.Role{people.Expert}}, people.Person{Name: "sue", Roles: []people.Role{people.Supervisor}},
		people.Person{Name: "eve", Roles: []people.Role{people.Viewer}},
		people.Person{Name: "far", Roles: []people.Role{people.Officer}, Sites: []string{"windsor"}})}
	for _, set := range also {
		set(&with)
	}
	o = start(t, with)
	as = map[string]*browser{}
	for _, name := range []string{"max", "sue", "eve", "far"} {
		as[name] = newBrowser(t, o.HTTP)
		if code := as[name].signIn(name, password); code != http.StatusOK {
			t.Fatalf("%s: %d", name, code)
		}
	}
	return o, newCasesLane(t, dir, o.MQTT, root, rules), as
}

// TestCaseIsDecidedAtTheHub: what is decided at the hub is decided at the lane, and the hub knows that the lane has heard
// it; what two people at both ends say who do not know of each other is a dispute at both, which a third person settles.
func TestCaseIsDecidedAtTheHub(t *testing.T) {
	_, l, as := hubWithCases(t)
	max := as["max"]
	ids := l.pass(2)
	eventually(t, "both cases at the hub", func() bool {
		_, text := max.do(http.MethodGet, "/v1/cases", "")
		var page hubapi.CasePage
		return json.Unmarshal([]byte(text), &page) == nil && len(page.Cases) == 2
	})
	if code, text := max.act(ids[0], `{"action": "decide", "code": 6, "revision": 1, "key": "k1", "notes": "empty"}`); code != http.StatusOK ||
		!strings.Contains(text, `"state":"decided"`) {
		t.Fatalf("%d %s", code, text)
	}
	eventually(t, "the decision at the lane", func() bool { return l.at(ids[0]).State == cases.Decided })
	if v := l.at(ids[0]).Verdicts[0]; v.By != "max" || v.Role != "expert" || !v.Centre || v.Code != 6 {
		t.Errorf("%+v", v)
	}
	eventually(t, "the hub knows that the lane has it", func() bool {
		r, _ := max.found(ids[0])
		return r.Lane != nil && r.Lane.State == "told"
	})
	l.unlink()
	if err := l.decide(ids[1], "ana", 6); err != nil {
		t.Fatal(err)
	}
	if code, text := max.act(ids[1], `{"action": "decide", "code": 7, "revision": 1, "key": "k2"}`); code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	if r, _ := max.found(ids[1]); r.Lane == nil || r.Lane.State != "waits" {
		t.Errorf("a lane without a link: %+v", r.Lane)
	}
	l.link()
	eventually(t, "the dispute at both ends", func() bool {
		r, _ := max.found(ids[1])
		return r.Case.State == string(cases.Disputed) && len(r.Case.Verdicts) == 2 && l.at(ids[1]).State == cases.Disputed
	})
	r, _ := as["sue"].found(ids[1])
	body := fmt.Sprintf(`{"action": "decide", "code": 7, "revision": %d}`, r.Case.Revision)
	if code, text := as["sue"].act(ids[1], body); code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	eventually(t, "the third word at the lane", func() bool { return l.at(ids[1]).State == cases.Confirmed })
	checkFile(t, max, ids)
}

// checkFile looks at the CSV file of the hub.
func checkFile(t *testing.T, b *browser, ids []string) {
	t.Helper()
	code, text := b.do(http.MethodGet, "/v1/cases.csv", "")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || code != http.StatusOK || len(rows) != 1+len(ids) {
		t.Fatalf("%d %v %s", code, err, text)
	}
	for i, id := range ids {
		if row := rows[len(ids)-i]; row[0] != id || row[1] != "emerson" || row[2] != "lane-1" {
			t.Errorf("%v", row)
		}
	}
}

// TestCasesRefuse: who may not act, sees other sites alone, has not seen the case as it is, or says what makes no sense is
// told so; nothing of it counts.
func TestCasesRefuse(t *testing.T) {
	o, l, as := hubWithCases(t)
	id := l.pass(1)[0]
	eventually(t, "the case at the hub", func() bool { _, code := as["max"].found(id); return code == http.StatusOK })
	noToken := *as["max"]
	noToken.csrf = ""
	for what, c := range map[string]struct {
		who  *browser
		body string
		want int
		says string
	}{
		"a viewer":            {as["eve"], `{"action": "take"}`, http.StatusForbidden, "cases"},
		"another site":        {as["far"], `{"action": "take"}`, http.StatusForbidden, "windsor"},
		"no token":            {&noToken, `{"action": "take"}`, http.StatusForbidden, "token"},
		"nobody":              {newBrowser(t, o.HTTP), `{"action": "take"}`, http.StatusUnauthorized, ""},
		"no such action":      {as["max"], `{"action": "burn"}`, http.StatusBadRequest, "burn"},
		"an old revision":     {as["max"], `{"action": "decide", "code": 6, "revision": 0}`, http.StatusConflict, "look at it first"},
		"no code":             {as["max"], `{"action": "decide", "revision": 1}`, http.StatusConflict, "a code from 1 to 11"},
		"nothing to confirm":  {as["max"], `{"action": "confirm", "revision": 1}`, http.StatusConflict, "second opinion"},
		"what is no question": {as["max"], `{"action": "take", "colour": "red"}`, http.StatusBadRequest, "colour"},
	} {
		if code, text := c.who.act(id, c.body); code != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s, want %d", what, code, text, c.want)
		}
	}
	if code, text := as["max"].act("none", `{"action": "take"}`); code != http.StatusNotFound {
		t.Errorf("no such case: %d %s", code, text)
	}
	if r, _ := as["max"].found(id); r.Case.Revision != 1 || r.Lane != nil {
		t.Errorf("%+v", r)
	}
	if _, code := as["far"].found(id); code != http.StatusForbidden {
		t.Errorf("a case of another site: %d", code)
	}
	if _, text := as["far"].do(http.MethodGet, "/v1/cases", ""); strings.Contains(text, id) {
		t.Errorf("another site's case in the list: %s", text)
	}
}

// TestCasesOverTheLink: many cases are decided at both ends at once, at the hub through its routes, while the link comes
// and goes. Nothing is lost, nothing is there twice, both ends come to the same, and who differed is shown as a dispute.
func TestCasesOverTheLink(t *testing.T) {
	_, l, as := hubWithCases(t)
	max, ids := as["max"], l.pass(*manyCases)
	eventually(t, "the last case at the hub", func() bool { _, code := max.found(ids[len(ids)-1]); return code == http.StatusOK })
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r, did := rand.New(rand.NewPCG(seed, 1)), map[string]int{}
	cut := false
	for i, id := range ids {
		if i%atLeast1(len(ids)/6) == 0 { // it comes and goes
			if cut = !cut; cut {
				l.unlink()
			} else {
				l.link()
			}
		}
		if err := l.decide(id, "ana", []uint32{4, 6, 7}[r.IntN(3)]); err == nil {
			did[id]++
		}
		body := fmt.Sprintf(`{"action": "decide", "code": %d, "revision": 1, "key": "%s"}`, []uint32{4, 6, 7}[r.IntN(3)], id)
		for range 1 + r.IntN(2) { // the answer got lost
			if code, text := max.act(id, body); code == http.StatusOK {
				did[id] |= 16
			} else if code != http.StatusConflict {
				t.Fatalf("%d %s", code, text)
			}
		}
	}
	l.link()
	disputes := 0
	for _, id := range ids {
		disputes += compareEnds(t, l, max, id, did[id]&15+did[id]>>4)
	}
	t.Logf("%d cases, %d disputed", len(ids), disputes)
}

func atLeast1(n int) int { return max(1, n) }

// compareEnds compares a case at both ends, once both have all rows, and returns 1 for a dispute.
func compareEnds(t *testing.T, l *casesLane, b *browser, id string, did int) int {
	t.Helper()
	var there hubapi.CaseRecord
	eventually(t, "all rows of "+id+" at both ends", func() bool {
		there, _ = b.found(id)
		return there.Case.Revision == 1+did && l.at(id).Revision() == 1+did
	})
	here := l.at(id)
	if string(here.State) != there.Case.State || len(here.Verdicts) != len(there.Case.Verdicts) {
		t.Errorf("%s: %s at the lane, %s at the hub", id, here.State, there.Case.State)
	}
	var codes []uint32
	for _, v := range here.Verdicts {
		codes = append(codes, v.Code)
	}
	slices.Sort(codes)
	if differ := len(slices.Compact(codes)) > 1; differ != (here.State == cases.Disputed) {
		t.Errorf("%s: verdicts %v, state %s", id, codes, here.State)
	}
	if here.State == cases.Disputed {
		return 1
	}
	return 0
}
