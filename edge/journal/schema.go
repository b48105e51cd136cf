package journal

import "lanewarden/edge/evidence/sqlog"

// schemaVersion is in meta; a journal of another version is refused, not guessed at.
const schemaVersion = "1"

// schema is documented in docs/journal.md.
var schema = `
CREATE TABLE IF NOT EXISTS observation(
	idx    INTEGER PRIMARY KEY,  -- 0,1,2,... without holes: the leaf index of the evidence log
	class  INTEGER NOT NULL,     -- 1 alarm, 2 event, 3 telemetry
	prev   INTEGER NOT NULL,     -- idx of the previous row of the same class, -1 for the first
	t      INTEGER NOT NULL,     -- phenomenon time, ns UTC
	device TEXT NOT NULL,
	kind   INTEGER NOT NULL,
	key    TEXT,                 -- the source's own identity of the event, or NULL
	body   BLOB NOT NULL         -- the exact protobuf bytes that were hashed
);
CREATE INDEX IF NOT EXISTS observation_alarm ON observation(idx) WHERE class=1;
CREATE INDEX IF NOT EXISTS observation_event ON observation(idx) WHERE class=2;
CREATE UNIQUE INDEX IF NOT EXISTS observation_key ON observation(device, key) WHERE key IS NOT NULL;
CREATE TABLE IF NOT EXISTS artifact(
	sha256     BLOB PRIMARY KEY,
	size       INTEGER NOT NULL,
	media_type TEXT NOT NULL,
	inline     BLOB,                -- the bytes, up to 64 KiB; larger ones are files under artifacts/
	state      INTEGER NOT NULL     -- 0 held at the lane only
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor(class INTEGER PRIMARY KEY, acked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
` + sqlog.Schema("")
