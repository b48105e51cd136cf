package ledger

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
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
	for i := range rows {
		named, err := observation.ArtifactsIn(rows[i].Body)
		if err != nil {
			continue // the row is evidence as it is; it names nothing that can be read
		}
		for _, a := range named {
			if len(a.Sha256) != sha256.Size || a.Size < 0 || a.Size > wire.MaxArtifact {
				continue
			}
			err := errors.Join(
				l.db.Exec("INSERT OR IGNORE INTO artifact(sha256, size, media_type, held) VALUES(?,?,?,0)", a.Sha256,
					a.Size, a.MediaType),
				l.db.Exec("INSERT OR IGNORE INTO artifact_row(sha256, owner, idx, name, size) VALUES(?,?,?,?,?)",
					a.Sha256, owner, rows[i].Idx, l.sealer.SealName(a.Name), a.Size))
			if err != nil {
				return err
			}
		}
	}
	return nil
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
	err = l.db.Query(`SELECT a.held, a.size FROM artifact a JOIN artifact_row r ON r.sha256=a.sha256
		WHERE a.sha256=? AND r.owner=? AND r.size=? LIMIT 1`,
		func(row []driver.Value) error {
			held, actual := sqlog.Int64(row[0]) != 0, sqlog.Int64(row[1])
			named, complete = !held || actual == size, held && actual == size
			return nil
		}, sum, c.id, size)
	return named, complete, err
}

// holdInline stores a checked artifact in its row. data nil is the empty artifact: NULL in the
// column says file.
func (l *Ledger) holdInline(sum, data []byte) error {
	if data == nil {
		data = []byte{}
	}
	return errors.Join(
		l.db.Exec("UPDATE artifact SET inline=?, size=?, held=? WHERE sha256=?",
			l.sealer.SealBytes(data, sum), int64(len(data)),
			time.Now().UnixNano(), sum),
		l.db.Exec("DELETE FROM pull WHERE sha256=?", sum))
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
	return errors.Join(
		l.db.Exec("UPDATE artifact SET size=?, held=? WHERE sha256=?", size, time.Now().UnixNano(), sum),
		l.db.Exec("DELETE FROM pull WHERE sha256=?", sum))
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
	id      []byte
	size    int64 // as this row says
}

// Artifact returns what the ledger has of an artifact, or ErrNoArtifact when no row names it. Of an
// artifact that is not whole, Held is what the journal furthest ahead has sent, and Size what that
// journal says. At most 100 rows are listed.
func (l *Ledger) Artifact(sum []byte) (*ArtifactState, error) {
	a := &ArtifactState{SHA256: hex.EncodeToString(sum), Size: -1}
	err := l.read.Query(`SELECT size, media_type, held, EXISTS(SELECT 1 FROM pull WHERE sha256=?1)
		FROM artifact WHERE sha256=?1`, func(row []driver.Value) error {
		a.Size, a.MediaType, a.Pulled = sqlog.Int64(row[0]), sqlog.Text(row[1]), sqlog.Int64(row[3]) != 0
		if at := sqlog.Int64(row[2]); at != 0 {
			since := time.Unix(0, at).UTC()
			a.Complete, a.Held, a.Since = true, a.Size, &since
		}
		return nil
	}, sum)
	if err != nil {
		return nil, err
	}
	if a.Size < 0 {
		return nil, ErrNoArtifact
	}
	err = l.read.Query(`SELECT j.site, j.agent, j.journal, r.idx, r.name, r.size FROM artifact_row r
		JOIN journal j ON j.id=r.owner WHERE r.sha256=? ORDER BY r.owner, r.idx LIMIT 100`, func(row []driver.Value) error {
		a.Rows = append(a.Rows, NamedBy{
			Site: sqlog.Text(row[0]), Agent: sqlog.Text(row[1]), Journal: hex.EncodeToString(sqlog.Bytes(row[2])),
			Idx: sqlog.Int64(row[3]), Name: l.sealer.OpenName(sqlog.Text(row[4])), id: sqlog.Bytes(row[2]), size: sqlog.Int64(row[5]),
		})
		return nil
	}, sum)
	if !a.Complete {
		for _, r := range a.Rows {
			if held := min(l.parts.heldOf(r.id, sum), r.size); held > a.Held {
				a.Held, a.Size = held, r.size
			}
		}
	}
	return a, err
}

// OpenArtifact opens an artifact that is whole. The caller closes it.
func (l *Ledger) OpenArtifact(sum []byte) (observation.ArtifactReader, error) {
	var inline []byte
	held := false
	err := l.read.Query("SELECT inline, held, size FROM artifact WHERE sha256=?", func(row []driver.Value) (err error) {
		held = sqlog.Int64(row[1]) != 0
		inline, err = personal.Inline(l.sealer, sqlog.Bytes(row[0]), sum, sqlog.Int64(row[2]))
		return err
	}, sum)
	switch {
	case err != nil:
		return nil, err
	case !held:
		return nil, ErrNoArtifact
	case inline != nil:
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
	if err := l.db.Exec("INSERT OR IGNORE INTO pull(sha256, at) SELECT sha256, ? FROM artifact WHERE sha256=? AND held=0",
		time.Now().UnixNano(), sum); err != nil {
		return nil, err
	}
	err = l.db.Query(`SELECT DISTINCT j.journal, j.site, j.agent FROM pull p JOIN artifact_row r ON r.sha256=p.sha256
		JOIN journal j ON j.id=r.owner WHERE p.sha256=? AND j.refused=''`, func(row []driver.Value) error {
		to := Sender{sqlog.Text(row[1]), sqlog.Text(row[2])}
		out = append(out, Answer{Sender: to, Ack: &wire.Ack{Journal: sqlog.Bytes(row[0]), Pull: [][]byte{sum}}})
		return nil
	}, sum)
	return out, err
}

// maxPulls bounds what one acknowledgement asks for; an agent remembers no more than that either
// (uplink).
const maxPulls = 64

// pulls returns the artifacts of a journal that somebody waits for, the one that was asked for
// first at the front.
func (l *Ledger) pulls(c *replica) (out [][]byte, err error) {
	err = l.db.Query(`SELECT DISTINCT p.sha256 FROM pull p JOIN artifact_row r ON r.sha256=p.sha256
		WHERE r.owner=? ORDER BY p.at LIMIT ?`, func(row []driver.Value) error {
		out = append(out, sqlog.Bytes(row[0]))
		return nil
	}, c.id, int64(maxPulls))
	return out, err
}

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
		held, err := l.db.Int("SELECT held FROM artifact WHERE sha256=?", 0, sum)
		if err != nil {
			return err
		}
		if held != 0 {
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

// nameOld enters the artifacts of rows that came before the ledger kept artifacts. It runs in one
// transaction, so that a crash leaves the ledger as it was.
func (l *Ledger) nameOld() error {
	return l.db.Tx(func() error {
		for seq := int64(0); ; {
			var rows []wire.Row
			var owners []int64
			err := l.db.Query("SELECT seq, owner, idx, body FROM observation WHERE seq>? ORDER BY seq LIMIT 1000",
				func(row []driver.Value) error {
					seq = sqlog.Int64(row[0])
					owners = append(owners, sqlog.Int64(row[1]))
					rows = append(rows, wire.Row{Idx: sqlog.Int64(row[2]), Body: slices.Clone(sqlog.Bytes(row[3]))})
					return nil
				}, seq)
			if err != nil || len(rows) == 0 {
				return err
			}
			for i := range rows {
				if err := l.nameArtifacts(owners[i], rows[i:i+1]); err != nil {
					return err
				}
			}
		}
	})
}
