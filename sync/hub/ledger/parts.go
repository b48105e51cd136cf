package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// partDir is below the artifacts: JOURNAL-SHA256, what has come of an artifact so far.
const partDir = "parts"

// parts manages artifacts that are on their way: one file for each journal and artifact, whose
// length is what is held of it. Two journals that send the same artifact have two files, so that
// one with wrong bytes cannot spoil the other's. It belongs to Apply's goroutine, but for heldOf.
type parts struct {
	dir     string
	touched map[string]*part    // of the group at hand, by path
	hashes  map[string]*partial // by path; for parts that grew since the ledger was opened
	made    bool                // a part was made in the group at hand
}

// partial is the running hash of the first n bytes of a part.
type partial struct {
	hash hash.Hash
	n    int64
}

// maxPartials bounds the running hashes in memory; a part without one is read again when it is
// whole.
const maxPartials = 1024

// part is one such file, open while the group at hand is applied.
type part struct {
	path  string
	file  *os.File
	held  int64
	total int64
	sum   []byte
	dirty bool
	of    *parts
}

// newParts returns the parts below dir, and creates their folder.
func newParts(dir string) (*parts, error) {
	p := &parts{dir: dir, touched: map[string]*part{}, hashes: map[string]*partial{}}
	return p, sqlog.MakeDir(p.partDir())
}

// path returns the file of the whole artifact.
func (p *parts) path(sum []byte) string { return sqlog.ArtifactPath(p.dir, sum) }

// partPath returns the file of the part that comes from a journal.
func (p *parts) partPath(journal, sum []byte) string {
	return filepath.Join(p.partDir(), fmt.Sprintf("%x-%x", journal, sum))
}

func (p *parts) partDir() string { return filepath.Join(p.dir, sqlog.ArtifactDir, partDir) }

// open opens the part of an artifact that comes from a journal, creating it when there is none. It
// stays open until settle, finish or abandon.
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
	p.made = p.made || size == 0
	one := &part{path: path, file: f, held: size, total: total, sum: bytes.Clone(sum), of: p}
	p.touched[path] = one
	return one, nil
}

// heldOf returns how many bytes of an artifact have come from a journal. It may be called from any
// goroutine.
func (p *parts) heldOf(journal, sum []byte) int64 {
	info, err := os.Stat(p.partPath(journal, sum))
	if err != nil {
		return 0
	}
	return info.Size()
}

// write appends what a chunk has beyond what is held; ok is false when there is a hole between the
// two. A chunk that came before is no error.
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

// restart empties the part: its bytes do not have the hash that they should have.
func (p *part) restart() error {
	p.held, p.dirty = 0, true
	delete(p.of.hashes, p.path)
	return p.file.Truncate(0)
}

// right reports whether a part that is whole has the hash that names it.
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

// hash continues the running hash of a part that grows at its end by fresh, after held bytes.
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

// settle makes the group's parts durable, and closes them. It is called within the transaction,
// before its commit: the database must not say more than the files hold.
func (p *parts) settle() (err error) {
	for path, one := range p.touched {
		if one.dirty {
			err = errors.Join(err, one.file.Sync())
		}
		err = errors.Join(err, one.file.Close())
		delete(p.touched, path)
	}
	if p.made {
		err = errors.Join(err, sqlog.SyncDir(p.partDir()))
		p.made = false
	}
	return err
}

// abandon closes the group's parts without making them durable. What they have grown by is not
// acknowledged; it stays in the files, and the agent is told of it when it asks.
func (p *parts) abandon() {
	for path, one := range p.touched {
		one.file.Close()
		delete(p.touched, path)
		delete(p.hashes, path)
	}
}

// finish moves a part that is whole and right into its place, durably. The order is that of
// write-new-and-rename: contents, then name, then folders.
func (p *parts) finish(one *part) error {
	delete(p.touched, one.path)
	delete(p.hashes, one.path)
	to := p.path(one.sum)
	if err := errors.Join(one.file.Sync(), one.file.Close(), sqlog.MakeDir(filepath.Dir(to))); err != nil {
		return err
	}
	if err := os.Rename(one.path, to); err != nil {
		return err
	}
	return errors.Join(sqlog.SyncDir(filepath.Dir(to)), sqlog.SyncDir(filepath.Join(p.dir, sqlog.ArtifactDir)))
}

// placed reports whether an artifact of this size stands in its place already. Only checked
// artifacts are moved there.
func (p *parts) placed(sum []byte, size int64) bool {
	info, err := os.Stat(p.path(sum))
	return err == nil && info.Size() == size
}
