package rollout

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Keeper moves rollouts on while the hub runs. Its methods may be called from any goroutine.
type Keeper struct {
	dir     string
	ledger  *ledger.Ledger
	journal Journal
	log     *slog.Logger

	mu   sync.Mutex
	book Book
	read time.Time // modification time of the book that was read

	cursor string // up to which the feed was read; it belongs to Run
}

// NewKeeper returns the keeper of the rollouts in a repository's folder. A nil journal is of a hub that keeps none: what was done
// is then not on record.
func NewKeeper(dir string, l *ledger.Ledger, j Journal, log *slog.Logger) *Keeper {
	return &Keeper{dir: dir, ledger: l, journal: j, log: log}
}

// Bounds of reading.
const (
	period   = 2 * time.Second
	pageRows = 500  // of the feed, read at once
	pageSize = 1000 // journals, read at once
)

// Run reads what lanes say, and moves rollouts on, until ctx ends; it returns nil. news is called when a lane may have
// something that it could not have before.
func (k *Keeper) Run(ctx context.Context, news func()) error {
	for told := false; ; {
		changed, err := k.turn()
		err = errors.Join(err, k.noteActs(ctx))
		if err != nil && !told {
			k.log.Error("rollouts stand still, will be tried again", "err", err)
		}
		told = err != nil
		if changed {
			news()
		}
		if wire.Pause(ctx, period) != nil {
			return nil
		}
	}
}

// Book returns the book as it is now.
func (k *Keeper) Book() (Book, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(filepath.Join(k.dir, bookFile))
	if err == nil && info.ModTime().Equal(k.read) {
		return k.book, nil
	}
	if k.book, err = Read(k.dir); err == nil && info != nil {
		k.read = info.ModTime()
	}
	return k.book, err
}

// Allows reports whether a file of the repository may be handed to an agent. While the book cannot be read no bundle is.
func (k *Keeper) Allows(name, site, agent string) bool {
	if (Book{}).Allows(name, site, agent) {
		return true // not a bundle: the book need not be read
	}
	b, err := k.Book()
	return err == nil && b.Allows(name, site, agent)
}

// turn is one turn. Nothing is read before the first rollout was started, and from then on what is new.
func (k *Keeper) turn() (changed bool, err error) {
	b, err := k.Book()
	if err != nil || len(b.Rollouts) == 0 {
		return false, err
	}
	rows, cursor, err := k.rows(cmp.Or(k.cursor, b.Cursor, "now"))
	if err != nil {
		return false, err
	}
	running := slices.ContainsFunc(b.Rollouts, func(r *Rollout) bool { return r.State == Running })
	if len(rows) == 0 && !running && b.Cursor != "" {
		k.cursor = cursor
		return false, nil
	}
	all, err := k.agents()
	if err != nil {
		return false, err
	}
	_, err = change(k.dir, func(b *Book) (bool, error) {
		for name, a := range rows {
			b.Agents[name] = a
		}
		changed = b.step(time.Now(), all)
		write := changed || len(rows) > 0 || b.Cursor == ""
		b.Cursor = cursor
		return write, nil
	})
	if err == nil {
		k.cursor = cursor
	}
	return changed, err
}

// rows reads what agents have said of bundles after a cursor; of each the last.
func (k *Keeper) rows(cursor string) (last map[string]Agent, next string, err error) {
	last = map[string]Agent{}
	after, err := k.ledger.ParseCursor(cursor)
	if err != nil {
		after = 0 // the ledger was put back from a copy: read again what it has
	}
	var filter ledger.Filter
	if err := filter.AddKind(observation.Kind_KIND_BUNDLE_STATE.Name()); err != nil {
		return nil, "", err
	}
	newest, _ := k.ledger.Durable()
	for {
		events, err := k.ledger.Events(after, pageRows, filter)
		if err != nil {
			return nil, "", err
		}
		for i := range events {
			e := &events[i]
			after = e.Seq
			var body observation.Body
			if err := proto.Unmarshal(e.Body, &body); err != nil || body.GetBundleState() == nil {
				continue
			}
			last[e.Site+"/"+e.Agent] = said(body.GetBundleState(), time.Now())
		}
		if len(events) < pageRows {
			return last, k.ledger.Cursor(max(after, newest)), nil
		}
	}
}

// agents lists all agents that the ledger knows, SITE/AGENT.
func (k *Keeper) agents() (all []string, err error) {
	var after ledger.Place
	for {
		page, next, err := k.ledger.Journals(after, pageSize)
		if err != nil {
			return nil, err
		}
		for i := range page {
			all = append(all, page[i].Site+"/"+page[i].Agent)
		}
		if next == nil {
			slices.Sort(all)
			return slices.Compact(all), nil
		}
		after = *next
	}
}
