package fleet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// agentsPerSite is how many agents of the fleet share a site.
const agentsPerSite = 20

// agent is one of the fleet: the uplink of laned over a journal, whose rows are those of a day.
type agent struct {
	site, name string
	journal    *meter
	line       *line
	up         *uplink.Uplink
	close      func() error // of the journal

	day   day
	from  time.Duration // time of the day at which it begins
	later time.Duration // after the beginning of the traffic, so that not all telemetry is sent at one moment
	speed float64       // times as fast as the day was
}

// numbered returns an agent by its number that has a name alone.
func numbered(o *Options, number int) *agent {
	return &agent{
		site: fmt.Sprintf("%s-%03d", o.Site, number/agentsPerSite+1), name: fmt.Sprintf("lane-%02d", number%agentsPerSite+1),
	}
}

// newAgent returns the agent with a number, from 0 on. It does not connect yet.
func newAgent(o *Options, number int, t *tally, codec *wire.Codec) (*agent, error) {
	a := numbered(o, number)
	a.line = &line{tally: t}
	j, err := a.open(o)
	if err != nil {
		return nil, err
	}
	a.journal = newMeter(j, t, a.line)
	a.up, err = uplink.New(a.journal, uplink.Options{
		Paths: uplink.Direct(a.broker(o.Broker)), Codec: codec, TelemetryDelay: o.TelemetryDelay, Software: o.Software,
		Inventory: a.inventory(o, number), Health: healthy, Log: slog.New(slog.DiscardHandler),
	})
	return a, errors.Join(err, a.closeAfter(err))
}

// inventory returns the devices of the scenario at the agent's lane, and where its site is: sites lie along a border that
// there is not.
func (a *agent) inventory(o *Options, number int) *observation.Inventory {
	const lane = "lane-1"
	along := float64(number / agentsPerSite)
	inv := &observation.Inventory{
		Site: a.site, SiteKind: "land", Agent: a.name, Lanes: []*observation.Lane{{Id: lane}},
		Latitude: 49 + 2*math.Sin(along/6), Longitude: -123 + 0.55*along,
	}
	for _, d := range o.inventory.Devices {
		inv.Devices = append(inv.Devices, &observation.Device{Id: d.Id, Lane: lane})
	}
	return inv
}

// healthy is the health of all agents.
func healthy() *wire.Health { return &wire.Health{DiskPercent: 40} }

// closeAfter closes the journal when there was an error.
func (a *agent) closeAfter(err error) error {
	if err == nil {
		return nil
	}
	return a.close()
}

// broker returns how the agent connects: each has its own names and files, where these differ, and connection.
func (a *agent) broker(b wire.Broker) wire.Broker {
	b.Dialer, b.Username = a.line, a.named(b.Username)
	for _, file := range []*string{&b.PasswordFile, &b.CAFile, &b.CertFile, &b.KeyFile} {
		*file = a.named(*file)
	}
	return b
}

// named puts the names of site and agent into a setting, in place of {site} and {agent}.
func (a *agent) named(text string) string {
	return strings.NewReplacer("{site}", a.site, "{agent}", a.name).Replace(text)
}

// open opens the agent's journal: in memory, or below the directory of the options.
func (a *agent) open(o *Options) (store, error) {
	opts := journal.Options{Site: a.site, Agent: a.name}
	if o.Journals != "" {
		j, err := journal.Open(filepath.Join(o.Journals, a.site, a.name), opts)
		if err == nil {
			a.close = j.Close
		}
		return j, err
	}
	a.close = func() error { return nil }
	key := sha256.Sum256(fmt.Appendf(nil, "lanesim fleet %d %s/%s", o.Seed, a.site, a.name))
	return journal.NewMemory(opts, mathrand.NewChaCha8(key))
}

const (
	// step is the shortest pause between two commits of an agent: what comes within it is one group.
	step = 20 * time.Millisecond
	// maxWaiting bounds the rows of all agents that wait in memory, each of some 600 bytes. What comes beyond is not
	// recorded, and counted.
	maxWaiting = 3_000_000
)

// play records what comes into the agent's journal from its time of the day on, until ctx ends. A day that is over
// begins again.
func (a *agent) play(ctx context.Context) error {
	if wire.Pause(ctx, a.later) != nil {
		return nil
	}
	i := sort.Search(len(a.day), func(i int) bool { return a.day[i].after >= a.from })
	laps, begin := time.Duration(0), time.Now()
	if i == len(a.day) {
		i, laps = 0, dayLength
	}
	dueAt := func() time.Time {
		return begin.Add(time.Duration(float64(laps+a.day[i].after-a.from) / a.speed))
	}
	var due []*observation.Observation
	for {
		now := time.Now()
		due = due[:0]
		for !dueAt().After(now) {
			due = append(due, a.day[i].at(now))
			if i++; i == len(a.day) {
				i, laps = 0, laps+dayLength
			}
		}
		if err := a.record(ctx, due); err != nil {
			return err
		}
		if wire.Pause(ctx, max(time.Until(dueAt()), step)) != nil {
			return nil
		}
	}
}

// at returns the report as an observation of a moment, whole milliseconds as most devices have it. The body is shared.
func (r *report) at(now time.Time) *observation.Observation {
	ms := now.Truncate(time.Millisecond)
	return &observation.Observation{Class: r.class, TimeNs: ms.UnixNano(), Device: r.device, Body: r.body}
}

// record commits observations, unless too much waits already. A commit that has begun is not broken off with ctx: it
// might be durable all the same, and nobody would count it.
func (a *agent) record(ctx context.Context, obs []*observation.Observation) error {
	if len(obs) == 0 {
		return nil
	}
	t := a.journal.tally
	if t.waiting() > maxWaiting {
		t.held.Add(int64(len(obs)))
		return nil
	}
	return a.journal.commit(context.WithoutCancel(ctx), obs)
}
