// Package journal is the lane's durable log: observations and artifacts go in and are on the flash card when Commit
// returns; rows by class, artifacts and evidence come out. SQLite, one writer, group commit; the format is in
// docs/journal.md.
package journal

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// FileName is the database's name in the journal's directory.
const FileName = "journal.db"

// defaultSignEvery bounds the age of the newest checkpoint while rows arrive.
const defaultSignEvery = time.Second

// Options name the agent whose journal it is.
type Options struct {
	Site, Agent string
	SignEvery   time.Duration // largest time between a row and the checkpoint over it; 0 means 1 s
	// Beside is a file outside the journal's directory in which its newest checkpoint is noted, so that a loss of the
	// journal is seen; "" for none.
	Beside string
}

// Identity has what a reader needs to follow and verify a journal.
type Identity struct {
	ID        []byte // 16 random bytes made with the database
	BlindKey  []byte // 32 bytes, from which the blinds of all its records follow
	Site      string
	Agent     string
	Verifier  string // public key, in the form of golang.org/x/mod/sumdb/note
	CreatedNs int64
}

// Origin returns the first line of the journal's checkpoints.
func (i Identity) Origin() string { return evidence.Origin(i.Site, i.Agent, i.ID) }

// Journal is an open journal. Its methods may be called from any goroutine.
type Journal struct {
	dir       string
	artifacts string // directory whose artifacts it has: dir, or for a salvaged journal that of its successor
	salvaged  bool   // it is what could be read of one that was set aside: nothing is committed or signed
	reading   bool   // OpenForReading
	identity  Identity
	signer    note.Signer
	opts      Options
	read      *sqlog.DB
	sealer    *personal.Sealer // of personal values; nil when the key is not there
	column    string           // sealedColumn of read

	requests chan *request
	stop     chan struct{} // closed by Close
	done     chan struct{} // closed when the writer has ended
	closing  sync.Once
	closeErr error

	mu      sync.Mutex
	state   state
	trouble error           // why the last write failed; nil when it did not
	changed chan struct{}   // closed and replaced at every commit
	arrived map[string]bool // artifacts that the hub holds, by SHA-256, until that is written
	lost    []lostArtifacts // that it had, likewise

	opening    Opening
	damaged    chan struct{} // closed when the database is found damaged
	damageOnce sync.Once

	room      atomic.Int32                // Room
	files     sync.RWMutex                // held for writing while files of removed artifacts are deleted
	fileBytes atomic.Int64                // of the artifacts that are files
	prunedTo  observation.PerClass[int64] // by class: rows below it were removed, as far as they may be; of who prunes
}

// state is a snapshot of the last durable commit.
type state struct {
	size       int64
	last       observation.PerClass[int64] // by class: idx of its last row, -1 when it has none
	acked      observation.PerClass[int64] // by class: the hub has all rows up to this idx
	checkpoint evidence.SignedCheckpoint
	stats      Stats
}

// Stats counts what the writer did since Open.
type Stats struct {
	Rows, Duplicates, Groups, Failures uint64
	Alarms, Passages                   uint64 // rows of class alarm, and of passages that ended
}

// Open opens the journal in dir, and makes it when there is none. A damaged database is set aside and a new journal
// begins; Opening tells.
func Open(dir string, opts Options) (*Journal, error) {
	if err := sqlog.MakeDir(filepath.Join(dir, artifactDir)); err != nil {
		return nil, err
	}
	var j *Journal
	err := sqlog.OpenWithReserve(dir, func() (err error) {
		j, err = openOrSetAside(dir, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	j.compareBeside()
	if err := j.resumePruning(context.Background()); err != nil && !sqlog.IsMachine(err) {
		return nil, errors.Join(err, j.Close())
	} // a disk that takes nothing now is no reason not to start: what is left goes with the next that is removed
	return j, nil
}

func newJournal(dir string, opts Options, signer note.Signer) *Journal {
	if opts.SignEvery == 0 {
		opts.SignEvery = defaultSignEvery
	}
	return &Journal{
		dir: dir, artifacts: dir, opts: opts, signer: signer,
		requests: make(chan *request, queueLen),
		stop:     make(chan struct{}), done: make(chan struct{}),
		changed: make(chan struct{}), arrived: map[string]bool{}, damaged: make(chan struct{}),
	}
}

func openOnce(dir string, opts Options) (*Journal, error) {
	key, err := openKey(dir, opts)
	if err != nil {
		return nil, err
	}
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadWrite)
	if err != nil {
		return nil, err
	}
	j := newJournal(dir, opts, key.Signer)
	j.sealer, j.column = personal.NewSealer(key.Secret()), "sealed"
	w := &writer{j: j, db: db, store: sqlog.NewStore(db)}
	if err := j.start(w, key.Public); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return j, nil
}

func (j *Journal) start(w *writer, verifierKey string) (err error) {
	if err := prepare(w.db); err != nil {
		return err
	}
	if err := errors.Join(dropOrphans(w.db, j.artifactPath), removeTemporary(filepath.Join(j.dir, artifactDir))); err != nil {
		return err
	}
	if j.identity, err = loadIdentity(w.db, j.opts, verifierKey); err != nil {
		return err
	}
	w.hasher = evidence.NewHasher(j.identity.BlindKey)
	if w.clearKeys, err = hasClearKeys(w.db); err != nil {
		return err
	}
	if err := w.restore(); err != nil {
		return err
	}
	if err := w.checkTail(j.snapshot().checkpoint); err != nil {
		return err
	}
	if j.read, err = sqlog.Open(filepath.Join(j.dir, FileName), sqlog.ReadOnly); err != nil {
		return err
	}
	files, err := sqlog.BytesBelow(filepath.Join(j.dir, artifactDir))
	if err = errors.Join(err, w.sign()); err != nil {
		return errors.Join(err, j.read.Close())
	}
	j.fileBytes.Store(files)
	go w.run()
	return nil
}

// loadIdentity reads the journal's identity, or makes it in a new database. verifierKey "" is any key: of a journal to
// which nothing is added.
func loadIdentity(db *sqlog.DB, opts Options, verifierKey string) (Identity, error) {
	meta, err := readMeta(db)
	if err != nil {
		return Identity{}, err
	}
	if len(meta) == 0 {
		if meta, err = newMeta(db, opts, verifierKey); err != nil {
			return Identity{}, err
		}
	}
	if len(meta["schema"]) == 0 || len(meta["journal_id"]) != 16 || len(meta["journal_key"]) != 32 {
		return Identity{}, message.Wrap(ErrDamaged, "journal.damaged-meta")
	}
	if v := string(meta["schema"]); v != schemaVersion {
		return Identity{}, message.Errorf("journal.schema", message.Quoted("schema", v), message.Quoted("want", schemaVersion))
	}
	id := identityOf(meta)
	if id.Site != opts.Site || id.Agent != opts.Agent {
		return Identity{}, message.Errorf("journal.other-agent", message.Quoted("site", id.Site),
			message.Quoted("agent", id.Agent), message.Quoted("wantSite", opts.Site), message.Quoted("wantAgent", opts.Agent))
	}
	if id.Verifier != verifierKey && verifierKey != "" {
		return Identity{}, message.Errorf("journal.other-key", message.String("file", KeyFile))
	}
	return id, nil
}

func newMeta(db *sqlog.DB, opts Options, verifierKey string) (map[string][]byte, error) {
	id, key := make([]byte, 16), make([]byte, 32)
	rand.Read(id)
	rand.Read(key)
	meta := map[string][]byte{
		"schema": []byte(schemaVersion), "journal_id": id, "journal_key": key,
		"site": []byte(opts.Site), "agent": []byte(opts.Agent), "verifier": []byte(verifierKey),
		"created": []byte(time.Now().UTC().Format(time.RFC3339Nano)),
	}
	return meta, insertMeta(db, meta)
}

func insertMeta(db *sqlog.DB, meta map[string][]byte) error {
	return db.Tx(func() error {
		for k, v := range meta {
			if err := db.Exec("INSERT INTO meta(key, value) VALUES(?,?)", k, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func readMeta(db *sqlog.DB) (map[string][]byte, error) {
	meta := map[string][]byte{}
	err := db.Query("SELECT key, value FROM meta", func(row []driver.Value) error {
		meta[sqlog.Text(row[0])] = sqlog.Bytes(row[1])
		return nil
	})
	return meta, err
}

func identityOf(meta map[string][]byte) Identity {
	created, _ := time.Parse(time.RFC3339Nano, string(meta["created"]))
	return Identity{
		ID: meta["journal_id"], BlindKey: meta["journal_key"], Site: string(meta["site"]), Agent: string(meta["agent"]),
		Verifier: string(meta["verifier"]), CreatedNs: created.UnixNano(),
	}
}

// ErrClosed is returned by calls on a closed journal.
var ErrClosed = message.Errorf("journal.closed")

// Close makes what was committed the last checkpoint and ends the journal. Commits under way finish or get ErrClosed.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		close(j.stop)
		<-j.done
		j.closeErr = errors.Join(j.closeErr, j.read.Close())
		if !j.salvaged && !j.reading {
			sqlog.FillReserve(j.dir) // SQLite gave some room back
		}
	})
	return j.closeErr
}

// Identity returns the journal's identity.
func (j *Journal) Identity() Identity { return j.identity }

// Size returns the number of durable rows.
func (j *Journal) Size() int64 { return j.snapshot().size }

// Trouble returns why the journal takes nothing at the moment, a full disk mostly; nil while it does.
func (j *Journal) Trouble() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.trouble
}

// Stats returns the writer's counters.
func (j *Journal) Stats() Stats { return j.snapshot().stats }

// Checkpoint returns the newest signed checkpoint, "" while there is no row.
func (j *Journal) Checkpoint() (size int64, signed string) {
	c := j.snapshot().checkpoint
	return c.Size, c.Note
}

// Acked returns the idx up to which the hub has acknowledged the class, -1 for none.
func (j *Journal) Acked(class observation.Class) int64 { return j.snapshot().acked[class] }

// Last returns the idx of the newest row of the class, -1 when there is none.
func (j *Journal) Last(class observation.Class) int64 { return j.snapshot().last[class] }

// Changed returns a channel that is closed at the next commit. Get it before reading, so that no commit is missed.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

func (j *Journal) snapshot() state {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state
}

// SetAcked records that the hub holds all rows of the class up to idx. It becomes durable within a second or so, and at
// Close: the hub knows better anyway, and says so at the next connection.
func (j *Journal) SetAcked(class observation.Class, idx int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.acked[class] = idx
}

// Waiting counts the rows of each class that the hub has not acknowledged.
func (j *Journal) Waiting(ctx context.Context) (map[observation.Class]int64, error) {
	s := j.snapshot()
	out := map[observation.Class]int64{}
	count := func(class observation.Class, after int64) (int64, error) {
		return j.read.Int(fmt.Sprintf("SELECT count(*) FROM observation WHERE class=%d AND idx>? AND idx<?", class), 0, after, s.size)
	}
	telemetry := observation.Class_CLASS_TELEMETRY
	above := s.size - 1 - s.acked[telemetry] // all classes; the two with an index are taken off
	for _, class := range []observation.Class{observation.Class_CLASS_ALARM, observation.Class_CLASS_EVENT} {
		n, err := count(class, s.acked[class])
		if err != nil {
			return nil, err
		}
		out[class] = n
		if n, err = count(class, s.acked[telemetry]); err != nil {
			return nil, err
		}
		above -= n
	}
	out[telemetry] = above
	return out, ctx.Err()
}
