package journal

import (
	"errors"
	"fmt"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// schemaVersion is in meta; a journal of another version is refused, not guessed at.
const schemaVersion = "4"

// schema is documented in docs/journal.md.
var schema = `
CREATE TABLE IF NOT EXISTS observation(
	idx    INTEGER PRIMARY KEY,  -- 0,1,2,... without holes: the leaf index of the evidence log
	class  INTEGER NOT NULL,     -- 1 alarm, 2 event, 3 telemetry
	prev   INTEGER NOT NULL,     -- idx of the previous row of the same class, -1 for the first
	t      INTEGER NOT NULL,     -- phenomenon time, ns UTC
	device TEXT NOT NULL,
	kind   INTEGER NOT NULL,
	key    TEXT,                 -- the source's own identity of the event, or NULL; hashed where sealed is not NULL
	body   BLOB NOT NULL,        -- the exact protobuf bytes that were hashed: without personal values
	sealed BLOB                  -- those, encrypted; NULL where there are none, or they are erased
);
CREATE INDEX IF NOT EXISTS observation_alarm ON observation(idx) WHERE class=1;
CREATE INDEX IF NOT EXISTS observation_event ON observation(idx) WHERE class=2;
CREATE UNIQUE INDEX IF NOT EXISTS observation_key ON observation(device, key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS observation_pruned ON observation(idx) WHERE kind=56;
CREATE TABLE IF NOT EXISTS pruned_key(hash BLOB PRIMARY KEY) WITHOUT ROWID;  -- of device and key of removed rows
CREATE TABLE IF NOT EXISTS artifact(
	sha256     BLOB PRIMARY KEY,
	size       INTEGER NOT NULL,
	media_type TEXT NOT NULL,
	inline     BLOB,                -- the bytes, up to 64 KiB, encrypted; larger ones are files under artifacts/
	state      INTEGER NOT NULL,    -- 0 stored, named by no row yet; 1 waits for the hub; 2 the hub holds it; 3, 4 removed
	rank       INTEGER NOT NULL DEFAULT 0,  -- order on the link: class of the first row that names it, + 4 for a file
	idx        INTEGER NOT NULL DEFAULT -1, -- of that row
	alarm      INTEGER NOT NULL DEFAULT 0   -- 1: of an alarm, or of a vehicle with one
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor(class INTEGER PRIMARY KEY, acked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
` + sqlog.Schema("")

// indexes are made after the migrations. A new one is the last: the tables of older journals begin on the pages on which
// they begin here (see freshPage).
const indexes = `CREATE INDEX IF NOT EXISTS artifact_waiting ON artifact(rank, idx, size) WHERE state=1;
CREATE INDEX IF NOT EXISTS artifact_held ON artifact(alarm, idx) WHERE state=2;
CREATE INDEX IF NOT EXISTS observation_case ON observation(idx) WHERE kind IN (67,68,69);
CREATE INDEX IF NOT EXISTS observation_passage ON observation(kind, idx) WHERE kind IN (49,50,52);`

// prepare makes the tables, or those of an older journal into them.
func prepare(db *sqlog.DB) error {
	old, err := db.Int("SELECT count(*) FROM sqlite_master WHERE name='meta'", 0)
	if err != nil {
		return err
	}
	if old > 0 {
		meta, err := readMeta(db)
		if err != nil {
			return err
		}
		if version := string(meta["schema"]); version == "1" {
			if err := migrate1(db); err != nil {
				return message.Wrap(err, "journal.migration", message.Int("to", 2), message.Int("from", 1))
			}
			meta["schema"] = []byte("2")
		}
		if version := string(meta["schema"]); version == "2" {
			if err := migrate2(db); err != nil {
				return message.Wrap(err, "journal.migration", message.Int("to", 3), message.Int("from", 2))
			}
			meta["schema"] = []byte("3")
		}
		if version := string(meta["schema"]); version == "3" {
			if err := migrate3(db); err != nil {
				return message.Wrap(err, "journal.migration", message.Int("to", 4), message.Int("from", 3))
			}
		}
	}
	if err := db.Script(schema); err != nil {
		return err
	}
	return db.Script(indexes)
}

// migrate1 adds the queue of artifacts, and fills it: in schema 1 none had left the lane.
func migrate1(db *sqlog.DB) error {
	return db.Tx(func() error {
		for _, s := range []string{
			"ALTER TABLE artifact ADD COLUMN rank INTEGER NOT NULL DEFAULT 0", "ALTER TABLE artifact ADD COLUMN idx INTEGER NOT NULL DEFAULT -1",
			"UPDATE meta SET value=CAST('2' AS BLOB) WHERE key='schema'",
		} {
			if err := db.Exec(s); err != nil {
				return err
			}
		}
		for next := int64(0); ; {
			var named []Row
			err := queryRows(db, "WHERE idx>=? ORDER BY idx LIMIT 1000", func(r *Row) (err error) {
				next = r.Idx + 1
				r.artifacts, err = observation.ArtifactsIn(r.Body)
				r.Body = nil
				named = append(named, *r)
				return err
			}, next)
			if err != nil || len(named) == 0 {
				return err
			}
			for _, r := range named {
				for _, a := range r.artifacts {
					if err := queueArtifact(db, a, r.Class, r.Idx); err != nil {
						return err
					}
				}
			}
		}
	})
}

// migrate2 adds to artifacts whether they are of a vehicle with an alarm: those are the last that are removed.
func migrate2(db *sqlog.DB) error {
	return db.Tx(func() error {
		err := errors.Join(
			db.Exec("ALTER TABLE artifact ADD COLUMN alarm INTEGER NOT NULL DEFAULT 0"),
			db.Exec(fmt.Sprintf("UPDATE artifact SET alarm=1 WHERE rank%%%d=%d", fileRank, observation.Class_CLASS_ALARM)))
		if err != nil {
			return err
		}
		var named [][]byte
		err = queryRows(db, fmt.Sprintf("WHERE class=%d AND kind=%d ORDER BY idx",
			observation.Class_CLASS_EVENT, observation.Kind_KIND_PASSAGE_CLOSED), func(r *Row) error {
			o, err := r.Observation()
			named = append(named, alarmed(o.GetBody())...)
			return err
		})
		for _, sum := range named {
			err = errors.Join(err, markAlarmed(db, sum))
		}
		return errors.Join(err, db.Exec("UPDATE meta SET value=CAST('3' AS BLOB) WHERE key='schema'"))
	})
}

// migrate3 adds the columns of what is sealed. Rows of before stay as they are: their clear bodies are signed.
func migrate3(db *sqlog.DB) error {
	return db.Tx(func() error {
		return errors.Join(
			db.Exec("ALTER TABLE observation ADD COLUMN sealed BLOB"),
			db.Exec("INSERT OR REPLACE INTO meta(key, value) VALUES(?,?)", clearKeysMeta, []byte{1}),
			db.Exec("UPDATE meta SET value=CAST('4' AS BLOB) WHERE key='schema'"))
	})
}

// clearKeysMeta is in meta when the journal was made before keys of rows with personal values were hashed.
const clearKeysMeta = "clear_keys"

func hasClearKeys(db *sqlog.DB) (bool, error) {
	n, err := db.Int("SELECT count(*) FROM meta WHERE key=?", 0, clearKeysMeta)
	return n > 0, err
}
