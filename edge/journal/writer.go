package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

const (
	queueLen      = 256     // requests waiting for the writer; further callers wait in Commit
	maxGroupBytes = 4 << 20 // bodies in one transaction, so that its callers wait some ten milliseconds at most
	insertRows    = 16      // rows in one INSERT statement
)

// request is one caller's rows, or one artifact's row, on their way through the writer.
type request struct {
	rows  []Row
	also  func(db *sqlog.DB) error // runs in the transaction; nil for none
	after func(db *sqlog.DB) error // runs after its commit, outside; nil for none
	added int
	err   error
	done  chan struct{}
}

// Commit makes observations durable, in their order, all or none. It returns when they are; added is how many were new:
// an observation whose device and key the journal already has, or had before it was removed, is a success that adds
// nothing. It returns driver.ErrNoRoom while the disk budget leaves no room for the class of one of them. On an error
// nothing may be acknowledged to the device; when ctx ended the wait, the rows may be durable all the same.
func (j *Journal) Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error) {
	r := &request{rows: make([]Row, len(obs))}
	for i, o := range obs {
		if err := j.roomFor(o.Class); err != nil {
			return 0, err
		}
		if r.rows[i], err = newRow(o, j.sealer); err != nil {
			return 0, err
		}
	}
	if err := j.do(ctx, r); err != nil {
		return 0, err // r may still be the writer's
	}
	return r.added, nil
}

// do hands a request to the writer and waits until it is committed. The order of requests is that of the channel. A
// context that ends while the writer works leaves it at that: the caller must not use r again.
func (j *Journal) do(ctx context.Context, r *request) error {
	r.done = make(chan struct{})
	select {
	case j.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-j.stop:
		return ErrClosed
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	case <-j.done:
		select {
		case <-r.done:
			return r.err
		default:
			return ErrClosed
		}
	}
}

// writer is the one goroutine that writes. What it has in hand is in these fields; what is durable is in Journal.state.
type writer struct {
	j      *Journal
	db     *sqlog.DB
	store  *sqlog.Store
	hasher *evidence.Hasher
	tree   *evidence.Tree
	last   observation.PerClass[int64]
	acked  observation.PerClass[int64] // as written
	signed time.Time

	noted   int64     // size of the checkpoint that stands beside the journal
	notedAt time.Time // when that was written, or tried

	args []driver.Value // of the last INSERT

	clearKeys bool // the journal has, or had, rows with personal values whose keys are stored as they came
	broken    bool // a transaction failed: tree and last must be read again before the next
}

// restore reads size, tree and cursors from the database.
func (w *writer) restore() error {
	if w.j.salvaged {
		return w.restoreSalvaged()
	}
	var s state
	max, err := w.db.Int("SELECT max(idx) FROM observation", -1)
	if err != nil {
		return err
	}
	s.size = max + 1
	tail, err := w.tailHashes(s.size)
	if err != nil {
		return err
	}
	if w.tree, err = evidence.Restore(s.size, w.store, tail); err != nil && !sqlog.IsMachine(err) {
		return damagedBy(err)
	} else if err != nil {
		return err
	}
	for _, class := range observation.Classes {
		if s.last[class], err = w.db.Int(fmt.Sprintf("SELECT idx FROM observation WHERE class=%d ORDER BY idx DESC LIMIT 1", class), -1); err != nil {
			return err
		}
		if s.acked[class], err = w.db.Int("SELECT acked FROM cursor WHERE class=?", -1, int64(class)); err != nil {
			return err
		}
	}
	if s.checkpoint, err = w.store.LatestCheckpoint(); err != nil {
		return err
	}
	w.last, w.acked, w.broken = s.last, s.acked, false
	w.j.mu.Lock()
	s.stats = w.j.state.stats
	w.j.state = s
	w.j.mu.Unlock()
	return nil
}

// tailHashes hashes the rows after the last full tile again.
func (w *writer) tailHashes(size int64) (tail []evidence.Hash, err error) {
	first := size - size%evidence.TileWidth
	err = queryRows(w.db, "WHERE idx>=? ORDER BY idx", func(r *Row) error {
		if want := first + int64(len(tail)); r.Idx != want {
			return message.Wrap(ErrDamaged, "journal.damaged-row", rowNumber(want))
		}
		leaf, err := w.hasher.Leaf(r.Idx, r.Record())
		tail = append(tail, leaf)
		return err
	}, first)
	return tail, err
}

func (w *writer) run() {
	defer close(w.j.done)
	timer := time.NewTicker(w.j.opts.SignEvery)
	defer timer.Stop()
	for {
		select {
		case r := <-w.j.requests:
			w.commit(w.gather(r))
		case <-timer.C:
			w.flushPeriodic()
		case <-w.j.stop:
			w.drain()
			return
		}
	}
}

// gather takes what else is waiting, so that a flood is committed in groups. It does not wait for more: while one group
// is on its way to the card, the next gathers in the queue, and waiting was measured to win nothing.
func (w *writer) gather(first *request) []*request {
	group, size := []*request{first}, first.size()
	for size < maxGroupBytes {
		select {
		case r := <-w.j.requests:
			group, size = append(group, r), size+r.size()
		default:
			return group
		}
	}
	return group
}

func (r *request) size() (n int) {
	for i := range r.rows {
		n += len(r.rows[i].Body)
	}
	return n
}

// drain commits what was handed over before Close, signs, and closes the database.
func (w *writer) drain() {
	for {
		select {
		case r := <-w.j.requests:
			w.commit(w.gather(r))
			continue
		default:
		}
		break
	}
	err := w.sign()
	if err == nil {
		err = errors.Join(w.writeCursors(), w.writeArrived())
	}
	w.noteBeside()
	w.j.closeErr = errors.Join(err, w.db.Close())
}

// flushPeriodic signs rows that no checkpoint covers yet and writes cursors that moved. After a failure it tries whether the
// disk takes a write again.
func (w *writer) flushPeriodic() {
	var err error
	if w.broken {
		err = w.probe()
	}
	if err == nil {
		err = errors.Join(w.sign(), w.writeCursors(), w.writeArrived())
	}
	if err != nil {
		w.markBroken(err)
		return
	}
	w.trouble(nil)
	if time.Since(w.notedAt) >= noteEvery {
		w.noteBeside()
	}
}

// probe reads the state again and writes something that changes nothing.
func (w *writer) probe() error {
	if err := w.restore(); err != nil {
		return err
	}
	return w.db.Tx(func() error { return w.db.Exec("UPDATE meta SET value=value WHERE key='schema'") })
}

// commit makes a group durable and releases its callers.
func (w *writer) commit(group []*request) {
	err := w.commitOnce(group)
	if err != nil && len(group) > 1 {
		// One request may be at fault, or the disk: each gets its own chance and its own answer.
		w.markBroken(nil)
		for _, r := range group {
			w.commit([]*request{r})
		}
		return
	}
	if err != nil {
		w.markBroken(err)
	} else {
		w.trouble(nil)
	}
	for _, r := range group {
		if err != nil {
			r.err, r.added = fmt.Errorf("journal: %w", err), 0
		}
		close(r.done)
	}
}

// markBroken notes that a transaction failed. err is why, nil when each request of the group is tried by itself.
func (w *writer) markBroken(err error) {
	w.broken = true
	w.j.mu.Lock()
	w.j.state.stats.Failures++
	w.j.mu.Unlock()
	if sqlog.IsMachine(err) { // not a request that was wrong
		w.trouble(err)
	}
	if isDamage(err) {
		w.j.noteDamage(err)
	}
}

// trouble notes why the disk takes nothing; nil when it does.
func (w *writer) trouble(err error) {
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	w.j.trouble = err
}

func (w *writer) commitOnce(group []*request) error {
	if w.broken {
		if err := w.restore(); err != nil {
			return err
		}
	}
	var checkpoint *evidence.SignedCheckpoint
	duplicates, added := uint64(0), Stats{}
	before := w.tree.Size()
	err := w.db.Tx(func() error {
		fresh, err := w.insert(group)
		if err != nil {
			return err
		}
		for _, r := range group {
			duplicates += uint64(len(r.rows) - r.added)
			if r.also != nil {
				if err := r.also(w.db); err != nil {
					return err
				}
			}
		}
		added = countRows(fresh)
		if len(fresh) > 0 && time.Since(w.signed) >= w.j.opts.SignEvery {
			checkpoint, err = w.signInTx()
		}
		return err
	})
	if err != nil {
		return err
	}
	w.publish(checkpoint, func(s *Stats) {
		s.Groups++
		s.Duplicates += duplicates
		s.Rows += uint64(w.tree.Size() - before)
		s.Alarms += added.Alarms
		s.Passages += added.Passages
	})
	for _, r := range group {
		if r.after != nil {
			r.err = r.after(w.db) // of that request alone: the others are durable
		}
	}
	return nil
}

// countRows counts what is in rows that are new.
func countRows(rows []*Row) (s Stats) {
	for _, r := range rows {
		if r.Class == observation.Class_CLASS_ALARM {
			s.Alarms++
		}
		if r.Kind == observation.Kind_KIND_PASSAGE_CLOSED {
			s.Passages++
		}
	}
	return s
}

// publish shows readers what has become durable.
func (w *writer) publish(checkpoint *evidence.SignedCheckpoint, count func(*Stats)) {
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	s := &w.j.state
	s.size, s.last = w.tree.Size(), w.last
	if checkpoint != nil {
		s.checkpoint = *checkpoint
	}
	count(&s.stats)
	close(w.j.changed)
	w.j.changed = make(chan struct{})
}

// sign makes and files a checkpoint over all rows when the newest does not cover them.
func (w *writer) sign() error {
	if w.j.salvaged || w.tree.Size() == w.j.snapshot().checkpoint.Size {
		return nil
	}
	var c *evidence.SignedCheckpoint
	if err := w.db.Tx(func() (err error) {
		c, err = w.signInTx()
		return err
	}); err != nil {
		return err
	}
	w.publish(c, func(*Stats) {})
	return nil
}

func (w *writer) signInTx() (*evidence.SignedCheckpoint, error) {
	w.signed = time.Now()
	signed, err := evidence.Checkpoint{Origin: w.j.identity.Origin(), Size: w.tree.Size(), Root: w.tree.Root()}.Sign(w.j.signer)
	if err != nil {
		return nil, err
	}
	c := evidence.SignedCheckpoint{Size: w.tree.Size(), Note: signed, Leaves: w.tree.Tail()}
	if err := w.store.AddCheckpoint(c); err != nil {
		return nil, err
	}
	c.Leaves = nil // the tree goes on using them
	return &c, nil
}

func (w *writer) writeCursors() error {
	acked := w.j.snapshot().acked
	if acked == w.acked {
		return nil
	}
	err := w.db.Tx(func() error {
		for _, class := range observation.Classes {
			if err := w.db.Exec("INSERT OR REPLACE INTO cursor(class, acked) VALUES(?,?)", int64(class), acked[class]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		w.acked = acked
	}
	return err
}

// rowNumber returns an argument that is a row's idx, without marks between thousands.
func rowNumber(idx int64) message.Arg { return message.String("row", strconv.FormatInt(idx, 10)) }
