package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// A journal that was set aside is sent to the hub as what it is: a journal of its own, with its own proofs, from
// where the hub's cursors of it stand. So nothing comes twice, and what was acknowledged to devices reaches the
// centre. It is read from a copy of what of the damaged database can be read; rows that cannot are sent as their
// leaf hashes.

const (
	salvageDir  = "salvaged" // in the folder of the damaged database: the copy
	salvageDone = "sent"     // file there: the hub has all that could be read
)

// salvageSchema is in a copy beside the journal's tables.
const salvageSchema = `CREATE TABLE IF NOT EXISTS unreadable(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL);`

// Salvage is what was read of a journal that was set aside.
type Salvage struct {
	*Journal
	Rows, Lost int64 // rows that were read, rows that could not be
	Fork       bool  // the hub holds another past of it, and takes it as a journal of its own
	aside      string
}

// Asides returns the folders of journals that were set aside and that the hub does not have yet, those of each kind
// oldest first.
func Asides(dir string) (out []string, err error) {
	damaged, err := filepath.Glob(filepath.Join(dir, damagedPrefix+"*"))
	if err != nil {
		return nil, err
	}
	refused, err := filepath.Glob(filepath.Join(dir, refusedPrefix+"*"))
	for _, aside := range append(damaged, refused...) {
		if _, err := os.Stat(filepath.Join(aside, salvageDone)); err != nil {
			out = append(out, aside)
		}
	}
	return out, err
}

// OpenSalvaged opens what can be read of the journal that was set aside in a folder of dir, the journal's
// directory, to be sent to the hub. Nothing can be committed to it. It returns ErrDamaged when not even whose
// journal it is can be read.
func OpenSalvaged(ctx context.Context, dir, aside string, opts Options) (*Salvage, error) {
	copied := filepath.Join(aside, salvageDir)
	path := filepath.Join(copied, FileName)
	if _, err := os.Stat(path); err != nil {
		if err := salvage(ctx, filepath.Join(aside, FileName), copied); err != nil {
			return nil, err
		}
	}
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return nil, err
	}
	j := newJournal(copied, opts, nil)
	j.artifacts, j.salvaged, j.opts.Beside, j.column = dir, true, "", "sealed"
	w := &writer{j: j, db: db, store: sqlog.NewStore(db)}
	if err = prepare(db); err == nil {
		j.identity, err = loadIdentity(db, opts, "")
	}
	if err == nil {
		j.sealer = sealerOf(dir, j.identity)
		err = w.restoreSalvaged()
	}
	if err == nil {
		j.read, err = sqlog.Open(path, sqlog.ReadOnly)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Salvage{Journal: j, Fork: strings.HasPrefix(filepath.Base(aside), refusedPrefix), aside: aside}
	err = s.count(db)
	go w.run()
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return s, nil
}

// count counts what was read and what was not. Rows that had been removed to make room are neither.
func (s *Salvage) count(db *sqlog.DB) (err error) {
	if s.Rows, err = db.Int("SELECT count(*) FROM observation", 0); err != nil {
		return err
	}
	s.Lost = s.Size() - s.Rows
	removed, err := declaredRemoved(db)
	for _, r := range removed {
		s.Lost -= r.Last - r.First + 1
	}
	return err
}

// Sent notes that the hub has all of it: it is not opened again. The damaged database stays for a person to look at.
func (s *Salvage) Sent() error {
	return os.WriteFile(filepath.Join(s.aside, salvageDone), nil, 0o640)
}

// salvage copies what can be read of a damaged database into a new one in the folder to.
func salvage(ctx context.Context, damaged, to string) error {
	if err := os.RemoveAll(to); err != nil { // of a copy that was broken off
		return err
	}
	making := to + ".new"
	if err := errors.Join(os.RemoveAll(making), sqlog.MakeDir(making)); err != nil {
		return err
	}
	mended := filepath.Join(making, "mended.db")
	if err := mend(damaged, mended); err != nil {
		return err
	}
	from, err := sqlog.Open(mended, sqlog.ReadOnly)
	if err != nil {
		return damagedBy(err)
	}
	defer from.Close()
	into, err := sqlog.Open(filepath.Join(making, FileName), sqlog.ReadWrite)
	if err != nil {
		return err
	}
	err = into.Script(schema + salvageSchema)
	if err == nil {
		err = (&copier{ctx: ctx, from: from, into: into}).all()
	}
	if err = errors.Join(err, into.Close()); err != nil {
		return err
	}
	for _, path := range []string{mended, mended + "-wal", mended + "-shm"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(os.Rename(making, to), sqlog.SyncDir(filepath.Dir(to)))
}

// copier copies table by table what can be read.
type copier struct {
	ctx        context.Context
	from, into *sqlog.DB
	hasher     *evidence.Hasher
	tile       []evidence.Hash // leaf hashes on record of tile number
	number     int64
	newest     evidence.SignedCheckpoint // that can be read
	removed    evidence.Ranges           // declared removed, from the row at hand on
	column     string                    // sealedColumn of from
}

func (c *copier) all() error {
	meta, err := readMeta(c.from)
	if err != nil || len(meta["journal_id"]) != 16 || len(meta["journal_key"]) != 32 {
		return errors.Join(message.Wrap(ErrDamaged, "journal.damaged-meta"), err)
	}
	meta["schema"] = []byte(schemaVersion)
	if err := insertMeta(c.into, meta); err != nil {
		return err
	}
	c.hasher, c.number = evidence.NewHasher(meta["journal_key"]), -1
	if c.column, err = sealedColumn(c.from); err != nil && !sqlog.IsCorrupt(err) {
		return err
	}
	if err := c.evidence(); err != nil {
		return err
	}
	if err := c.artifacts(); err != nil {
		return err
	}
	removed, err := declaredRemoved(c.from)
	if err != nil && !sqlog.IsCorrupt(err) {
		return err
	}
	c.removed = removed
	size, err := c.from.Int("SELECT max(idx)+1 FROM observation", 0)
	if err != nil {
		size = 0
	}
	tiles, err := c.into.Int("SELECT (max(n)+1)*256 FROM tile WHERE level=0", 0)
	if err != nil {
		return err
	}
	return c.rows(0, max(size, tiles, c.newest.Size)-1)
}

// artifacts copies what is known of artifacts. A journal of schema 2 does not say whether they are of an alarm.
func (c *copier) artifacts() error {
	columns := "sha256, size, media_type, inline, state, rank, idx, alarm"
	old, err := c.from.Int("SELECT count(*)=0 FROM pragma_table_info('artifact') WHERE name='alarm'", 0)
	if err == nil && old != 0 {
		columns = strings.TrimSuffix(columns, ", alarm")
	}
	return c.table("artifact", columns, strings.Count(columns, ",")+1)
}

// evidence copies tiles and checkpoints.
func (c *copier) evidence() (err error) {
	err = errors.Join(c.table("tile", "level, n, hashes", 3), c.table("checkpoint", "size, note, leaves", 3))
	if err != nil {
		return err
	}
	c.newest, err = sqlog.NewStore(c.into).LatestCheckpoint()
	return err
}

// table copies the rows of a table that can be read, up to the first that cannot.
func (c *copier) table(name, columns string, n int) error {
	return c.into.Tx(func() error {
		var failed error
		insert := insertOrIgnore(name, columns)
		err := c.from.Query("SELECT "+columns+" FROM "+name, func(row []driver.Value) error {
			failed = c.into.Exec(insert, row[:n]...)
			return errors.Join(failed, c.ctx.Err())
		})
		if failed != nil || c.ctx.Err() != nil {
			return errors.Join(failed, c.ctx.Err())
		}
		if err != nil && !sqlog.IsCorrupt(err) {
			return err
		}
		return nil
	})
}

// copyRows is the number of rows that are copied in one transaction.
const copyRows = 2000

// rows copies the rows from first to last. Where some cannot be read it halves, down to single rows.
func (c *copier) rows(first, last int64) error {
	for ; first <= last; first += copyRows {
		end := min(first+copyRows-1, last)
		if err := c.into.Tx(func() error { return c.span(first, end) }); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

func (c *copier) span(first, last int64) error {
	var rows []Row
	err := queryWhole(c.from, nil, c.column, "WHERE idx>=? AND idx<=? ORDER BY idx", func(r *Row) error {
		rows = append(rows, *r)
		return c.ctx.Err()
	}, first, last)
	switch {
	case err == nil:
		return c.keep(rows, first, last)
	case !sqlog.IsCorrupt(err):
		return err
	case first == last:
		return c.keep(nil, first, last)
	}
	middle := first + (last-first)/2
	return errors.Join(c.span(first, middle), c.span(middle+1, last))
}

// keep copies rows that were read and are those that were hashed, and notes the others from first to last.
func (c *copier) keep(rows []Row, first, last int64) error {
	for idx := first; idx <= last; idx++ {
		leaf, known := c.leaf(idx)
		if len(rows) > 0 && rows[0].Idx == idx {
			r := rows[0]
			rows = rows[1:]
			have, err := c.hasher.Leaf(idx, r.Record())
			if err == nil && (known && have == leaf || !known && plausible(&r)) {
				if err := c.into.Exec(insertOne, r.appendColumns(nil)...); err != nil {
					return err
				}
				continue
			}
		}
		if known && !c.removed.Reach(idx) {
			if err := c.into.Exec("INSERT INTO unreadable(idx, leaf) VALUES(?,?)", idx, leaf[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// plausible reports whether a row whose hash is not on record can be what was written: a page of which a part was
// overwritten gives rows of zeros and of other rows' ends.
func plausible(r *Row) bool {
	var body observation.Body
	return slices.Contains(observation.Classes[:], r.Class) && r.Prev < r.Idx && proto.Unmarshal(r.Public(), &body) == nil &&
		body.Kind() == r.Kind && r.Kind != observation.Kind_KIND_UNSPECIFIED
}

// leaf returns the leaf hash on record of a row, from its tile or from the newest checkpoint.
func (c *copier) leaf(idx int64) (leaf evidence.Hash, known bool) {
	if n := idx / evidence.TileWidth; n != c.number {
		c.number, c.tile = n, nil
		if tile, err := sqlog.NewStore(c.into).Tile(0, n); err == nil {
			c.tile = tile
		} else if n == c.newest.Size/evidence.TileWidth {
			c.tile = c.newest.Leaves
		}
	}
	at := int(idx % evidence.TileWidth)
	if at >= len(c.tile) {
		return leaf, false
	}
	return c.tile[at], true
}

// restoreSalvaged reads what there is. The hub knows how far it has it.
func (w *writer) restoreSalvaged() (err error) {
	var s state
	for _, class := range observation.Classes {
		s.last[class], err = w.db.Int("SELECT max(idx) FROM observation WHERE class=?", -1, int64(class))
		if err != nil {
			return err
		}
		s.acked[class] = -1
		s.size = max(s.size, s.last[class]+1)
	}
	lost, err := w.db.Int("SELECT max(idx) FROM unreadable", -1)
	if err != nil {
		return err
	}
	s.last[unreadableClass] = max(s.last[unreadableClass], lost)
	if s.checkpoint, err = w.store.LatestCheckpoint(); err != nil {
		return err
	}
	s.size = max(s.size, lost+1, s.checkpoint.Size)
	w.last, w.acked, w.broken = s.last, s.acked, false
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	w.j.state = s
	return nil
}

// unreadableClass is the class as which rows are sent that could not be read: of which they are is not known. It
// is the last on the link.
const unreadableClass = observation.Class_CLASS_TELEMETRY

// Adopt makes the artifacts of a salvaged journal that the hub holds known to this one, so that they can be removed to
// make room.
func (j *Journal) Adopt(ctx context.Context, s *Salvage) error {
	const columns = "sha256, size, media_type, inline, state, rank, idx, alarm"
	var all [][]driver.Value
	err := s.read.Query(`SELECT sha256, size, media_type, NULL, state, rank, -1, alarm FROM artifact
		WHERE state=2 AND inline IS NULL`, func(c []driver.Value) error {
		all = append(all, slices.Clone(c))
		return nil
	})
	if err != nil {
		return err
	}
	return j.do(ctx, &request{also: func(db *sqlog.DB) error {
		for _, row := range all {
			if err := db.Exec(insertOrIgnore("artifact", columns), row...); err != nil {
				return err
			}
		}
		return nil
	}})
}

func insertOrIgnore(table, columns string) string {
	return "INSERT OR IGNORE" + strings.TrimPrefix(sqlog.Insert(table, columns, 1), "INSERT")
}
