package journal

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"

	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/keyfile"
)

// Reading is a journal that is read beside the agent that writes it, or while none runs: its rows up to the newest
// checkpoint. Nothing can be committed to it.
type Reading struct {
	*Journal
	Key       keyfile.Key // the agent's
	Inventory *observation.Inventory
	Rows      int64 // rows that there are; those from Size on are not signed yet
}

// OpenForReading opens the journal in dir as it is now. What is committed later is not in it. The agent's key must be
// there, and is not made.
func OpenForReading(dir string) (*Reading, error) {
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadOnly)
	if err != nil {
		return nil, err
	}
	r := &Reading{}
	if err := r.open(dir, db); err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	return r, nil
}

func (r *Reading) open(dir string, db *sqlog.DB) error {
	meta, err := readMeta(db)
	if err != nil {
		return err
	}
	id := identityOf(meta)
	opts := Options{Site: id.Site, Agent: id.Agent}
	if err := checkKey(dir, opts); err != nil {
		return err
	}
	if r.Key, err = openKey(dir, opts); err != nil {
		return err
	}
	if id.Verifier != r.Key.Public {
		return message.Errorf("journal.other-key", message.String("file", KeyFile))
	}
	j := newJournal(dir, opts, nil)
	j.sealer = personal.NewSealer(r.Key.Secret())
	if j.column, err = sealedColumn(db); err != nil {
		return err
	}
	j.identity, j.read, j.reading = id, db, true
	close(j.done) // there is no writer that Close would wait for
	r.Journal = j
	if j.state.checkpoint, err = sqlog.NewStore(db).LatestCheckpoint(); err != nil {
		return err
	}
	j.state.size = j.state.checkpoint.Size
	if r.Rows, err = db.Int("SELECT max(idx)+1 FROM observation", 0); err != nil {
		return err
	}
	for _, class := range observation.Classes {
		if j.state.last[class], err = db.Int(fmt.Sprintf("SELECT idx FROM observation WHERE class=%d AND idx<? ORDER BY idx DESC LIMIT 1",
			class), -1, j.state.size); err != nil {
			return err
		}
		if j.state.acked[class], err = db.Int("SELECT acked FROM cursor WHERE class=?", -1, int64(class)); err != nil {
			return err
		}
	}
	return r.readInventory()
}

// readInventory reads the agent's devices, as it said at its last start.
func (r *Reading) readInventory() error {
	err := queryRows(r.read, "WHERE kind=? AND idx<? ORDER BY idx DESC LIMIT 1", func(row *Row) error {
		o, err := row.Observation()
		if err == nil {
			r.Inventory = o.Body.GetAgentStarted().GetInventory()
		}
		return err
	}, int64(observation.Kind_KIND_AGENT_STARTED), r.state.size)
	if r.Inventory == nil {
		r.Inventory = &observation.Inventory{}
	}
	return err
}

// Unsent returns all artifacts that the hub does not have whole, in the order of WaitingArtifacts; that the row which
// names one is at the hub is not asked.
func (r *Reading) Unsent() (out []WaitingArtifact, err error) {
	err = r.read.Query("SELECT sha256, size FROM artifact WHERE state=1 AND idx<? ORDER BY rank, idx", func(c []driver.Value) error {
		out = append(out, WaitingArtifact{SHA256: bytes.Clone(sqlog.Bytes(c[0])), Size: sqlog.Int64(c[1])})
		return nil
	}, r.state.size)
	return out, err
}

// ErrNotSigned is returned by RootAt for a size that no checkpoint covers yet.
var ErrNotSigned = message.Errorf("journal.not-signed")

// RootAt returns the root of the evidence log over the first size rows, at least one.
func (j *Journal) RootAt(size int64) (root evidence.Hash, err error) {
	store := sqlog.NewStore(j.read)
	newest, err := store.LatestCheckpoint()
	if err == nil && newest.Size < size {
		err = ErrNotSigned
	}
	if err != nil {
		return root, err
	}
	tree, err := evidence.Restore(newest.Size, store, newest.Leaves)
	if err != nil {
		return root, err
	}
	return tlog.TreeHash(size, tree.Reader(store))
}
