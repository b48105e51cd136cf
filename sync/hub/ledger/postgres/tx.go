package postgres

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/ledger/tables"
)

// Writes are kept back and sent together, as a round trip to the server costs more than a statement: rows by one COPY,
// statements as one pipeline.
const (
	queuedMax    = 1000    // statements
	copyMaxBytes = 8 << 20 // of rows, encoded for COPY
)

// tx is a transaction under way. It implements store.Tx.
type tx struct {
	tables.Tx
	ctx    context.Context
	conn   *pgx.Conn
	floor  int64      // the least seq of a row that is added now, less one: that of the month
	newest int64      // seq of the last row that was added, 0 for none
	epochs int64      // as the head of the feed says, when a row was added
	queue  *pgx.Batch // statements that were not sent yet
	copy   []copied   // rows that were not sent yet
	bytes  int        // of those
}

// copied is a row that waits for its COPY.
type copied struct {
	owner int64
	row   store.Row
	fresh bool // no row of this index can be there
}

// Exec implements tables.Conn: the statement is sent with the next ones, and its error is theirs.
func (t *tx) Exec(text string, args ...driver.Value) error {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	t.queue.Queue(number(text), all...)
	if t.queue.Len() >= queuedMax {
		return t.flush()
	}
	return nil
}

// Query implements tables.Conn. What is kept back goes first.
func (t *tx) Query(text string, f func([]driver.Value) error, args ...driver.Value) error {
	if err := t.flush(); err != nil {
		return err
	}
	return t.explained(query(t.ctx, t.conn, text, f, args))
}

// now runs a statement at once that is none of the ledger's.
func (t *tx) now(text string) error {
	_, err := t.conn.Exec(t.ctx, text)
	return t.explained(err)
}

func (t *tx) explained(err error) error { return explained(err, t.conn.IsClosed()) }

// flush sends what is kept back. No statement depends on rows that were added after it.
func (t *tx) flush() error {
	if err := t.sendRows(); err != nil {
		return t.explained(err)
	}
	if t.queue.Len() == 0 {
		return nil
	}
	queue := t.queue
	t.queue = &pgx.Batch{}
	return t.explained(t.conn.SendBatch(t.ctx, queue).Close())
}

// discard forgets what is kept back.
func (t *tx) discard() { t.queue, t.copy, t.bytes = &pgx.Batch{}, nil, 0 }

// Savepoint implements store.Tx.
func (t *tx) Savepoint(f func() error) error {
	err := t.flush()
	if err == nil {
		err = t.now("SAVEPOINT part")
	}
	if err != nil {
		return err
	}
	newest := t.newest
	if err = f(); err == nil {
		err = t.flush()
	}
	if err == nil {
		return t.now("RELEASE SAVEPOINT part")
	}
	t.discard()
	t.newest = newest
	if undo := t.now("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"); undo != nil {
		return undo // the transaction is lost, whatever was wrong with its part
	}
	return err
}

// AddRows implements store.Rows.
func (t *tx) AddRows(owner int64, _ observation.Class, rows []store.Row, held int64) error {
	for i := range rows {
		t.copy = append(t.copy, copied{owner, rows[i], rows[i].Idx > held})
		t.bytes += rowBytes + len(rows[i].Device) + len(rows[i].Body) + len(rows[i].Sealed)
	}
	if t.bytes >= copyMaxBytes {
		return t.flush()
	}
	return nil
}

// sendRows numbers the rows that are kept back and copies them into the table. The head of the feed is locked from then
// on until the commit, so that rows appear in the order of their numbers.
func (t *tx) sendRows() error {
	if len(t.copy) == 0 {
		return nil
	}
	rows := t.copy
	t.copy = nil
	if err := t.refuseHeld(rows); err != nil {
		return err
	}
	const moveHead = "UPDATE ledger SET seq=greatest(seq, $1)+$2 RETURNING seq, epochs"
	err := t.conn.QueryRow(t.ctx, moveHead, t.floor, int64(len(rows))).
		Scan(&t.newest, &t.epochs)
	if err != nil {
		return err
	}
	text := encodeRows(rows, t.newest-int64(len(rows)), t.bytes)
	t.bytes = 0
	_, err = t.conn.PgConn().CopyFrom(t.ctx, bytes.NewReader(text),
		"COPY observation("+tables.ColumnList+") FROM STDIN (FORMAT binary)")
	return err
}

// refuseHeld returns an error when one of the rows is there already. Only the lock on its journal, which this
// transaction has, makes that certain: an index over all partitions cannot be unique.
func (t *tx) refuseHeld(rows []copied) error {
	type place struct{ owner, idx int64 }
	var owners, idx []int64
	asked := map[place]bool{}
	for _, r := range rows {
		if !r.fresh {
			owners, idx = append(owners, r.owner), append(idx, r.row.Idx)
			asked[place{r.owner, r.row.Idx}] = false
		}
	}
	for i := 0; len(asked) > 0 && i < len(rows); i++ {
		at := place{rows[i].owner, rows[i].row.Idx}
		twice, isAsked := asked[at]
		if twice {
			return fmt.Errorf("row %d comes twice: %w", at.idx, store.ErrConstraint)
		}
		if isAsked {
			asked[at] = true
		}
	}
	if len(owners) == 0 {
		return nil
	}
	found := int64(-1)
	err := t.conn.QueryRow(t.ctx, `SELECT o.idx FROM unnest($1::bigint[], $2::bigint[]) AS r(owner, idx)
		JOIN observation o ON o.owner=r.owner AND o.idx=r.idx LIMIT 1`, owners, idx).Scan(&found)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("row %d is there: %w", found, store.ErrConstraint)
}

// rowBytes is the length of a row in COPY's binary format, but for what varies: 9 lengths, five numbers, the number of
// fields.
const rowBytes = 2 + 9*4 + 8 + 8 + 8 + 2 + 8 + 4

// encodeRows returns rows in COPY's binary format (PostgreSQL 15, COPY, "Binary Format"), numbered on from seq.
func encodeRows(rows []copied, seq int64, size int) []byte {
	out := make([]byte, 0, size+32)
	out = append(out, "PGCOPY\n\xff\r\n\x00"...)
	out = append(out, make([]byte, 8)...) // no flags, no extension
	for i := range rows {
		r := &rows[i].row
		seq++
		out = binary.BigEndian.AppendUint16(out, 9)
		out = appendInt64(out, seq)
		out = appendInt64(out, rows[i].owner)
		out = appendInt64(out, r.Idx)
		out = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(out, 2), uint16(r.Class))
		out = appendInt64(out, r.TimeNs)
		out = appendField(out, r.Device)
		out = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(out, 4), uint32(r.Kind))
		out = appendField(out, r.Body)
		if r.Sealed == nil {
			out = binary.BigEndian.AppendUint32(out, 1<<32-1) // NULL
		} else {
			out = appendField(out, r.Sealed)
		}
	}
	return binary.BigEndian.AppendUint16(out, 1<<16-1)
}

func appendInt64(out []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(out, 8), uint64(v))
}

func appendField[T string | []byte](out []byte, v T) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...)
}

// Stale implements store.Journals. Journals are locked in the order of their numbers, so that two processes do not wait
// for each other.
func (t *tx) Stale(held map[string]int64) (stale []string, err error) {
	ids := make([][]byte, 0, len(held))
	for id := range held {
		ids = append(ids, []byte(id))
	}
	there := map[string]int64{}
	const locked = "SELECT journal, version FROM journal WHERE journal=ANY(?) ORDER BY id FOR UPDATE"
	err = t.Query(locked, func(r []driver.Value) error {
		there[string(r[0].([]byte))] = r[1].(int64)
		return nil
	}, ids)
	for id, version := range held {
		if now, ok := there[id]; version >= 0 && (!ok || now != version) {
			stale = append(stale, id)
		}
	}
	return stale, err
}

// errOvertaken says that another hub process has just entered the same journal or agent.
var errOvertaken = &store.MachineError{Err: errors.New("another hub process has just entered it too"), Again: true}

// AddJournal implements store.Journals.
func (t *tx) AddJournal(j *store.Journal) error {
	var forkOf any
	if j.ForkOf != nil {
		forkOf = j.ForkOf
	}
	return t.enter(`INSERT INTO journal(journal, site, agent, blind_key, verifier, software, inventory, hello, size, tree, tail,
		verified, refused, fork_of) VALUES(?,?,?,?,?,'','',0,0,0,'',0,'',?) ON CONFLICT DO NOTHING RETURNING id`,
		j.Journal, j.Site, j.Agent, append([]byte{}, j.BlindKey...), j.Verifier, forkOf)
}

// PinKey implements store.Keys.
func (t *tx) PinKey(of store.Sender, verifier string) error {
	return t.enter("INSERT INTO agent(site, agent, verifier) VALUES(?,?,?) ON CONFLICT DO NOTHING RETURNING 1",
		of.Site, of.Agent, verifier)
}

// enter runs an INSERT that gives a row unless another process was first.
func (t *tx) enter(insert string, args ...driver.Value) error {
	entered := false
	err := t.Query(insert, func([]driver.Value) error {
		entered = true
		return nil
	}, args...)
	if err == nil && !entered {
		err = errOvertaken
	}
	return err
}

// SaveStates implements store.Journals, in two statements for all.
func (t *tx) SaveStates(changed []store.Changed) error {
	var ids, trees, verified, owners, classes, idx []int64
	var tails [][]byte
	var refused []string
	for i := range changed {
		c := &changed[i]
		ids, trees, verified = append(ids, c.ID), append(trees, c.Tree), append(verified, c.Verified)
		tails, refused = append(tails, append([]byte{}, c.Tail...)), append(refused, c.Refused)
		for _, class := range c.Moved {
			owners, classes, idx = append(owners, c.ID), append(classes, int64(class)), append(idx, c.Cursors[class])
		}
	}
	err := t.Exec(`UPDATE journal j SET tree=u.tree, tail=u.tail, verified=u.verified, refused=u.refused, version=j.version+1
		FROM unnest(?1::bigint[], ?2::bigint[], ?3::bytea[], ?4::bigint[], ?5::text[]) AS u(id, tree, tail, verified, refused)
		WHERE j.id=u.id`, ids, trees, tails, verified, refused)
	if err != nil || len(owners) == 0 {
		return err
	}
	return t.Exec(`INSERT INTO cursor(owner, class, idx) SELECT * FROM unnest(?1::bigint[], ?2::smallint[], ?3::bigint[])
		ON CONFLICT(owner, class) DO UPDATE SET idx=excluded.idx`, owners, classes, idx)
}

// derivedWords are what a schema of derived tables has for words of both databases.
var derivedWords = strings.NewReplacer("BYTES", "BYTEA", "CLUSTERED", "")

// CreateTables implements store.Derived.
func (t *tx) CreateTables(schema string) error {
	if err := t.flush(); err != nil {
		return err
	}
	return t.now(derivedWords.Replace(schema))
}

// AddAll implements store.Derived.
func (t *tx) AddAll(table, columns string, rows [][]driver.Value) error {
	return tables.AddAll(t, "INSERT", table, columns, rows)
}

// deriveLock is the advisory lock of whoever derives tables.
const deriveLock = 0x76696577 // "view"

// Alone implements store.Derived.
func (t *tx) Alone() (alone bool, err error) {
	err = t.Query("SELECT pg_try_advisory_xact_lock(?)", func(r []driver.Value) error {
		alone = sqlog.Int64(r[0]) != 0
		return nil
	}, int64(deriveLock))
	return alone, err
}

// Erased implements store.Derived.
func (t *tx) Erased(after, upTo, sealed int64) (erased bool, err error) {
	const left = "SELECT count(*) FROM observation WHERE seq>? AND seq<=? AND sealed IS NOT NULL"
	err = t.Query(left, func(r []driver.Value) error {
		erased = sqlog.Int64(r[0]) != sealed
		return nil
	}, after, upTo)
	return erased, err
}

// Derived implements store.Store.
func (s *Store) Derived() sqlog.Conn { return newReader(s.ctx, s.pool) }

// Erasing implements store.Eraser. Old versions of rows stay in the files until VACUUM: docs/privacy.md.
func (t *tx) Erasing(f func() error) error { return f() }

// SealedRows implements store.Eraser.
func (t *tx) SealedRows(owner int64, rows []int64, sharedBy int64, limit int) ([]store.OwnedRow, error) {
	return t.SealedAmong("o.idx=ANY(?2)", owner, rows, sharedBy, limit)
}
