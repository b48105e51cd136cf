// Package listtaker takes published lists into a lane's store. What the store has in force decides what is fetched: the
// smallest way to the newest version, by files of changes or by the whole list.
package listtaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"lanewarden/edge/lane/liststore"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/downlink"
	"lanewarden/sync/wire/layout"
)

// Taker is the consumer of lists. The zero value is not ready.
type Taker struct {
	store  *liststore.Store
	failed map[string]bool // SHA-256 of deltas that the store refused: the whole list is taken instead
}

// New returns the consumer for a store.
func New(store *liststore.Store) *Taker { return &Taker{store: store, failed: map[string]bool{}} }

// Prefix implements downlink.Consumer.
func (*Taker) Prefix() string { return layout.ListsPrefix }

// Full returns the path under which a version of a list is published.
func Full(kind lists.Kind, number int64) string {
	return fmt.Sprintf("%s%s/%d.full", layout.ListsPrefix, kind, number)
}

// Delta returns the path under which the changes between two versions are published.
func Delta(kind lists.Kind, from, to int64) string {
	return fmt.Sprintf("%s%s/%d-%d.delta", layout.ListsPrefix, kind, from, to)
}

// step is a published file of a list: from 0 for a whole one.
type step struct {
	from, to int64
	target   downlink.Target
}

// parse reads what a target is; ok is false for one that is no list.
func parse(t downlink.Target) (kind lists.Kind, s step, ok bool) {
	dir, file, _ := strings.Cut(strings.TrimPrefix(t.Path, layout.ListsPrefix), "/")
	kind, s.target = lists.Kind(dir), t
	from, to := "0", ""
	if number, full := strings.CutSuffix(file, ".full"); full {
		to = number
	} else if numbers, delta := strings.CutSuffix(file, ".delta"); delta {
		if from, to, _ = strings.Cut(numbers, "-"); from == "0" {
			return kind, s, false
		}
	}
	var wrong [2]error
	s.from, wrong[0] = strconv.ParseInt(from, 10, 64)
	s.to, wrong[1] = strconv.ParseInt(to, 10, 64)
	return kind, s, errors.Join(wrong[:]...) == nil && s.from >= 0 && s.to > s.from && kind.Known()
}

// Choose implements downlink.Consumer: the first file of the smallest way to the newest version of some list. Where the
// site publishes a list of its own, that is the one that counts.
func (t *Taker) Choose(published []downlink.Target) (downlink.Target, bool) {
	steps, ofSite := map[lists.Kind][]step{}, map[lists.Kind]bool{}
	for _, p := range published {
		kind, s, ok := parse(p)
		if !ok || t.failed[string(p.SHA256)] {
			continue
		}
		if p.Site != "" && !ofSite[kind] {
			ofSite[kind], steps[kind] = true, nil
		}
		if ofSite[kind] == (p.Site != "") {
			steps[kind] = append(steps[kind], s)
		}
	}
	now := map[lists.Kind]int64{}
	for _, v := range t.store.Versions() {
		now[v.Kind] = v.Number
	}
	for _, kind := range slices.Sorted(maps.Keys(steps)) {
		if first, ok := way(steps[kind], now[kind]); ok {
			return first, true
		}
	}
	return downlink.Target{}, false
}

// way returns the first file of the way from a version to the newest that has the fewest bytes; false when the newest is
// there, or cannot be reached. Versions only grow along a way, so that one pass in order of where files lead is enough.
func way(all []step, now int64) (first downlink.Target, ok bool) {
	type reached struct {
		bytes int64
		first downlink.Target
	}
	best := map[int64]reached{now: {}}
	slices.SortFunc(all, func(a, b step) int { return int(a.to - b.to) })
	for _, s := range all {
		if s.to <= now {
			continue
		}
		at, known := best[s.from]
		if s.from == 0 {
			at, known = reached{}, true
		}
		if !known || s.from != 0 && s.from < now {
			continue
		}
		next := reached{at.bytes + s.target.Length, at.first}
		if next.first.SHA256 == nil {
			next.first = s.target
		}
		if old, there := best[s.to]; !there || next.bytes < old.bytes {
			best[s.to] = next
		}
	}
	newest := slices.Max(slices.Collect(maps.Keys(best)))
	return best[newest].first, newest > now
}

// Apply implements downlink.Consumer. Changes that the store refuses are not chosen again: the whole list is.
func (t *Taker) Apply(ctx context.Context, target downlink.Target, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = t.store.Install(ctx, f); err == nil {
		return nil
	}
	if strings.HasSuffix(target.Path, ".delta") && ctx.Err() == nil {
		t.failed[string(target.SHA256)] = true
	}
	return err
}
