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

// parts are the artifacts that are on their way, as files whose length is what is held of them.
type parts struct {
	dir     string
	touched map[string]*part    // of the group at hand, by path
	hashes  map[string]*partial // by path; for parts that grew since the ledger was opened
	made    bool                // a part was made in the group at hand
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
	return p, sqlog.MakeDir(p.partDir())
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
	p.made = p.made || size == 0
	one := &part{path: path, file: f, held: size, total: total, sum: bytes.Clone(sum), of: p}
	p.touched[path] = one
	return one, nil
}

// heldOf returns how much of an artifact has come from a journal.
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
	if p.made {
		err = errors.Join(err, sqlog.SyncDir(p.partDir()))
		p.made = false
	}
	return err
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
	if err := errors.Join(one.file.Sync(), one.file.Close(), sqlog.MakeDir(filepath.Dir(to))); err != nil {
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
