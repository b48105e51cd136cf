// Package fleet keeps how all lanes are: what agents say of themselves, the ledger's journals and the open conditions
// of devices go in; lanes with their troubles in words, the worst first, and what changes, come out. docs/fleet.md.
package fleet

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// maxAgents bounds the agents that are kept, as the hub does.
const maxAgents = 20_000

// Board has all lanes. Its methods may be called from any goroutine.
type Board struct {
	mu      sync.Mutex
	agents  map[store.Sender]*agent
	version int64            // of the newest change
	sites   int64            // version in which a site changed last
	gone    map[string]int64 // lanes that are no more, with the version of that
	changed chan struct{}    // closed at the next change
}

// agent is what is known of an agent, and what follows from it.
type agent struct {
	name       store.Sender
	journal    Journal
	said       said
	conditions []Condition

	lanes   []hubapi.FleetLane // with all their troubles
	recheck time.Time          // when time alone may change them; zero for never
	unsaved bool               // said is not as it was saved
	savedAt time.Time          // said.at, as it was saved last
}

// Journal is what the ledger holds of an agent's present journal.
type Journal struct {
	ID        int64  // in the ledger; 0 for one that has not said hello
	Name      string // hex
	Hello     time.Time
	Software  string
	Refused   message.Text
	Inventory *observation.Inventory
}

// Condition is a condition of a device that lasts.
type Condition struct {
	Device string
	Text   message.Text
	Since  time.Time
}

// said is what an agent said last.
type said struct {
	state  *wire.State   // its last word; nil for none
	at     time.Time     // when that came
	health *wire.Health  // the last that it told; nil for never
	off    time.Duration // how far its clock is ahead, as far as that can be told
	late   time.Duration // how far it seemed to be behind by the last word, which may have been long under way; 0 or less
}

// New returns a board without lanes. Versions begin with the time, so that those of an earlier run of the hub are
// older.
func New(now time.Time) *Board {
	return &Board{
		agents: map[store.Sender]*agent{}, version: now.UnixMilli(), gone: map[string]int64{}, changed: make(chan struct{}),
	}
}

// agentOf returns an agent that is or becomes known; nil when that is one too many.
func (b *Board) agentOf(name store.Sender) *agent {
	a := b.agents[name]
	if a == nil && len(b.agents) < maxAgents {
		a = &agent{name: name}
		b.agents[name] = a
	}
	return a
}

// Say takes an agent's state message. The state is kept, and not to be changed. One about a journal that is not the
// present one comes from a box that was replaced, and is passed over. stale says that it may be of any time: a broker has
// kept it.
func (b *Board) Say(name store.Sender, state *wire.State, now time.Time, stale bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.agentOf(name)
	if a == nil || !state.Online && a.journal.Name != "" && state.Journal != "" && state.Journal != a.journal.Name {
		return
	}
	next := said{state: state, at: now, health: a.said.health}
	if state.Health != nil {
		next.health = state.Health
	}
	switch before := a.said.state; {
	case state.Online && state.TimeNs != 0 && !stale:
		next.off, next.late = clockError(time.Unix(0, state.TimeNs).Sub(now), a.said.late)
	case !state.Online && before != nil: // a last will knows no devices: those of the last word stand
		will := state.TimeNs == 0
		state = &wire.State{
			Journal: state.Journal, Software: before.Software, Size: before.Size, Trouble: before.Trouble,
			Devices: before.Devices, WaitingAlarms: before.WaitingAlarms,
			WaitingEvents: before.WaitingEvents, WaitingTelemetry: before.WaitingTelemetry,
		}
		next.state, next.off = state, a.said.off
		if !before.Online || will { // a will: the broker's word, and not the agent's
			next.at = a.said.at
		}
	}
	a.unsaved = a.unsaved || state.Health != nil || a.said.state == nil || a.said.state.Online != state.Online ||
		now.Sub(a.savedAt) > saveHeardEvery
	a.said = next
	b.judge(a, now)
}

// surelyBehind is more than a message is under way.
const surelyBehind = time.Minute

// clockError returns how far a clock is ahead, of a message that seemed to be so far ahead when it came, and what the next
// one needs to know of it. A delay makes a clock seem behind, and never ahead: what a message that waited in a storm of
// reconnecting agents says is confirmed by the next one.
func clockError(ahead, lateBefore time.Duration) (off, late time.Duration) {
	late = min(ahead, 0)
	if ahead >= 0 || ahead < -surelyBehind {
		return ahead, late
	}
	return max(late, lateBefore), late
}

// SetJournals takes what the ledger holds of agents. Of one agent's journals the one that said hello last counts.
func (b *Board) SetJournals(all map[store.Sender]Journal, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, j := range all {
		if a := b.agentOf(name); a != nil && !j.Hello.Before(a.journal.Hello) && !reflect.DeepEqual(a.journal, j) {
			a.journal = j
			b.judge(a, now)
		}
	}
}

// SetConditions takes all conditions that last, by the number of the journal in the ledger.
func (b *Board) SetConditions(all map[int64][]Condition, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.agents {
		if next := all[a.journal.ID]; !slices.Equal(next, a.conditions) {
			a.conditions = next
			b.judge(a, now)
		}
	}
}

// Tick judges lanes of which nothing came but time.
func (b *Board) Tick(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.agents {
		if !a.recheck.IsZero() && !now.Before(a.recheck) {
			b.judge(a, now)
		}
	}
}

// maxGone bounds the lanes that are remembered as gone; of earlier ones readers of changes hear when they load anew.
const maxGone = 10_000

// judge finds anew how an agent's lanes are. The caller holds mu.
func (b *Board) judge(a *agent, now time.Time) {
	next, recheck := lanesOf(a, now)
	a.recheck = recheck
	before := map[string]*hubapi.FleetLane{}
	for i := range a.lanes {
		before[a.lanes[i].Lane] = &a.lanes[i]
	}
	news := false
	for i := range next {
		was := before[next[i].Lane]
		delete(before, next[i].Lane)
		if was != nil {
			next[i].Changed = was.Changed
			if reflect.DeepEqual(*was, next[i]) {
				continue
			}
		} else {
			b.sites = b.version + 1
			delete(b.gone, key(&next[i]))
		}
		next[i].Changed, news = b.version+1, true
	}
	for _, l := range before {
		if len(b.gone) < maxGone {
			b.gone[key(l)] = b.version + 1
		}
		news, b.sites = true, b.version+1
	}
	if a.lanes = next; !news {
		return
	}
	b.version++
	close(b.changed)
	b.changed = make(chan struct{})
}

// key names a lane.
func key(l *hubapi.FleetLane) string { return l.Site + "/" + l.Agent + "/" + l.Lane }

// Changed returns a channel that is closed at the next change, and the version of now.
func (b *Board) Changed() (<-chan struct{}, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed, b.version
}

// shownTroubles is how many troubles of a lane a list has.
const shownTroubles = 4

// brief returns a lane as lists have it.
func brief(l hubapi.FleetLane) hubapi.FleetLane {
	if n := len(l.Troubles); n > shownTroubles {
		l.Troubles, l.More = l.Troubles[:shownTroubles], n-shownTroubles
	}
	return l
}

// ranks are the levels, the worst first.
var ranks = []string{hubapi.FleetTrouble, hubapi.FleetNoLink, hubapi.FleetDegraded, hubapi.FleetUnreported, hubapi.FleetOK}

// place is where a lane stands among all: by level, then by name.
type place struct {
	rank int
	name string
}

func placeOf(l *hubapi.FleetLane) place { return place{slices.Index(ranks, l.Level), key(l)} }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.rank, o.rank), cmp.Compare(p.name, o.name))
}

// Page answers a query: lanes of sites that are seen, the worst first, with all that a page begins with.
func (b *Board) Page(q hubapi.FleetQuery, sees func(site string) bool) (out hubapi.FleetPage, err error) {
	after, err := parsePlace(q.After)
	if err != nil {
		return out, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out.Version, out.Summary, out.Lanes = b.version, summary(), []hubapi.FleetLane{}
	if q.After == "" {
		out.Sites = b.sitesSeen(sees)
	}
	var found []*hubapi.FleetLane
	b.each(sees, func(l *hubapi.FleetLane) {
		out.Summary[l.Level]++
		if matches(l, &q) && placeOf(l).compare(after) > 0 {
			found = append(found, l)
		}
	})
	slices.SortFunc(found, func(a, b *hubapi.FleetLane) int { return placeOf(a).compare(placeOf(b)) })
	for i, l := range found {
		if i == q.Limit {
			out.Next = placeOf(found[i-1]).String()
			break
		}
		out.Lanes = append(out.Lanes, brief(*l))
	}
	return out, nil
}

// Changes returns what has changed after a version.
func (b *Board) Changes(after int64, sees func(site string) bool) hubapi.FleetChanges {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := hubapi.FleetChanges{Version: b.version, Summary: summary(), Lanes: []hubapi.FleetLane{}}
	b.each(sees, func(l *hubapi.FleetLane) {
		if out.Summary[l.Level]++; l.Changed > after {
			out.Lanes = append(out.Lanes, brief(*l))
		}
	})
	for name, version := range b.gone {
		site, _, _ := strings.Cut(name, "/")
		if version > after && sees(site) {
			out.Gone = append(out.Gone, name)
		}
	}
	slices.Sort(out.Gone)
	if b.sites > after {
		out.Sites = b.sitesSeen(sees)
	}
	return out
}

// summary returns a count of no lanes, with all levels.
func summary() map[string]int {
	out := map[string]int{}
	for _, level := range ranks {
		out[level] = 0
	}
	return out
}

// each calls f with all lanes of sites that are seen. The caller holds mu.
func (b *Board) each(sees func(site string) bool, f func(*hubapi.FleetLane)) {
	for name, a := range b.agents {
		if !sees(name.Site) {
			continue
		}
		for i := range a.lanes {
			f(&a.lanes[i])
		}
	}
}

// sitesSeen returns the sites, by id. Of agents that tell a site differently the one that said hello last counts.
func (b *Board) sitesSeen(sees func(site string) bool) []hubapi.FleetSite {
	newest := map[string]*agent{}
	for name, a := range b.agents {
		if sees(name.Site) && (newest[name.Site] == nil || newest[name.Site].journal.Hello.Before(a.journal.Hello)) {
			newest[name.Site] = a
		}
	}
	out := make([]hubapi.FleetSite, 0, len(newest))
	for _, a := range newest {
		out = append(out, a.site())
	}
	slices.SortFunc(out, func(a, b hubapi.FleetSite) int { return cmp.Compare(a.Site, b.Site) })
	return out
}

// site returns the site as the agent tells it. Coordinates that are none are not told.
func (a *agent) site() hubapi.FleetSite {
	inv := a.journal.Inventory
	out := hubapi.FleetSite{Site: a.name.Site, Title: short(inv.GetSiteTitle()), Kind: short(inv.GetSiteKind())}
	lat, lon := inv.GetLatitude(), inv.GetLongitude()
	if (lat != 0 || lon != 0) && lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 { // no NaN either
		out.Latitude, out.Longitude = &lat, &lon
	}
	return out
}

// Agent is what is known of one agent.
type Agent struct {
	Site    hubapi.FleetSite
	Lanes   []hubapi.FleetLane // with all their troubles
	Heard   time.Time          // zero for never
	Journal Journal
	Trouble []*wire.DeviceTrouble // devices that do not work, as it said last
	Reports bool                  // its last word has that: it was heard
}

// EachHeard calls f with when each agent was heard last. f may not use the board.
func (b *Board) EachHeard(f func(name store.Sender, heard time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, a := range b.agents {
		if !a.said.at.IsZero() {
			f(name, a.said.at)
		}
	}
}

// DueTests returns the tests of devices that are due, as agents said last, at the sites that are seen. Agents that are
// away are among them: nobody has done a test meanwhile that they would know of.
func (b *Board) DueTests(sees func(site string) bool) (out []hubapi.DueTest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, a := range b.agents {
		if !sees(name.Site) {
			continue
		}
		for i, t := range a.said.health.GetDue() {
			if i == maxNamed {
				break
			}
			out = append(out, hubapi.DueTest{
				Site: name.Site, Agent: name.Agent, Lane: a.laneOf(t.Device), Device: short(t.Device),
				Test: short(t.Test), Title: words(t.Title, t.TitleFr).Text(), Since: unix(t.SinceNs),
				Overdue: t.Overdue, Failed: t.Failed,
			})
		}
	}
	return out
}

// Agent returns what is known of an agent; ok is false for one that is not.
func (b *Board) Agent(name store.Sender) (out Agent, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.agents[name]
	if a == nil {
		return out, false
	}
	return Agent{
		Site: a.site(), Lanes: slices.Clone(a.lanes), Heard: a.said.at, Journal: a.journal,
		Trouble: a.said.state.GetTrouble(), Reports: a.said.state != nil,
	}, true
}
