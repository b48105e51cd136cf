// Package views derives read models from the rows of the ledger: passages with what they are found by, decisions,
// devices, lists in force, counters by hour. Rows go in, in the order of the feed; tables come out, in the ledger's
// own database, and answers to what pages ask. The tables hold no personal value: what names people is read from its
// row, so that what is erased there is erased here, and a name is looked for by its keyed hash. docs/views.md.
package views

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// Views follows a ledger. Run and Rebuild belong to one goroutine; the other methods may be called from any.
type Views struct {
	ledger *ledger.Ledger
	file   File
	log    *slog.Logger
	most   int  // rows of a batch
	limit  int  // rows of the next batch: fewer after one that could not be folded
	skip   bool // its first row is passed over
	state  state

	mu    sync.Mutex // guards the rest
	known bool       // the tables are there and of this version
	lag   lag
}

// File has a message applied to the ledger and returns once that is durable. An error is ctx's.
type File func(ctx context.Context, m ledger.Message) error

// New returns the views of a ledger. What they write they have filed. It is to be called before the ledger files
// anything, as they have it keep what it filed last.
func New(l *ledger.Ledger, file File, log *slog.Logger) *Views {
	l.KeepRecent(isWanted)
	return &Views{ledger: l, file: file, log: log, most: batchRows, limit: batchRows, state: newState()}
}

// How often the views follow. A transaction costs a sync of the disk, so that rows are waited for a little; rows that
// are erased move no cursor and are looked for.
const (
	batchRows   = 8000
	batchBytes  = 8 << 20 // of bodies, in memory at once
	foldEvery   = 200 * time.Millisecond
	erasedEvery = 5 * time.Second
	retryPause  = 5 * time.Second
)

// Run follows the ledger until ctx ends, and returns ctx's error.
func (v *Views) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		_, changed := v.ledger.Durable()
		more, err := v.step(ctx)
		pause := foldEvery
		switch {
		case ctx.Err() != nil:
		case err != nil:
			v.log.Error("the views do not follow the ledger, trying again", "err", err)
			pause = retryPause
		case more:
			continue
		default:
			wait := time.NewTimer(erasedEvery)
			select {
			case <-changed:
			case <-wait.C:
			case <-ctx.Done():
			}
			wait.Stop()
		}
		if err := wire.Pause(ctx, pause); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// CatchUp folds until nothing is left.
func (v *Views) CatchUp(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = v.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Rebuild drops all tables, so that they are folded again from the first row.
func (v *Views) Rebuild(ctx context.Context) error {
	v.mu.Lock()
	v.known = false
	v.mu.Unlock()
	failed, err := v.derive(ctx, func(tx store.Tx) error {
		v.state = newState()
		return v.drop(tx)
	})
	return errors.Join(failed, err)
}

// step folds one batch, if there is something to fold. more reports whether there is.
func (v *Views) step(ctx context.Context) (more bool, err error) {
	if due, err := v.due(); err != nil || !due {
		return false, err
	}
	var did bool
	failed, err := v.derive(ctx, func(tx store.Tx) (err error) {
		did, err = v.fold(tx)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case failed == nil:
		v.limit, v.skip = min(2*v.limit, v.most), false
		return did, nil
	case v.limit > 1:
		v.limit /= 2 // to find the row that cannot be folded
		return true, nil
	case !v.skip:
		v.log.Error("a row cannot be folded into the views and is passed over", "err", failed)
		v.skip = true
		return true, nil
	}
	return false, failed
}

// derive runs a function in a transaction of the ledger. failed is what is wrong with the function, err why it was
// not run.
func (v *Views) derive(ctx context.Context, do func(store.Tx) error) (failed, err error) {
	var wrong error
	if err := v.file(ctx, ledger.Derive{Do: do, Failed: &wrong}); err != nil {
		return nil, err // the ingester may still be at it, with the state; begin sees what became of that
	}
	if v.state.unsure = false; wrong != nil {
		v.state = newState() // the transaction was undone
	}
	return wrong, nil
}

// due reports whether rows came, or were erased, since the last batch. It asks without a transaction.
func (v *Views) due() (bool, error) {
	newest, _ := v.ledger.Durable()
	if !v.state.ready || newest > v.state.seq {
		return true, nil
	}
	n, err := integer(v.ledger.Derived(), "SELECT count(*) FROM erased")
	return n > 0, err
}
