package sqlite

import (
	"errors"
	"strings"

	"lanewarden/edge/evidence/sqlog"
)

// schema is documented in docs/ledger.md. The tables of passages are folded from the rows about them, so that an event
// can name its passages, and can be rebuilt from these.
var schema = `
CREATE TABLE IF NOT EXISTS journal(
	id        INTEGER PRIMARY KEY,
	journal   BLOB NOT NULL UNIQUE,   -- 16 bytes
	site      TEXT NOT NULL,
	agent     TEXT NOT NULL,
	blind_key BLOB NOT NULL,          -- the blinds of its records follow from it
	verifier  TEXT NOT NULL,          -- the agent's public key
	software  TEXT NOT NULL,
	inventory BLOB NOT NULL,          -- lanewarden.v1.Inventory of the last hello
	hello     INTEGER NOT NULL,       -- when that was, ns UTC
	size      INTEGER NOT NULL,       -- rows of the journal, as the last hello said
	tree      INTEGER NOT NULL,       -- rows without holes, which stand in the evidence log
	tail      BLOB NOT NULL,          -- leaf hashes of the unfinished tile of those
	verified  INTEGER NOT NULL,       -- rows under a checkpoint that was found right
	refused   TEXT NOT NULL,          -- why nothing more is taken: JSON of the text in all languages, '' while all is well
	version   INTEGER NOT NULL DEFAULT 0, -- how often the row's state was saved
	fork_of   BLOB                    -- of a fork: the id under which it was written, that of the journal it parted from
);
CREATE TABLE IF NOT EXISTS agent(     -- keys, as first seen or as configured
	site     TEXT NOT NULL,
	agent    TEXT NOT NULL,
	verifier TEXT NOT NULL,
	PRIMARY KEY(site, agent)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS observation(
	seq    INTEGER PRIMARY KEY,       -- order of commit: the feed's cursor
	owner  INTEGER NOT NULL,          -- journal.id
	idx    INTEGER NOT NULL,          -- as in the journal
	class  INTEGER NOT NULL,
	t      INTEGER NOT NULL,
	device TEXT NOT NULL,
	kind   INTEGER NOT NULL,
	body   BLOB NOT NULL,             -- as it was hashed: without personal values
	sealed BLOB                       -- those, encrypted; NULL where there are none, or they are erased
);
CREATE UNIQUE INDEX IF NOT EXISTS observation_idx ON observation(owner, idx);
CREATE INDEX IF NOT EXISTS observation_pruned ON observation(owner, idx) WHERE kind=56;
CREATE TABLE IF NOT EXISTS gap(       -- rows that the agent removed before this ledger had them: it was restored from a backup
	owner INTEGER NOT NULL,
	idx   INTEGER NOT NULL,
	class INTEGER NOT NULL,
	leaf  BLOB NOT NULL,              -- leaf hash, as the agent said; a checkpoint shows that it is right
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shared(    -- rows of a fork that the journal from which it parted has as well: they stand there alone
	owner INTEGER NOT NULL,           -- journal.id of the fork
	idx   INTEGER NOT NULL,
	leaf  BLOB NOT NULL,              -- leaf hash
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor(
	owner INTEGER NOT NULL,
	class INTEGER NOT NULL,
	idx   INTEGER NOT NULL,           -- of the last row held
	PRIMARY KEY(owner, class)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending(   -- checkpoints above the rows without holes
	owner INTEGER NOT NULL,
	size  INTEGER NOT NULL,
	note  TEXT NOT NULL,
	PRIMARY KEY(owner, size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS artifact(
	sha256     BLOB PRIMARY KEY,
	size       INTEGER NOT NULL,      -- once it is held; before, as the first row that named it said
	media_type TEXT NOT NULL,
	inline     BLOB,                  -- the bytes, up to 64 KiB; larger ones are files under artifacts/
	held       INTEGER NOT NULL       -- when it was complete, ns UTC; 0 while it is not
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS artifact_row(  -- rows that name it
	sha256 BLOB NOT NULL,
	owner  INTEGER NOT NULL,
	idx    INTEGER NOT NULL,
	name   TEXT NOT NULL,
	size   INTEGER NOT NULL DEFAULT -1,   -- as the row says; what was held says the truth in artifact.size
	PRIMARY KEY(sha256, owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS epoch(     -- one for each time the ledger was opened and rows came: cursors name theirs
	id    TEXT PRIMARY KEY,           -- 8 hexadecimal digits, random
	first INTEGER NOT NULL            -- seq of its first row
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pull(      -- artifacts that somebody waits for
	sha256 BLOB PRIMARY KEY,
	at     INTEGER NOT NULL           -- since when, ns UTC
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage_reading(
	owner            INTEGER NOT NULL,         -- journal.id
	idx              INTEGER NOT NULL,         -- of the reading in the journal
	passage          TEXT NOT NULL,            -- '' for none; then it may be of other
	confidence       REAL NOT NULL DEFAULT 0,  -- 0 to 1; 0 where the lane did not say it
	other            TEXT NOT NULL DEFAULT '', -- passage of which it may be as well, '' for none
	other_confidence REAL NOT NULL DEFAULT 0,
	plate            TEXT NOT NULL DEFAULT '', -- that it read, sealed; '' when it is no read of a plate
	plate_confidence REAL NOT NULL DEFAULT 0,  -- of the read itself
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage(
	owner      INTEGER NOT NULL,
	id         TEXT NOT NULL,
	plate      TEXT NOT NULL,         -- best read so far, sealed; '' for none
	confidence REAL NOT NULL,         -- of that read; 2 when the closed passage's document names it
	PRIMARY KEY(owner, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased(    -- rows whose values were erased and that package views has not looked at since
	owner INTEGER NOT NULL,
	idx   INTEGER NOT NULL,
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
` + sqlog.Schema("many")

// prepare creates the tables and gives those of an earlier version the columns that they lack. Each step can be told
// from the tables themselves and runs once; a crash in between leaves it to the next opening.
func (s *Store) prepare() error {
	old, err := s.db.Int(`SELECT count(*) FROM sqlite_master WHERE name='observation'
		AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name='artifact')`, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(s.db.Script(schema), s.addColumns(), s.sizeArtifacts()); err != nil {
		return err
	}
	folded, err := s.db.Int("SELECT EXISTS(SELECT 1 FROM passage) OR NOT EXISTS(SELECT 1 FROM observation)", 0)
	s.old = Old{Artifacts: old > 0, Passages: folded == 0}
	return err
}

// added are the columns that came later, by table. What was filed before keeps their default.
var added = []struct{ table, column string }{
	{"observation", "sealed BLOB"},
	{"passage_reading", "confidence REAL NOT NULL DEFAULT 0"},
	{"passage_reading", "other TEXT NOT NULL DEFAULT ''"},
	{"passage_reading", "other_confidence REAL NOT NULL DEFAULT 0"},
	{"passage_reading", "plate TEXT NOT NULL DEFAULT ''"},
	{"passage_reading", "plate_confidence REAL NOT NULL DEFAULT 0"},
	{"journal", "fork_of BLOB"},
	{"journal", "version INTEGER NOT NULL DEFAULT 0"},
}

// addColumns adds the columns that are missing, and the indexes over them.
func (s *Store) addColumns() error {
	for _, a := range added {
		name, _, _ := strings.Cut(a.column, " ")
		has, err := s.has(a.table, name)
		if err == nil && !has {
			err = s.db.Exec("ALTER TABLE " + a.table + " ADD COLUMN " + a.column)
		}
		if err != nil {
			return err
		}
	}
	return s.db.Script(`CREATE INDEX IF NOT EXISTS observation_sealed ON observation(t) WHERE sealed IS NOT NULL;
		CREATE INDEX IF NOT EXISTS passage_plate ON passage_reading(owner, passage) WHERE plate<>''`)
}

// has reports whether a table has a column.
func (s *Store) has(table, column string) (bool, error) {
	n, err := s.db.Int("SELECT count(*) FROM pragma_table_info(?) WHERE name=?", 0, table, column)
	return n > 0, err
}

// sizeArtifacts gives each row that names an artifact the size that all of them shared before.
func (s *Store) sizeArtifacts() error {
	sized, err := s.has("artifact_row", "size")
	if err != nil || sized {
		return err
	}
	return s.db.Tx(func() error {
		return errors.Join(
			s.db.Exec("ALTER TABLE artifact_row ADD COLUMN size INTEGER NOT NULL DEFAULT -1"),
			s.db.Exec("UPDATE artifact_row SET size=(SELECT size FROM artifact a WHERE a.sha256=artifact_row.sha256)"))
	})
}
