package journal

import (
	"context"
	"crypto/rand"
	"io"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
)

// Memory is a journal without a disk, for load tests with thousands of agents in one process. Rows are checked,
// encoded, split, sealed, hashed and signed by the code of a Journal, and forgotten once they are acknowledged. It has
// no artifacts, knows no key again, and cannot serve a hub that was restored from a backup. Its methods may be called
// from any goroutine.
type Memory struct {
	identity  Identity
	signer    note.Signer
	sealer    *personal.Sealer
	signEvery time.Duration

	mu      sync.Mutex
	hasher  *evidence.Hasher
	tree    evidence.Tree
	state   state
	signed  time.Time
	rows    []Row                       // all that are not acknowledged, and those between them: contiguous, the last one is the newest
	gone    observation.PerClass[int64] // by class: idx of the last row that is forgotten, -1 for none
	changed chan struct{}
}

// NewMemory returns an empty journal. Its signing key is made from what keys gives, so that an agent may come back to a
// hub with the key that the hub knows; its id is new.
func NewMemory(opts Options, keys io.Reader) (*Memory, error) {
	secret, public, err := note.GenerateKey(keys, evidence.KeyName(opts.Site, opts.Agent))
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	if opts.SignEvery == 0 {
		opts.SignEvery = defaultSignEvery
	}
	id := Identity{
		ID: make([]byte, 16), BlindKey: make([]byte, 32), Site: opts.Site, Agent: opts.Agent, Verifier: public,
		CreatedNs: time.Now().UnixNano(),
	}
	rand.Read(id.ID)
	rand.Read(id.BlindKey)
	m := &Memory{
		identity: id, signer: signer, sealer: personal.NewSealer([]byte(secret)), signEvery: opts.SignEvery,
		hasher: evidence.NewHasher(id.BlindKey), changed: make(chan struct{}),
	}
	for _, class := range observation.Classes {
		m.state.last[class], m.state.acked[class], m.gone[class] = -1, -1, -1
	}
	return m, nil
}

// Commit adds observations as Journal.Commit does, each of them as a new row.
func (m *Memory) Commit(_ context.Context, obs ...*observation.Observation) (added int, err error) {
	rows := make([]Row, len(obs))
	for i, o := range obs {
		if rows[i], err = newRow(o, m.sealer); err != nil {
			return 0, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range rows {
		r := &rows[i]
		r.Idx, r.Prev = m.state.size, m.state.last[r.Class]
		leaf, err := m.hasher.Leaf(r.Idx, r.Record())
		if err != nil {
			return 0, err
		}
		m.tree.Append(leaf) // full tiles are for proofs, which nobody asks of it
		m.rows = append(m.rows, *r)
		m.state.size, m.state.last[r.Class] = r.Idx+1, r.Idx
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return len(rows), m.sign()
}

// sign makes a checkpoint when the last one is old enough and there are rows since. The caller holds mu.
func (m *Memory) sign() error {
	if m.state.size == m.state.checkpoint.Size || time.Since(m.signed) < m.signEvery {
		return nil
	}
	c := evidence.Checkpoint{Origin: m.identity.Origin(), Size: m.tree.Size(), Root: m.tree.Root()}
	signed, err := c.Sign(m.signer)
	if err != nil {
		return err
	}
	m.signed = time.Now()
	m.state.checkpoint = evidence.SignedCheckpoint{Size: c.Size, Note: signed}
	return nil
}

// Identity returns the journal's identity.
func (m *Memory) Identity() Identity { return m.identity }

func (m *Memory) snapshot() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Size returns the number of rows.
func (m *Memory) Size() int64 { return m.snapshot().size }

// Last returns the idx of the newest row of the class, -1 when there is none.
func (m *Memory) Last(class observation.Class) int64 { return m.snapshot().last[class] }

// Acked returns the idx up to which the hub has acknowledged the class, -1 for none.
func (m *Memory) Acked(class observation.Class) int64 { return m.snapshot().acked[class] }

// Checkpoint returns the newest signed checkpoint, "" while there is no row.
func (m *Memory) Checkpoint() (size int64, signed string) {
	c := m.snapshot().checkpoint
	return c.Size, c.Note
}

// Changed returns a channel that is closed at the next commit.
func (m *Memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// SetAcked records that the hub holds all rows of the class up to idx, and forgets the oldest rows, of all classes, as
// far as all of them are acknowledged.
func (m *Memory) SetAcked(class observation.Class, idx int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.acked[class] = idx
	n := 0
	for ; n < len(m.rows) && m.rows[n].Idx <= m.state.acked[m.rows[n].Class]; n++ {
		m.gone[m.rows[n].Class] = m.rows[n].Idx
		m.rows[n] = Row{} // its bytes are not held until append moves the others
	}
	m.rows = m.rows[n:]
}

// Read returns rows of all classes from idx on, at most maxRows.
func (m *Memory) Read(from int64, maxRows int) ([]Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, err := m.after(from - 1)
	return append([]Row(nil), rows[:min(len(rows), maxRows)]...), err
}

// after returns the rows that follow an idx, up to the newest one. The caller holds mu.
func (m *Memory) after(idx int64) ([]Row, error) {
	skip := idx + 1 - (m.state.size - int64(len(m.rows)))
	if skip < 0 {
		return nil, message.Errorf("journal.memory-forgot", rowNumber(idx+1))
	}
	return m.rows[min(skip, int64(len(m.rows))):], nil
}

// Next returns what follows the row after, -1 for the beginning, in a class. Rows that were acknowledged are gone: to
// ask for them is an error.
func (m *Memory) Next(class observation.Class, after int64, most Limits) (next Following, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if after < m.gone[class] {
		return next, message.Errorf("journal.memory-forgot", rowNumber(after+1))
	}
	first := max(after, m.state.size-int64(len(m.rows))-1) // what is forgotten before it is of other classes
	rows, err := m.after(first)
	size := 0
	for i := range rows {
		if len(next.Rows) == most.Rows || size >= most.Bytes {
			break
		}
		if rows[i].Class == class {
			next.Rows, size = append(next.Rows, rows[i]), size+len(rows[i].Body)
		}
	}
	return next, err
}

// Waiting counts the rows of each class that the hub has not acknowledged.
func (m *Memory) Waiting(ctx context.Context) (map[observation.Class]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[observation.Class]int64{}
	for i := range m.rows {
		if r := &m.rows[i]; r.Idx > m.state.acked[r.Class] {
			out[r.Class]++
		}
	}
	return out, ctx.Err()
}

// WaitingArtifacts returns none.
func (m *Memory) WaitingArtifacts(int) ([]WaitingArtifact, error) { return nil, nil }

// OpenArtifact returns ErrNoArtifact.
func (m *Memory) OpenArtifact([]byte) (observation.ArtifactReader, int64, error) {
	return nil, 0, ErrNoArtifact
}

// SetArtifactHeld does nothing.
func (m *Memory) SetArtifactHeld([]byte) {}

// RequeueArtifacts does nothing.
func (m *Memory) RequeueArtifacts(observation.Class, int64) {}

// Backlog returns zeroes.
func (m *Memory) Backlog() (count, bytes int64, err error) { return 0, 0, nil }
