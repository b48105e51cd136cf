package hub

import (
	"cmp"
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
)

// How often the fleet is looked after. States of agents reach it at once, by the decoder.
const (
	fleetTick      = time.Second
	journalsEvery  = 2 * time.Second // those that said hello lately
	allEvery       = 5 * time.Minute // and all of them, for those that are refused since
	refusedEvery   = 20 * time.Second
	saveStates     = 3 * time.Second
	journalsAtOnce = 50
	maxConditions  = 20_000 // of all lanes
)

// fleetKeeper brings to the fleet what the ledger and its views hold, and keeps what agents said. Its fields belong to the
// goroutine of run, but for the board.
type fleetKeeper struct {
	board   *fleet.Board
	ledger  *ledger.Ledger
	views   *views.Views
	derive  fleet.Derive
	refused <-chan struct{} // holds a token after a refusal
	log     *slog.Logger

	newest     int64     // hello of the newest journal that was read
	allAt      time.Time // when all journals were read
	seq        int64     // of the ledger, as conditions were read last
	conditions map[views.OpenCondition]fleet.Condition
	told       bool // that something did not succeed
}

// run looks after the fleet until ctx ends, and returns ctx's error.
func (k *fleetKeeper) run(ctx context.Context) error {
	k.try("what agents said before the start is not known", k.board.Load(ctx, k.derive, time.Now()))
	tick := time.NewTicker(fleetTick)
	defer tick.Stop()
	var journalsAt, savedAt time.Time
	for {
		now := time.Now()
		if now.Sub(journalsAt) >= journalsEvery {
			k.try("journals of the fleet are not read", k.readJournals(now))
			k.try("conditions of the fleet are not read", k.readConditions(now))
			journalsAt = now
		}
		k.board.Tick(now)
		if now.Sub(savedAt) >= saveStates {
			k.try("what agents said is not kept", k.board.Save(ctx, k.derive))
			savedAt = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// try logs an error, once until something succeeds again.
func (k *fleetKeeper) try(what string, err error) {
	if err != nil && !k.told {
		k.log.Warn(what, "err", err)
	}
	k.told = err != nil
}

// readJournals reads the journals of agents that said hello since the last look; all of them now and then.
func (k *fleetKeeper) readJournals(now time.Time) error {
	all := now.Sub(k.allAt) >= allEvery
	if !all && now.Sub(k.allAt) >= refusedEvery {
		select {
		case <-k.refused:
			all = true
		default:
		}
	}
	found, newest := map[store.Sender]fleet.Journal{}, k.newest
	var after ledger.Place
	for {
		limit := journalsAtOnce
		if all {
			limit = ledger.JournalsMax
		}
		page, next, err := k.ledger.Journals(after, limit)
		if err != nil {
			return err
		}
		for i := range page {
			j := &page[i]
			newest = max(newest, j.HelloNs)
			name := store.Sender{Site: j.Site, Agent: j.Agent}
			_, known := found[name] // by a later hello
			if name != hubjournal.Name && !known && len(j.ForkOf) == 0 {
				found[name] = fleetJournal(j)
			}
		}
		if next == nil || !all && next.HelloNs < k.newest {
			break
		}
		after = *next
	}
	if k.newest = newest; all {
		k.allAt = now
	}
	k.board.SetJournals(found, now)
	return nil
}

func fleetJournal(j *ledger.Summary) fleet.Journal {
	return fleet.Journal{
		ID: j.ID, Name: hex.EncodeToString(j.Journal), Hello: time.Unix(0, j.HelloNs), Software: j.Software, Refused: j.Refused,
		Inventory: j.Inventory,
	}
}

// readConditions reads the conditions of devices that last, when rows came since the last look. Those that are known are not
// read again.
func (k *fleetKeeper) readConditions(now time.Time) error {
	p, err := k.views.Progress()
	if err != nil || p.Seq == k.seq && k.conditions != nil {
		return err
	}
	open, err := k.views.OpenConditions(maxConditions)
	if err != nil {
		return err
	}
	fresh := map[int64][]int64{}
	next := make(map[views.OpenCondition]fleet.Condition, len(open))
	for _, c := range open {
		if had, ok := k.conditions[c]; ok {
			next[c] = had
			continue
		}
		fresh[c.Owner] = append(fresh[c.Owner], c.Idx)
	}
	for owner, indices := range fresh {
		rows, err := k.views.Rows(owner, indices)
		if err != nil {
			return err
		}
		for idx, o := range rows {
			next[views.OpenCondition{Owner: owner, Idx: idx}] = fleetCondition(o)
		}
	}
	k.conditions, k.seq = next, p.Seq
	by := map[int64][]fleet.Condition{}
	for _, c := range open {
		if one, ok := next[c]; ok {
			by[c.Owner] = append(by[c.Owner], one)
		}
	}
	k.board.SetConditions(by, now)
	return nil
}

// fleetCondition words a condition as its sentence has it.
func fleetCondition(o *observation.Observation) fleet.Condition {
	out := fleet.Condition{Device: o.Device, Since: o.Time()}
	if line, err := api.NewLine(0, o); err == nil {
		s := line.Summary
		out.Text = message.Text{EN: joined(s.EN, s.Words), FR: joined(s.FR, cmp.Or(s.WordsFR, s.Words))}
	}
	return out
}

// joined returns a sentence with the words of a device behind it; either may be missing.
func joined(sentence, words string) string {
	if sentence != "" && words != "" {
		return sentence + ": " + words
	}
	return sentence + words
}
