package ledger

import (
	"bytes"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

const (
	partDir   = "parts" // below the artifacts: JOURNAL-SHA256, what has come of an artifact so far
	inlineMax = sqlog.InlineMax
)

// ErrNoArtifact says that no row names the artifact.
var ErrNoArtifact = errors.New("no observation names this artifact")

// parts are the artifacts that are on their way, as files whose length is what is held of them.
type parts struct {
	dir     string
	touched map[string]*part    // of the group at hand, by path
	hashes  map[string]*partial // by path; for parts that grew since the ledger was opened
}

// partial is the hash of the first n bytes of a part.
type partial struct {
	hash hash.Hash
	n    int64
}

// maxPartials bounds the hashes in memory; a part without one is read again when it is whole.
const maxPartials = 1024

// part is one such file, open for the group at hand.
type part struct {
	path  string
	file  *os.File
	held  int64
	total int64
	sum   []byte
	dirty bool
	of    *parts
}

func newParts(dir string) (*parts, error) {
	p := &parts{dir: dir, touched: map[string]*part{}, hashes: map[string]*partial{}}
	return p, os.MkdirAll(p.partDir(), 0o750)
}

func (p *parts) path(sum []byte) string { return sqlog.ArtifactPath(p.dir, sum) }

func (p *parts) partPath(journal, sum []byte) string {
	return filepath.Join(p.partDir(), fmt.Sprintf("%x-%x", journal, sum))
}

func (p *parts) partDir() string { return filepath.Join(p.dir, sqlog.ArtifactDir, partDir) }

// open returns the part of an artifact that comes from a journal, making it when there is none.
func (p *parts) open(journal []byte, sum []byte, total int64) (*part, error) {
	path := p.partPath(journal, sum)
	if one := p.touched[path]; one != nil {
		return one, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	one := &part{path: path, file: f, held: size, total: total, sum: bytes.Clone(sum), of: p}
	p.touched[path] = one
	return one, nil
}

// held returns how much of an artifact has come from a journal.
func (p *parts) heldOf(journal, sum []byte) int64 {
	info, err := os.Stat(p.partPath(journal, sum))
	if err != nil {
		return 0
	}
	return info.Size()
}

// write appends what a chunk has beyond what is held; ok is false when there is a hole between them.
func (p *part) write(c *wire.Chunk) (ok bool, err error) {
	if p.held > p.total { // of another total, or of a crash
		if err := p.restart(); err != nil {
			return false, err
		}
	}
	if c.Offset > p.held {
		return false, nil
	}
	skip := min(p.held-c.Offset, int64(len(c.Data)))
	if fresh := c.Data[skip:]; len(fresh) > 0 {
		p.of.hash(p.path, p.held, fresh)
		n, err := p.file.WriteAt(fresh, p.held)
		p.held, p.dirty = p.held+int64(n), true
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p *part) restart() error {
	p.held, p.dirty = 0, true
	delete(p.of.hashes, p.path)
	return p.file.Truncate(0)
}

// right reports whether a part that is all there is what its name says.
func (p *part) right() (bool, error) {
	if known := p.of.hashes[p.path]; known != nil && known.n == p.total {
		return bytes.Equal(known.hash.Sum(nil), p.sum), nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(p.file, 0, p.total)); err != nil {
		return false, err
	}
	return bytes.Equal(h.Sum(nil), p.sum), nil
}

// hash goes on with the hash of a part that grows at its end.
func (p *parts) hash(path string, held int64, fresh []byte) {
	known := p.hashes[path]
	if known == nil && held == 0 && len(p.hashes) < maxPartials {
		known = &partial{hash: sha256.New()}
		p.hashes[path] = known
	}
	if known != nil && known.n == held {
		known.hash.Write(fresh)
		known.n += int64(len(fresh))
	}
}

// settle makes the group's parts durable, and closes them.
func (p *parts) settle() (err error) {
	for path, one := range p.touched {
		if one.dirty {
			err = errors.Join(err, one.file.Sync())
		}
		err = errors.Join(err, one.file.Close())
		delete(p.touched, path)
	}
	return errors.Join(err, sqlog.SyncDir(p.partDir()))
}

// abandon closes the group's parts.
func (p *parts) abandon() {
	for path, one := range p.touched {
		one.file.Close()
		delete(p.touched, path)
		delete(p.hashes, path)
	}
}

// finish moves a part that is whole into its place.
func (p *parts) finish(one *part) error {
	delete(p.touched, one.path)
	delete(p.hashes, one.path)
	to := p.path(one.sum)
	if err := errors.Join(one.file.Sync(), one.file.Close(), os.MkdirAll(filepath.Dir(to), 0o750)); err != nil {
		return err
	}
	if err := os.Rename(one.path, to); err != nil {
		return err
	}
	return errors.Join(sqlog.SyncDir(filepath.Dir(to)), sqlog.SyncDir(filepath.Join(p.dir, sqlog.ArtifactDir)))
}

// placed reports whether a whole artifact stands in its place.
func (p *parts) placed(sum []byte, size int64) bool {
	info, err := os.Stat(p.path(sum))
	return err == nil && info.Size() == size
}

// nameArtifacts enters the artifacts that rows name.
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
				l.db.Exec("INSERT OR IGNORE INTO artifact(sha256, size, media_type, held) VALUES(?,?,?,0)", a.Sha256, a.Size, a.MediaType),
				l.db.Exec("INSERT OR IGNORE INTO artifact_row(sha256, owner, idx, name) VALUES(?,?,?,?)", a.Sha256, owner, rows[i].Idx, a.Name))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk keeps a part of an artifact and says what is held of it then. What it says is to be told after the group is durable.
func (l *Ledger) chunk(c *copied, m *wire.Chunk) (*wire.Held, error) {
	h := &wire.Held{Sha256: m.Sha256, Epoch: m.Epoch}
	size, complete, err := l.artifactState(c, m.Sha256)
	switch {
	case err != nil:
		return nil, err
	case size != m.Total: // also when it is unknown: -1
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
		return h, l.holdInline(m.Sha256, m.Data)
	}
	one, err := l.parts.open(c.journal, m.Sha256, size)
	if err != nil {
		return nil, err
	}
	if one.held == 0 && l.parts.placed(m.Sha256, size) { // the transaction that was to say so failed
		h.Bytes, h.Complete = size, true
		l.spent = append(l.spent, one.path)
		return h, l.holdFile(m.Sha256)
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

// artifactState returns the size of an artifact that a row of the journal names, -1 when none does, and whether it is here.
func (l *Ledger) artifactState(c *copied, sum []byte) (size int64, complete bool, err error) {
	size = -1
	err = l.db.Query("SELECT a.size, a.held FROM artifact a JOIN artifact_row r ON r.sha256=a.sha256 WHERE a.sha256=? AND r.owner=? LIMIT 1", func(row []driver.Value) error {
		size, complete = sqlog.Int64(row[0]), sqlog.Int64(row[1]) != 0
		return nil
	}, sum, c.id)
	return size, complete, err
}

func (l *Ledger) holdInline(sum, data []byte) error {
	if data == nil {
		data = []byte{}
	}
	return errors.Join(
		l.db.Exec("UPDATE artifact SET inline=?, held=? WHERE sha256=?", data, time.Now().UnixNano(), sum),
		l.db.Exec("DELETE FROM pull WHERE sha256=?", sum))
}

// hold puts an artifact that is whole in its place.
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
	return l.holdFile(one.sum)
}

func (l *Ledger) holdFile(sum []byte) error {
	return errors.Join(
		l.db.Exec("UPDATE artifact SET held=? WHERE sha256=?", time.Now().UnixNano(), sum),
		l.db.Exec("DELETE FROM pull WHERE sha256=?", sum))
}

// ArtifactState is what the ledger has of an artifact.
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

// NamedBy is a row that names an artifact.
type NamedBy struct {
	Site    string `json:"site"`
	Agent   string `json:"agent"`
	Journal string `json:"journal"` // hex
	Idx     int64  `json:"idx"`
	Name    string `json:"name"`
	id      []byte
}

// Artifact returns what the ledger has of an artifact, or ErrNoArtifact.
func (l *Ledger) Artifact(sum []byte) (*ArtifactState, error) {
	a := &ArtifactState{SHA256: hex.EncodeToString(sum), Size: -1}
	err := l.read.Query("SELECT size, media_type, held, EXISTS(SELECT 1 FROM pull WHERE sha256=?1) FROM artifact WHERE sha256=?1", func(row []driver.Value) error {
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
	err = l.read.Query("SELECT j.site, j.agent, j.journal, r.idx, r.name FROM artifact_row r JOIN journal j ON j.id=r.owner WHERE r.sha256=? ORDER BY r.owner, r.idx LIMIT 100", func(row []driver.Value) error {
		a.Rows = append(a.Rows, NamedBy{
			Site: sqlog.Text(row[0]), Agent: sqlog.Text(row[1]), Journal: hex.EncodeToString(sqlog.Bytes(row[2])), Idx: sqlog.Int64(row[3]), Name: sqlog.Text(row[4]), id: sqlog.Bytes(row[2]),
		})
		return nil
	}, sum)
	if !a.Complete {
		for _, r := range a.Rows {
			a.Held = max(a.Held, min(l.parts.heldOf(r.id, sum), a.Size))
		}
	}
	return a, err
}

// OpenArtifact returns the bytes of an artifact that is complete.
func (l *Ledger) OpenArtifact(sum []byte) (observation.ArtifactReader, error) {
	var inline []byte
	held := false
	err := l.read.Query("SELECT inline, held FROM artifact WHERE sha256=?", func(row []driver.Value) error {
		inline, held = sqlog.Bytes(row[0]), sqlog.Int64(row[1]) != 0
		return nil
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

// pull notes that somebody waits for an artifact, and returns what to tell the agents that have it.
func (l *Ledger) pull(sum []byte) (out []Answer, err error) {
	if err := l.db.Exec("INSERT OR IGNORE INTO pull(sha256, at) SELECT sha256, ? FROM artifact WHERE sha256=? AND held=0", time.Now().UnixNano(), sum); err != nil {
		return nil, err
	}
	err = l.db.Query("SELECT DISTINCT j.journal, j.site, j.agent FROM pull p JOIN artifact_row r ON r.sha256=p.sha256 JOIN journal j ON j.id=r.owner WHERE p.sha256=? AND j.refused=''", func(row []driver.Value) error {
		out = append(out, Answer{Site: sqlog.Text(row[1]), Agent: sqlog.Text(row[2]), Ack: &wire.Ack{Journal: sqlog.Bytes(row[0]), Pull: [][]byte{sum}}})
		return nil
	}, sum)
	return out, err
}

// maxPulls bounds what one acknowledgement asks for.
const maxPulls = 64

// pulls returns the artifacts of a journal that somebody waits for, longest first.
func (l *Ledger) pulls(c *copied) (out [][]byte, err error) {
	err = l.db.Query("SELECT DISTINCT p.sha256 FROM pull p JOIN artifact_row r ON r.sha256=p.sha256 WHERE r.owner=? ORDER BY p.at LIMIT ?", func(row []driver.Value) error {
		out = append(out, sqlog.Bytes(row[0]))
		return nil
	}, c.id, int64(maxPulls))
	return out, err
}

// dropParts deletes parts of artifacts that are complete: from another journal, or by a crash between two steps.
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

// dropSpent deletes parts that are not needed any more. One that cannot be deleted now is, when the ledger is opened next.
func (l *Ledger) dropSpent() {
	for _, path := range l.spent {
		os.Remove(path)
	}
	l.spent = l.spent[:0]
}

// nameOld enters the artifacts of rows that came before the ledger kept artifacts.
func (l *Ledger) nameOld() error {
	return l.db.Tx(func() error {
		for seq := int64(0); ; {
			var rows []wire.Row
			var owners []int64
			err := l.db.Query("SELECT seq, owner, idx, body FROM observation WHERE seq>? ORDER BY seq LIMIT 1000", func(row []driver.Value) error {
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
