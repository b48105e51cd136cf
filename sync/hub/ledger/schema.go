package ledger

import (
	"errors"

	"lanewarden/edge/evidence/sqlog"
)

// FileName is the ledger's name in the hub's directory.
const FileName = "ledger.db"

// ArtifactsHeld is the condition (SQL) of the artifacts that a ledger has whole.
const ArtifactsHeld = "held != 0"

// schema is documented in docs/ledger.md.
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
` + passageSchema + sqlog.Schema("many")

// upgrade brings the tables of an earlier version up to date. Each step can be told from the tables
// themselves and runs once; a crash in between leaves it to the next opening.
func (l *Ledger) upgrade() error {
	if err := errors.Join(l.upgradeSealed(), l.upgradePassages(), l.upgradeForks()); err != nil {
		return err
	}
	folded, err := l.db.Int("SELECT EXISTS(SELECT 1 FROM passage) OR NOT EXISTS(SELECT 1 FROM observation)", 0)
	if err == nil && folded == 0 {
		err = l.noteOldPassages()
	}
	if err != nil {
		return err
	}
	sized, err := l.db.Int("SELECT count(*) FROM pragma_table_info('artifact_row') WHERE name='size'", 0)
	if err != nil || sized > 0 {
		return err
	}
	return l.db.Tx(func() error {
		return errors.Join(
			l.db.Exec("ALTER TABLE artifact_row ADD COLUMN size INTEGER NOT NULL DEFAULT -1"),
			l.db.Exec("UPDATE artifact_row SET size=(SELECT size FROM artifact a WHERE a.sha256=artifact_row.sha256)"))
	})
}
