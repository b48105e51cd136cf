// Package hubjournal is the hub's own journal: who looked at a picture at the centre, and who changed something there.
// It is a lane's journal, so that every row is signed and can be proved, and its rows are filed in the ledger as an
// agent's are, where the feed has them.
package hubjournal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/looks"
	"lanewarden/edge/api/session"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Name is the name under which the hub's own journal stands in the ledger. No agent may have it.
var Name = ledger.Sender{Site: "centre", Agent: "hub"}

const (
	maxRows    = 1000 // of a batch
	maxBytes   = 1 << 20
	retryPause = time.Minute     // after the ledger refused
	noteWithin = 5 * time.Second // a journal that hangs must not hang who asks
)

// File files a message in the ledger and returns, once it is durable, the answer: nil for a message without one. An
// error is ctx's.
type File func(ctx context.Context, m ledger.Message) (*wire.Ack, error)

// Journal is the open journal of a hub. Its methods may be called from any goroutine.
type Journal struct {
	rows   *journal.Journal
	recent looks.Recent
	log    *slog.Logger
}

// Open opens the journal in a folder, and makes it when there is none. The caller closes it.
func Open(dir string, log *slog.Logger) (*Journal, error) {
	rows, err := journal.Open(dir, journal.Options{Site: Name.Site, Agent: Name.Agent})
	if err != nil {
		return nil, err
	}
	return &Journal{rows: rows, log: log}, nil
}

// Close closes the journal. Run must have ended.
func (j *Journal) Close() error { return j.rows.Close() }

// Note journals that a user does something. It returns once that is durable; an error means that it is not on record.
func (j *Journal) Note(ctx context.Context, u api.User, action string, what message.Message) error {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	_, err := j.rows.Commit(ctx, api.AccessRow(time.Now(), api.NewAccess(u, u.Roles, action, what)))
	return err
}

// Identity returns whose journal it is, with its key.
func (j *Journal) Identity() journal.Identity { return j.rows.Identity() }

// Size returns the number of rows.
func (j *Journal) Size() int64 { return j.rows.Size() }

// ReadCases returns rows about cases from idx on, at most maxRows.
func (j *Journal) ReadCases(from int64, maxRows int) ([]journal.Row, error) {
	return j.rows.ReadCases(from, maxRows)
}

// StoreArtifact keeps an artifact, which goes to the ledger with the row that names it.
func (j *Journal) StoreArtifact(ctx context.Context, data []byte, mediaType string) (*observation.Artifact, error) {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	return j.rows.StoreArtifact(ctx, bytes.NewReader(data), mediaType, "")
}

// Commit journals observations, and returns once they are durable. added are those whose keys were not there.
func (j *Journal) Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error) {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	return j.rows.Commit(ctx, obs...)
}

// NoteLook journals that a user looks at something, unless they did so lately. What cannot be journalled is logged: a
// hub with a full disk must still be of use.
func (j *Journal) NoteLook(ctx context.Context, u api.User, at message.Message) {
	one := looks.Look{User: u.Name, Peer: u.Peer, At: at.English()}
	if !j.recent.Fresh(one, time.Now()) {
		return
	}
	if err := j.Note(ctx, u, looks.Action, at); err != nil {
		j.recent.Forget(one)
		j.log.Warn("a look is not journalled", "user", u.Name, "err", err)
	}
}

// NoteRefusals journals what was refused since the last time.
func (j *Journal) NoteRefusals(ctx context.Context, all *session.Refusals) {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	all.Journal(ctx, j.rows.Commit)
}

// Run files the journal's rows in the ledger until ctx ends, and returns ctx's error. A journal without rows is not
// mentioned there.
func (j *Journal) Run(ctx context.Context, file File) error {
	for {
		err := j.serve(ctx, file)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.log.Error("the hub's own journal is not filed, trying again", "err", err)
		if err := wire.Pause(ctx, retryPause); err != nil {
			return err
		}
	}
}

// serve says hello once there are rows, and files them as they come. It returns why it cannot go on.
func (j *Journal) serve(ctx context.Context, file File) error {
	for j.rows.Size() == 0 {
		changed := j.rows.Changed()
		if j.rows.Size() > 0 {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := j.greet(ctx, file); err != nil {
		return err
	}
	for {
		changed := j.rows.Changed()
		if err := j.fileNew(ctx, file); err != nil {
			return err
		}
		if err := j.fileArtifacts(ctx, file); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// greet says hello, and takes over how far the ledger holds the journal. A journal that was lost and made anew has
// another key; the hub answers for its own, so that the ledger is told to take it.
func (j *Journal) greet(ctx context.Context, file File) error {
	ack, err := j.hello(ctx, file)
	if err == nil && ack.Refusal == wire.Refusal_REFUSAL_KEY {
		j.log.Warn("the hub's own journal has a new key: the one before is gone")
		if _, err = file(ctx, ledger.Rekey{Agent: Name, Key: j.rows.Identity().Verifier}); err == nil {
			ack, err = j.hello(ctx, file)
		}
	}
	if err != nil {
		return err
	}
	if ack.Refusal == wire.Refusal_REFUSAL_ROLLED_BACK { // an older copy was put in its place
		_, err := j.rows.SetAsideNext(message.Text{EN: ack.RefusalText, FR: ack.RefusalTextFr})
		return errors.Join(refused(ack), err)
	}
	return j.take(ack)
}

func (j *Journal) hello(ctx context.Context, file File) (*wire.Ack, error) {
	id := j.rows.Identity()
	_, checkpoint := j.rows.Checkpoint()
	return file(ctx, ledger.Hello{From: Name, Body: &wire.Hello{
		Journal: id.ID, Size: j.rows.Size(), Checkpoint: checkpoint, BlindKey: id.BlindKey, Verifier: id.Verifier,
		Software: "lanehub", Inventory: &observation.Inventory{}, Epoch: 1,
	}})
}

// take notes the cursors of an answer. A refusal is an error.
func (j *Journal) take(ack *wire.Ack) error {
	if ack.Refusal != wire.Refusal_REFUSAL_NONE {
		return refused(ack)
	}
	for _, c := range ack.Cursors {
		j.rows.SetAcked(c.Class, c.Idx)
	}
	return nil
}

func refused(ack *wire.Ack) error {
	return fmt.Errorf("the ledger refuses it: %s", ack.RefusalText)
}

// fileNew files what the ledger has not got.
func (j *Journal) fileNew(ctx context.Context, file File) error {
	for _, class := range observation.Classes {
		for {
			after := j.rows.Acked(class)
			next, err := j.rows.Next(class, after, journal.Limits{Rows: maxRows, Bytes: maxBytes})
			if err != nil {
				return err
			}
			if len(next.Rows) == 0 {
				break
			}
			if err := j.fileRows(ctx, file, class, after, next.Rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileRows files rows of a class that follow the row after. An answer that does not confirm them is an error.
func (j *Journal) fileRows(ctx context.Context, file File, class observation.Class, after int64, rows []journal.Row) error {
	packed := make([]wire.Row, len(rows))
	for i := range rows {
		packed[i] = wire.RowOf(&rows[i], true)
	}
	batch := wire.NewBatch(j.rows.Identity().ID, class, after, packed)
	_, batch.Checkpoint = j.rows.Checkpoint()
	ack, err := file(ctx, ledger.Batch{From: Name, Body: batch})
	if err != nil {
		return err
	}
	if err := j.take(ack); err != nil {
		return err
	}
	if last := rows[len(rows)-1].Idx; j.rows.Acked(class) < last {
		return fmt.Errorf("the ledger has row %d of them, not row %d", j.rows.Acked(class), last)
	}
	return nil
}

// artifactsAtOnce is how many artifacts are looked for at once.
const artifactsAtOnce = 64

// fileArtifacts files the artifacts that the ledger does not have whole, and whose rows it has.
func (j *Journal) fileArtifacts(ctx context.Context, file File) error {
	for {
		waiting, err := j.rows.WaitingArtifacts(artifactsAtOnce)
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, a := range waiting {
			if err := j.fileArtifact(ctx, file, a); err != nil {
				return fmt.Errorf("artifact %x: %w", a.SHA256, err)
			}
		}
	}
}

// fileArtifact files one artifact, from the beginning: the ledger drops what it has of it already.
func (j *Journal) fileArtifact(ctx context.Context, file File, a journal.WaitingArtifact) error {
	r, total, err := j.rows.OpenArtifact(a.SHA256)
	if err != nil {
		return err
	}
	defer r.Close()
	data := make([]byte, wire.MaxChunk)
	for offset, tries := int64(0), 0; tries < maxGoBacks; {
		n, err := r.ReadAt(data[:min(int64(len(data)), total-offset)], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		ack, err := file(ctx, ledger.Chunk{From: Name, Body: &wire.Chunk{
			Journal: j.rows.Identity().ID, Sha256: a.SHA256, Total: total, Offset: offset, Data: bytes.Clone(data[:n]),
		}})
		if err != nil {
			return err
		}
		if len(ack.GetArtifacts()) == 0 {
			return errors.New("the ledger does not answer")
		}
		switch held := ack.Artifacts[0]; {
		case held.Complete:
			j.rows.SetArtifactHeld(a.SHA256)
			return nil
		case held.Unknown:
			return errors.New("the ledger has no row that names it")
		case held.GoBack || held.Bytes != offset+int64(n):
			offset = held.Bytes // it has more already, or less
			tries++
		default:
			offset = held.Bytes
		}
	}
	return errors.New("the ledger does not take it")
}

// maxGoBacks is how often the ledger may ask for another place of one artifact.
const maxGoBacks = 8
