package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// inlineMax is the largest artifact that is kept in the database instead of in a file of its own,
// bytes.
const inlineMax = sqlog.InlineMax

// ErrNoArtifact is returned for an artifact that no row names, and by OpenArtifact for one that is
// not whole yet.
var ErrNoArtifact = errors.New("no observation names this artifact")

// nameArtifacts enters the artifacts that rows of a journal name. Only named artifacts are accepted
// from agents, so that nobody can fill the disk with what no evidence refers to. Impossible hashes
// and sizes are passed over.
func (l *Ledger) nameArtifacts(owner int64, rows []wire.Row) error {
	var all []store.NamedArtifact
	for i := range rows {
		named, err := observation.ArtifactsIn(rows[i].Body)
		if err != nil {
			continue // the row is evidence as it is; it names nothing that can be read
		}
		for _, a := range named {
			if len(a.Sha256) != sha256.Size || a.Size < 0 || a.Size > wire.MaxArtifact {
				continue
			}
			all = append(all, store.NamedArtifact{
				SHA256: a.Sha256, Owner: owner, Idx: rows[i].Idx, Name: l.sealer.SealName(a.Name), Size: a.Size,
				MediaType: asStorable(a.MediaType),
			})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return l.tx.NameArtifacts(all)
}

// chunk keeps a part of an artifact and returns how much of the artifact is held then, to be said
// after the group is durable. GoBack asks the agent to go on from Bytes. An artifact that came
// whole in one chunk is never a file when it is small; a larger one grows in a part file until its
// hash can be checked.
func (l *Ledger) chunk(c *replica, m *wire.Chunk) (*wire.Held, error) {
	h := &wire.Held{Sha256: m.Sha256, Epoch: m.Epoch}
	size := m.Total
	named, complete, err := l.artifactState(c, m.Sha256, size)
	switch {
	case err != nil:
		return nil, err
	case !named:
		h.Unknown = true
		return h, nil
	case complete:
		h.Bytes, h.Complete = size, true
		return h, nil
	case m.Offset == 0 && int64(len(m.Data)) == size && size <= inlineMax:
		if sha256.Sum256(m.Data) != [32]byte(m.Sha256) {
			h.GoBack = true
			return h, nil
		}
		h.Bytes, h.Complete = size, true
		l.spent = append(l.spent, l.parts.partPath(c.journal, m.Sha256)) // it may have begun to come in parts
		return h, l.holdInline(m.Sha256, m.Data)
	}
	one, err := l.parts.open(c.journal, m.Sha256, size)
	if err != nil {
		return nil, err
	}
	if one.held == 0 && l.parts.placed(m.Sha256, size) { // the transaction that was to say so failed
		h.Bytes, h.Complete = size, true
		l.spent = append(l.spent, one.path)
		return h, l.holdFile(m.Sha256, size)
	}
	continues, err := one.write(m)
	if err != nil {
		return nil, err
	}
	h.GoBack = !continues
	if one.held == size {
		if h.Complete, err = one.right(); err == nil && h.Complete {
			err = l.hold(one)
		} else if err == nil {
			h.GoBack, err = true, one.restart()
		}
	}
	h.Bytes = one.held
	return h, err
}

// artifactState reports whether a row of the journal names an artifact of this size, and whether
// that artifact is here. The size is the journal's own word: another journal that names the same
// SHA-256 with a wrong size harms itself only.
func (l *Ledger) artifactState(c *replica, sum []byte, size int64) (named, complete bool, err error) {
	named, held, err := l.tx.NamedArtifact(c.id, sum, size)
	return named && (held < 0 || held == size), named && held == size, err
}

// holdInline stores a checked artifact in the database.
func (l *Ledger) holdInline(sum, data []byte) error {
	return l.tx.HoldArtifact(sum, int64(len(data)), l.sealer.SealBytes(data, sum), time.Now().UnixNano())
}

// hold stores an artifact whose part is whole and right: small ones in the database, others as a
// file in its place.
func (l *Ledger) hold(one *part) error {
	if one.total <= inlineMax {
		data := make([]byte, one.total)
		if _, err := one.file.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		l.spent = append(l.spent, one.path)
		return l.holdInline(one.sum, data)
	}
	if err := l.parts.finish(one); err != nil {
		return err
	}
	return l.holdFile(one.sum, one.total)
}

// holdFile records that an artifact's file is in place. Whoever waits for it has it now.
func (l *Ledger) holdFile(sum []byte, size int64) error {
	return l.tx.HoldArtifact(sum, size, nil, time.Now().UnixNano())
}

// ArtifactState is what the hub holds of an artifact.
type ArtifactState struct {
	SHA256    string     `json:"sha256"`
	Size      int64      `json:"size"`
	MediaType string     `json:"media_type"`
	Held      int64      `json:"held"` // bytes
	Complete  bool       `json:"complete"`
	Since     *time.Time `json:"since,omitempty"` // when it was complete
	Pulled    bool       `json:"pulled"`          // somebody waits for it
	Rows      []NamedBy  `json:"rows"`
}

// NamedBy is a row that names an artifact. A row is found in the feed by its journal and idx.
type NamedBy struct {
	Site    string `json:"site"`
	Agent   string `json:"agent"`
	Journal string `json:"journal"` // hex
	Idx     int64  `json:"idx"`
	Name    string `json:"name"`
}

// Artifact returns what the ledger has of an artifact, or ErrNoArtifact when no row names it. Of an
// artifact that is not whole, Held is what the journal furthest ahead has sent, and Size what that
// journal says. At most 100 rows are listed.
func (l *Ledger) Artifact(sum []byte) (*ArtifactState, error) {
	held, err := l.store.Artifact(sum, false)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return nil, ErrNoArtifact
	}
	a := &ArtifactState{SHA256: hex.EncodeToString(sum), Size: held.Size, MediaType: held.MediaType, Pulled: held.Pulled}
	if held.HeldNs != 0 {
		since := time.Unix(0, held.HeldNs).UTC()
		a.Complete, a.Held, a.Since = true, a.Size, &since
	}
	rows, err := l.store.NamedBy(sum, namedRows)
	for _, r := range rows {
		a.Rows = append(a.Rows, NamedBy{
			Site: r.Site, Agent: r.Agent, Journal: hex.EncodeToString(r.Journal), Idx: r.Idx, Name: l.sealer.OpenName(r.Name),
		})
		if come := min(l.parts.heldOf(r.Journal, sum), r.Size); !a.Complete && come > a.Held {
			a.Held, a.Size = come, r.Size
		}
	}
	return a, err
}

// namedRows bounds the rows that are listed of an artifact.
const namedRows = 100

// OpenArtifact opens an artifact that is whole. The caller closes it.
func (l *Ledger) OpenArtifact(sum []byte) (observation.ArtifactReader, error) {
	held, err := l.store.Artifact(sum, true)
	switch {
	case err != nil:
		return nil, err
	case held == nil || held.HeldNs == 0:
		return nil, ErrNoArtifact
	case held.Inline != nil:
		inline, err := personal.Inline(l.sealer, held.Inline, sum, held.Size)
		if err != nil {
			return nil, err
		}
		return observation.InlineArtifact(inline), nil
	}
	f, err := os.Open(l.parts.path(sum))
	if err != nil {
		return nil, err
	}
	return f, nil
}

// pull records that somebody waits for an artifact, and returns one acknowledgement for each agent
// whose journal names it, asking for it. An artifact that is whole already asks nobody.
func (l *Ledger) pull(sum []byte) (out []Answer, err error) {
	asked, err := l.tx.Pull(sum, time.Now().UnixNano())
	for _, j := range asked {
		out = append(out, Answer{Sender: j.Sender, Ack: &wire.Ack{Journal: j.Journal, Pull: [][]byte{sum}}})
	}
	return out, err
}

// maxPulls bounds what one acknowledgement asks for; an agent remembers no more than that either
// (uplink).
const maxPulls = 64

// pulls returns the artifacts of a journal that somebody waits for, the one that was asked for
// first at the front.
func (l *Ledger) pulls(c *replica) ([][]byte, error) { return l.tx.Pulls(c.id, maxPulls) }

// dropParts deletes the parts of artifacts that are whole: the rest came from another journal, or a
// crash came between two steps. It runs when the ledger is opened.
func (l *Ledger) dropParts() error {
	entries, err := os.ReadDir(l.parts.partDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		_, name, _ := strings.Cut(e.Name(), "-")
		sum, err := hex.DecodeString(name)
		if err != nil {
			continue
		}
		held, err := l.store.Artifact(sum, false)
		if err != nil {
			return err
		}
		if held != nil && held.HeldNs != 0 {
			l.spent = append(l.spent, filepath.Join(l.parts.partDir(), e.Name()))
		}
	}
	l.dropSpent()
	return nil
}

// dropSpent deletes parts that are not needed any more. One that cannot be deleted now is deleted
// by dropParts, when the ledger is opened next.
func (l *Ledger) dropSpent() {
	for _, path := range l.spent {
		os.Remove(path)
	}
	l.spent = l.spent[:0]
}
