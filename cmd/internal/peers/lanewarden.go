package peers

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

var lanewardenKind = Kind{
	Name: "Lanewarden",
	Settings: []string{
		"laned and lanehub with their defaults: SQLite for journal and ledger, the hub's own broker. --telemetry-delay 1s " +
			"is for the ten observations before the outage; a backlog does not wait.",
		"laned does not run while the journal is filled, as a journal has one writer; it is started again in the outage.",
		"What it doubles is refused by the ledger; the count is of the ledger's rows.",
	},
	Missing: func(context.Context) error { return nil },
	New:     func() Peer { return &lanewarden{} },
}

// lanewarden is our own way: laned over a journal, lanehub with its ledger.
type lanewarden struct {
	agent *part
}

const (
	ourSite  = "peers"
	ourAgent = "lane-1"
)

// Start implements Peer. The agent has no devices: its journal is filled by Fill.
func (l *lanewarden) Start(_ context.Context, r *rig) error {
	text := fmt.Sprintf(`
site: {id: %s}
agent: {id: %s, state_dir: %s}
lanes: [{id: lane-1}]
uplink: {broker: "mqtt://%s"}
console: {socket: %s}
`, ourSite, ourAgent, r.path(atLane), r.link.From, r.path("laned.sock"))
	if err := os.WriteFile(r.path("lane.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	var err error
	if l.agent, err = r.part(atLane, "laned", r.bin+"/laned",
		[]string{"run", r.path("lane.yaml"), "--telemetry-delay", "1s"}); err != nil {
		return err
	}
	_, err = r.part(atCentre, "lanehub", r.bin+"/lanehub",
		[]string{"run", "--dir", r.path(atCentre), "--http", r.centreHTTP, "--mqtt", r.centre})
	return err
}

// fillGroup is how many observations one commit to the journal has.
const fillGroup = 1000

// Fill implements Peer.
func (l *lanewarden) Fill(ctx context.Context, r *rig, from, to int) error {
	if err := answers(ctx, r.path("laned.sock")); err != nil {
		return err
	}
	l.agent.memory()
	if err := l.agent.End(syscall.SIGTERM); err != nil {
		return fmt.Errorf("laned did not end in order: %w", err)
	}
	if err := fillJournal(ctx, r.path(atLane, "journal"), from, to); err != nil {
		return err
	}
	return l.agent.Start()
}

// answers waits until laned answers at its socket: before, it does not end in order.
func answers(ctx context.Context, socket string) (err error) {
	client := api.NewClient(socket, 2*time.Second)
	for begin := time.Now(); time.Since(begin) < proofTime; {
		if _, err = api.GetStatus.Ask(ctx, client, api.None{}); err == nil {
			return nil
		}
		if err := wait.For(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return err
}

// fillJournal commits observations to a journal that nobody else has open.
func fillJournal(ctx context.Context, dir string, from, to int) (err error) {
	j, err := journal.Open(dir, journal.Options{Site: ourSite, Agent: ourAgent})
	if err != nil {
		return err
	}
	defer func() {
		if e := j.Close(); err == nil {
			err = e
		}
	}()
	for from < to {
		group := make([]*observation.Observation, min(fillGroup, to-from))
		for i := range group {
			group[i] = numbered(from + i)
		}
		if _, err := j.Commit(ctx, group...); err != nil {
			return err
		}
		from += len(group)
	}
	return nil
}

// Arrivals implements Peer.
func (l *lanewarden) Arrivals(r *rig) (arrivals, error) {
	return openLedger(r.path(atCentre, ledger.FileName))
}
