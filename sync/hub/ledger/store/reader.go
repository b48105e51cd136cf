package store

import (
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
)

// Event is a row as the feed needs it.
type Event struct {
	OwnedRow
	JournalRef
	Passage, Other Candidate
}

// Candidate is a passage that a row may be of; the zero Candidate is none.
type Candidate struct {
	Passage    string
	Plate      string // sealed
	Confidence float64
}

// Filter selects rows of the feed; the zero Filter selects all. Its conditions hold together.
type Filter struct {
	Site, Agent string
	Classes     []observation.Class
	Only, Not   []observation.Kind
}

// Summary is what is held of a journal.
type Summary struct {
	Journal
	Hello
}

// Place is a journal's place in the order of hellos, newest first.
type Place struct {
	HelloNs, ID int64
	Bytes       int64 // of its list of devices
}

// Artifact is what is held of an artifact.
type Artifact struct {
	SHA256    []byte
	Size      int64
	MediaType string
	HeldNs    int64  // when it was whole, 0 while it is not
	Inline    []byte // its bytes, sealed; nil when it is kept elsewhere, or was not asked for
	Pulled    bool   // somebody waits for it
}

// Naming is a row that names an artifact.
type Naming struct {
	JournalRef
	Idx  int64
	Name string // sealed
	Size int64
}

// Reader reads what is committed.
type Reader interface {
	// Events returns up to limit rows behind a seq and up to another, in the order of commit.
	Events(after, upTo int64, limit int, f Filter) ([]Event, error)
	// Accepted returns the journals that are not refused.
	Accepted() ([]JournalRef, error)
	// HasKey reports whether an agent has a key.
	HasKey(of Sender) (bool, error)
	// HelloOf returns what a journal's last hello said; the zero Hello when there is no such journal. Without the list of
	// devices unless whole.
	HelloOf(journal []byte, whole bool) (Hello, error)
	// Places returns up to limit journals behind a place.
	Places(after Place, limit int) ([]Place, error)
	// Summary returns what is held of a journal, by its ID; nil when there is none.
	Summary(id int64) (*Summary, error)
	// Artifact returns an artifact, with its inline bytes when asked for; nil when no row names it.
	Artifact(sum []byte, inline bool) (*Artifact, error)
	// NamedBy returns up to limit rows that name an artifact.
	NamedBy(sum []byte, limit int) ([]Naming, error)
}

// Audit reads whole journals. It belongs to one goroutine.
type Audit interface {
	Reader
	// Evidence returns a journal's evidence, by its id; AuditRows calls f with each of its rows in order, those that a fork
	// shares with its original as well, and nil for rows whose leaf hash alone is here. Removals calls f with the bodies of
	// its rows of a kind.
	Evidence(j *Journal) Evidence
	AuditRows(j *Journal, f func(idx int64, r *evidence.Record) error) error
	RowsOfKind(owner int64, kind observation.Kind, f func(body []byte) error) error
	// HeldArtifacts calls f with each artifact that is whole, with its inline bytes.
	HeldArtifacts(f func(*Artifact) error) error
	Close() error
}

// Evidence is the tiles and checkpoints of a journal.
type Evidence interface {
	evidence.Tiles
	Checkpoints() ([]evidence.SignedCheckpoint, error)
}
