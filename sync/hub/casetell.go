package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"lanewarden/sync/hub/casedesk"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// caseTeller tells lanes what was said in cases at the centre: as signed commands, again and again, until the lane's own
// copy of the row is in the ledger. It keeps nothing: what is untold is what the ledger has no copy of.
type caseTeller struct {
	views      *views.Views
	repository *orders.Repository
	codec      *wire.Codec
	source     source
	states     *states
	log        *slog.Logger

	mu  sync.Mutex      // guards the rest
	why string          // code of why lanes cannot be told; "" when they can
	has map[string]bool // ids of commands that lanes say to have
}

// told is when a row was sent last, and the id of its command.
type told struct {
	at time.Time
	id string
}

// How often lanes are told. A command that a lane says to have waits for the lane's copy of the row, which comes behind all
// that the lane has to send; or the lane has refused it, as it does not know the hub's key yet.
const (
	tellPoll    = 500 * time.Millisecond
	tellEvery   = commandEvery
	tellAgain   = 10 * commandEvery // what the lane says to have
	tellAtOnce  = 1000              // rows
	tellWindow  = 16                // on their way to one agent: it drops what comes while 32 wait
	readKeyEach = 5 * time.Second
)

// cannot returns the code of why lanes cannot be told anything; "" when they can.
func (t *caseTeller) cannot() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

// readKey reads the key, which may be made and published while the hub runs; nil where lanes would refuse what it signs.
func (t *caseTeller) readKey() (*orders.Key, error) {
	why, known := "", false
	k, err := t.repository.CaseKey()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why, err = "cases.lane.no-key", nil
	case err == nil:
		if known, err = t.repository.LanesKnow(k, command.Case); !known && err == nil {
			why = "cases.lane.unpublished"
		}
	}
	if err != nil {
		why = "cases.lane.no-key"
	}
	t.mu.Lock()
	t.why = why
	t.mu.Unlock()
	if why != "" {
		return nil, err
	}
	return &k, nil
}

// run tells what is untold in a journal of the hub's until ctx ends, and returns nil.
func (t *caseTeller) run(ctx context.Context, journal []byte) error {
	var key *orders.Key
	var read time.Time
	sent := map[int64]told{}
	for ctx.Err() == nil {
		if time.Since(read) >= readKeyEach {
			var err error
			if key, err = t.readKey(); err != nil {
				t.log.Error("lanes are not told what is said in cases: the key cannot be read", "err", err)
			}
			read = time.Now()
		}
		if key != nil {
			var err error
			if sent, err = t.tell(journal, *key, sent); err != nil {
				t.log.Error("lanes are not told what is said in cases, trying again", "err", err)
			}
		}
		_ = wire.Pause(ctx, tellPoll) // an end of ctx ends the loop
	}
	return nil
}

// received notes that a lane says to have a command.
func (t *caseTeller) received(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.has == nil || len(t.has) >= 2*tellAtOnce { // what is forgotten is sent once more
		t.has = map[string]bool{}
	}
	t.has[id] = true
}

// isReceived reports whether a lane says to have a command.
func (t *caseTeller) isReceived(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.has[id]
}

// due reports whether a row is to be sent that was sent before.
func (t *caseTeller) due(before told) bool {
	if t.isReceived(before.id) {
		return time.Since(before.at) >= tellAgain
	}
	return time.Since(before.at) >= tellEvery
}

// tell sends what is untold and due, to agents that are not known to be away. It returns when each was sent last.
func (t *caseTeller) tell(journal []byte, key orders.Key, sent map[int64]told) (map[int64]told, error) {
	untold, err := t.views.UntoldCases(journal, tellAtOnce)
	if err != nil {
		return sent, err
	}
	still, under := map[int64]told{}, map[ledger.Sender]int{}
	for i := range untold {
		one := &untold[i]
		if said, known := t.states.latest(one.Site, one.Agent); known && !said.Online {
			continue // at once when it is there again
		}
		idx := one.Said.Origin.Idx
		if before, ok := sent[idx]; ok && !t.due(before) {
			still[idx] = before
			if !t.isReceived(before.id) {
				under[one.Sender]++
			}
			continue
		}
		if under[one.Sender]++; under[one.Sender] > tellWindow {
			continue // once the lane has those before
		}
		id, err := t.send(one, key)
		if err != nil {
			t.log.Warn("a lane is not told what was said in a case", "site", one.Site, "agent", one.Agent, "case", one.ID, "err", err)
		}
		still[idx] = told{time.Now(), id}
	}
	return still, nil
}

// send sends one row to its lane, and returns the id of the command.
func (t *caseTeller) send(one *views.Untold, key orders.Key) (id string, err error) {
	newest, err := t.views.NewestJournal(ledger.Sender{Site: one.Site, Agent: one.Agent})
	if err != nil {
		return "", err
	}
	signed, err := command.Sign(casedesk.Order(one.CaseKey, newest, one.Said, time.Now()), key.Name, key.Private)
	if err != nil {
		return "", err
	}
	payload, err := t.codec.Encode(signed)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(command.ID(signed)), t.source.publish(wire.Topic(one.Site, one.Agent, wire.LeafOrder), payload)
}
