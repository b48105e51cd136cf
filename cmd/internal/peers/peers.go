// Package peers drives observations through Lanewarden and through what others would take in its place: the same
// observations wait out the same outage at the lane, then drain to the centre over the same link. It measures each, and
// counts what is lost and doubled when its parts are killed. docs/performance.md has the table.
package peers

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Peer is one way from the lane to the centre. A new one is made for each run, by its New in All. Its methods are called
// from one goroutine, in this order: Start, Fill, Arrivals, and Fill again while the link is down.
type Peer interface {
	// Start writes the settings and starts the parts; the link is up. Each part is made by rig.part.
	Start(ctx context.Context, r *rig) error
	// Fill hands the observations of the numbers from..to-1 over at the lane, and returns when the lane has them. They
	// are on its disk as far as the peer's settings promise.
	Fill(ctx context.Context, r *rig, from, to int) error
	// Arrivals returns what counts the observations that the centre has durably.
	Arrivals(r *rig) (arrivals, error)
}

// Kind is one kind of peer.
type Kind struct {
	Name string
	// Settings are those that matter, and where they are documented, for readers of the table.
	Settings []string
	// Missing returns why it cannot run on this machine, nil when it can. It may take minutes, to build.
	Missing func(ctx context.Context) error
	New     func() Peer
	// Most is how many observations it is given at most, where the lane takes too long to hand more over; 0 for no bound.
	Most int
}

// bounded returns n, or Most when that is less.
func (k Kind) bounded(n int) int {
	if k.Most == 0 {
		return n
	}
	return min(n, k.Most)
}

// All are the kinds of peers, Lanewarden first.
var All = []Kind{lanewardenKind, mosquittoKind, natsKind, telegrafKind}

// Options describe a comparison. All are required but Only.
type Options struct {
	N      int           // observations that drain
	Killed int           // observations that drain in the runs in which a part is killed
	Outage time.Duration // how long the link is down at least
	// Patience is how long nothing may arrive before what is missing counts as lost.
	Patience time.Duration
	Dir      string // for the files of runs; each is removed after its run
	Only     string // name of the one peer to run; "" for all
	Log      io.Writer
}

// Compare runs each kind of peer that this machine has: once undisturbed, and once for each of its parts, which is
// killed in the midst of the drain and started again.
func Compare(ctx context.Context, o Options) (Table, error) {
	table := Table{N: o.N, Killed: o.Killed, Outage: o.Outage}
	if err := buildPrograms(ctx, o.Dir); err != nil {
		return table, err
	}
	for _, kind := range All {
		if o.Only != "" && o.Only != kind.Name {
			continue
		}
		row := Row{Kind: kind}
		if row.Missing = kind.Missing(ctx); row.Missing == nil {
			if err := row.measure(ctx, o); err != nil {
				return table, fmt.Errorf("%s: %w", kind.Name, err)
			}
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

// measure does the runs of a row.
func (row *Row) measure(ctx context.Context, o Options) error {
	result, err := runOnce(ctx, o, row.Kind, row.Kind.bounded(o.N), -1)
	if err != nil {
		return err
	}
	row.Result = result
	fmt.Fprintf(o.Log, "%s: %s\n", row.Kind.Name, result)
	for part := range result.Parts {
		killed, err := runOnce(ctx, o, row.Kind, row.Kind.bounded(o.Killed), part)
		if err != nil {
			return fmt.Errorf("%s killed: %w", result.Parts[part].Name, err)
		}
		row.Killed = append(row.Killed, killed)
		fmt.Fprintf(o.Log, "%s, %s killed: %s\n", row.Kind.Name, result.Parts[part].Name, killed)
	}
	return nil
}
