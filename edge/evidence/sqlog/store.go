package sqlog

import (
	"database/sql/driver"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
	"lanewarden/edge/evidence"
)

// Schema of the tables that a Store uses; owner is "" in a database of one log, or the definition of the column that
// tells many logs apart, with its comma.
func Schema(owner string) string {
	key := ""
	if owner != "" {
		key = "owner, "
		owner = "owner INTEGER NOT NULL, "
	}
	return fmt.Sprintf(`
CREATE TABLE IF NOT EXISTS tile(%[1]slevel INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL,
	PRIMARY KEY(%[2]slevel, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoint(%[1]ssize INTEGER NOT NULL, note TEXT NOT NULL, leaves BLOB NOT NULL,
	PRIMARY KEY(%[2]ssize)) WITHOUT ROWID;
`, owner, key)
}

// Store keeps one log's tiles and checkpoints in a database. It implements evidence.Log's part of
// them.
type Store struct {
	db    Conn
	where string         // "" or "owner=? AND "
	owner []driver.Value // its argument
}

// Conn runs statements, as a DB does: one of SQLite or of another database with the same tables.
type Conn interface {
	// Exec runs a statement that gives no rows.
	Exec(query string, args ...driver.Value) error
	// Query calls f with each row; the row's slice is reused, its blobs and strings are not. f must not use the Conn.
	Query(query string, f func(row []driver.Value) error, args ...driver.Value) error
}

// NewStore returns the store of the only log in db.
func NewStore(db *DB) *Store { return &Store{db: db} }

// NewOwnedStore returns the store of one of many logs in db.
func NewOwnedStore(db Conn, owner int64) *Store {
	return &Store{db: db, where: "owner=? AND ", owner: []driver.Value{owner}}
}

// args returns the owner, if there is one, and more arguments, in the order of the statements'
// marks.
func (s *Store) args(more ...driver.Value) []driver.Value {
	return append(append(make([]driver.Value, 0, 4), s.owner...), more...)
}

// insert writes a row of three columns, replacing the one with its key; replace says what of that is replaced.
func (s *Store) insert(table, key, columns, replace string, values ...driver.Value) error {
	marks := "?,?,?"
	if s.owner != nil {
		key, columns, marks = "owner, "+key, "owner, "+columns, "?,?,?,?"
	}
	return s.db.Exec("INSERT INTO "+table+"("+columns+") VALUES("+marks+") ON CONFLICT("+key+") DO UPDATE SET "+replace,
		s.args(values...)...)
}

// AddTiles files tiles that became full. Call it inside the transaction that files their rows.
func (s *Store) AddTiles(tiles []evidence.Tile) error {
	for _, t := range tiles {
		err := s.insert("tile", "level, n", "level, n, hashes", "hashes=excluded.hashes",
			int64(t.Level), t.N, evidence.EncodeHashes(t.Hashes))
		if err != nil {
			return err
		}
	}
	return nil
}

// AddCheckpoint files a checkpoint and drops the smaller one of the same tile, which it covers.
func (s *Store) AddCheckpoint(c evidence.SignedCheckpoint) error {
	first := c.Size - c.Size%evidence.TileWidth
	if err := s.db.Exec("DELETE FROM checkpoint WHERE "+s.where+"size >= ? AND size < ?", s.args(first, c.Size)...); err != nil {
		return err
	}
	return s.insert("checkpoint", "size", "size, note, leaves", "note=excluded.note, leaves=excluded.leaves", c.Size, c.Note, evidence.EncodeHashes(c.Leaves))
}

// Tile returns a full tile's hashes, or evidence.ErrNoTile.
func (s *Store) Tile(level int, n int64) (hashes []tlog.Hash, err error) {
	err = s.db.Query("SELECT hashes FROM tile WHERE "+s.where+"level=? AND n=?", func(row []driver.Value) (err error) {
		hashes, err = evidence.DecodeHashes(Bytes(row[0]))
		return err
	}, s.args(int64(level), n)...)
	switch {
	case err != nil:
		return nil, coded.New("evidence.tile", coded.Number("level", level), coded.Number("tile", n), coded.CausedBy(err))
	case hashes == nil:
		return nil, evidence.ErrNoTile
	case len(hashes) != evidence.TileWidth:
		return nil, coded.New("evidence.tile-width", coded.Number("level", level), coded.Number("tile", n),
			coded.Value("n", len(hashes)), coded.Number("want", evidence.TileWidth))
	}
	return hashes, nil
}

// Checkpoints returns all checkpoints, smallest first.
func (s *Store) Checkpoints() (out []evidence.SignedCheckpoint, err error) {
	err = s.checkpoints("ORDER BY size", func(c evidence.SignedCheckpoint) { out = append(out, c) })
	return out, err
}

// LatestCheckpoint returns the largest checkpoint; its Size is 0 when there is none.
func (s *Store) LatestCheckpoint() (c evidence.SignedCheckpoint, err error) {
	err = s.checkpoints("ORDER BY size DESC LIMIT 1", func(one evidence.SignedCheckpoint) { c = one })
	return c, err
}

// checkpoints calls f for each checkpoint, in an order (SQL).
func (s *Store) checkpoints(order string, f func(evidence.SignedCheckpoint)) error {
	return s.db.Query("SELECT size, note, leaves FROM checkpoint WHERE "+s.where+"1=1 "+order, func(row []driver.Value) error {
		leaves, err := evidence.DecodeHashes(Bytes(row[2]))
		if err != nil {
			return coded.New("evidence.checkpoint-at", coded.Number("size", Int64(row[0])), coded.CausedBy(err))
		}
		f(evidence.SignedCheckpoint{Size: Int64(row[0]), Note: Text(row[1]), Leaves: leaves})
		return nil
	}, s.args()...)
}
