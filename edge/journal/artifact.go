package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

const (
	artifactDir = sqlog.ArtifactDir
	inlineMax   = sqlog.InlineMax

	temporaryPrefix = ".in-" // of a file that is being written
)

// States of an artifact.
const (
	artifactStored  = int64(0) // no row names it yet
	artifactWaiting = int64(1) // for the hub
	artifactHeld    = int64(2) // the hub has it whole
	artifactPruned  = int64(3) // removed: its file goes next
	artifactGone    = int64(4) // removed
)

// For whoever copies a journal: ArtifactsHeld is the condition (SQL) of the artifacts that it has, and ArtifactRemoved the
// statement that notes in a copy that an artifact, by its SHA-256, was removed from the lane since.
const (
	ArtifactsHeld   = "state < 3"
	ArtifactRemoved = "UPDATE artifact SET state=4 WHERE sha256=?"
)

// Errors of OpenArtifact.
var (
	// ErrNoArtifact means that the journal does not hold the artifact.
	ErrNoArtifact = message.Errorf("journal.no-artifact")
	// ErrPruned is ErrNoArtifact for one that was removed to make room: the hub holds it.
	ErrPruned = message.Wrap(ErrNoArtifact, "journal.pruned")
)

// StoreArtifact keeps all bytes of r, durably when it returns, and names them. The same bytes again add nothing. It
// returns driver.ErrNoRoom while the disk budget leaves room for alarms only.
func (j *Journal) StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error) {
	if err := j.roomFor(observation.Class_CLASS_EVENT); err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(r, inlineMax+1))
	if err != nil {
		return nil, message.Wrap(err, "journal.artifact", message.Quoted("name", name))
	}
	a := &observation.Artifact{MediaType: mediaType, Name: name}
	if len(head) <= inlineMax {
		sum := sha256.Sum256(head)
		a.Sha256, a.Size = sum[:], int64(len(head))
		return a, j.nameArtifact(ctx, a, head)
	}
	temporary := ""
	if temporary, a.Sha256, a.Size, err = j.writeFile(io.MultiReader(bytes.NewReader(head), r)); err != nil {
		return nil, message.Wrap(err, "journal.artifact", message.Quoted("name", name))
	}
	j.files.RLock() // from here on until its row is committed it is not removed
	defer j.files.RUnlock()
	if err := j.placeFile(temporary, a); err != nil {
		return nil, message.Wrap(errors.Join(err, os.Remove(temporary)), "journal.artifact",
			message.Quoted("name", name))
	}
	return a, j.nameArtifact(ctx, a, nil)
}

// nameArtifact commits an artifact's row. One that had been removed, and that the hub holds, is there again.
func (j *Journal) nameArtifact(ctx context.Context, a *observation.Artifact, head []byte) error {
	var inline driver.Value
	if head != nil {
		inline = j.sealer.SealBytes(head, a.Sha256)
	}
	return j.do(ctx, &request{also: func(db *sqlog.DB) error {
		return db.Exec(`INSERT INTO artifact(sha256, size, media_type, inline, state) VALUES(?,?,?,?,?)
			ON CONFLICT(sha256) DO UPDATE SET inline=excluded.inline, state=? WHERE state>=?`,
			a.Sha256, a.Size, a.MediaType, inline, artifactStored, artifactHeld, artifactPruned)
	}})
}

// writeFile streams r into a temporary file and fsyncs it.
func (j *Journal) writeFile(r io.Reader) (path string, sum []byte, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(j.dir, artifactDir), temporaryPrefix+"*")
	if err != nil {
		return "", nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	size, err = copyHashing(f, h, r)
	err = errors.Join(err, f.Sync(), f.Close())
	return f.Name(), h.Sum(nil), size, err
}

// placeFile renames a file to where its artifact is kept.
func (j *Journal) placeFile(temporary string, a *observation.Artifact) error {
	path := j.artifactPath(a.Sha256)
	if err := sqlog.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	_, err := os.Stat(path)
	known := err == nil
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	if !known {
		j.fileBytes.Add(a.Size)
	}
	return errors.Join(sqlog.SyncDir(filepath.Dir(path)), sqlog.SyncDir(filepath.Join(j.dir, artifactDir)))
}

func (j *Journal) artifactPath(sum []byte) string { return sqlog.ArtifactPath(j.artifacts, sum) }

// OpenArtifact returns an artifact's bytes and its size, or ErrNoArtifact; ErrPruned when it was removed to make room.
func (j *Journal) OpenArtifact(sum []byte) (observation.ArtifactReader, int64, error) {
	var inline []byte
	size, state := int64(-1), artifactStored
	err := j.read.Query("SELECT size, inline, state FROM artifact WHERE sha256=?", func(c []driver.Value) error {
		size, inline, state = sqlog.Int64(c[0]), sqlog.Bytes(c[1]), sqlog.Int64(c[2])
		return nil
	}, sum)
	switch {
	case err != nil:
		return nil, 0, err
	case size < 0:
		return nil, 0, ErrNoArtifact
	case state >= artifactPruned:
		return nil, 0, ErrPruned
	case inline != nil || size == 0:
		if inline, err = personal.Inline(j.sealer, inline, sum, size); err != nil {
			return nil, 0, errors.Join(ErrNoArtifact, err)
		}
		return observation.InlineArtifact(inline), size, nil
	}
	f, err := os.Open(j.artifactPath(sum))
	if err != nil {
		return nil, 0, err
	}
	return f, size, nil
}

// copyBuffer is the size in bytes of the pieces in which an artifact is hashed and written.
const copyBuffer = 512 << 10

// copyHashing copies r to f and h, hashing beside the writing.
func copyHashing(f *os.File, h hash.Hash, r io.Reader) (size int64, err error) {
	full, free := make(chan []byte, 1), make(chan []byte, 2)
	free <- make([]byte, copyBuffer)
	free <- make([]byte, copyBuffer)
	hashed := make(chan struct{})
	go func() {
		defer close(hashed)
		for b := range full {
			h.Write(b)
			free <- b[:copyBuffer]
		}
	}()
	defer func() { close(full); <-hashed }()
	for {
		b := <-free
		n, readErr := fill(b, r)
		full <- b[:n]
		if _, err := f.Write(b[:n]); err != nil {
			return size, err
		}
		// The disk begins now, so that the fsync at the end has less to wait for. It is a hint; an error will show
		// there.
		_ = unix.SyncFileRange(int(f.Fd()), size, int64(n), unix.SYNC_FILE_RANGE_WRITE)
		size += int64(n)
		if readErr == io.EOF {
			return size, nil
		}
		if readErr != nil {
			return size, readErr
		}
	}
}

// fill reads until b is full. Unlike io.ReadFull it passes errors on as they are: an end inside b is no other end.
func fill(b []byte, r io.Reader) (n int, err error) {
	for n < len(b) && err == nil {
		var got int
		got, err = r.Read(b[n:])
		n += got
	}
	return n, err
}

// dropOrphans deletes artifacts that no row names: their commit never came, or their object was refused. Whoever sent
// them was not told that they are kept.
func dropOrphans(db *sqlog.DB, path func(sum []byte) string) error {
	var sums [][]byte
	err := db.Query("SELECT sha256 FROM artifact WHERE state=?", func(c []driver.Value) error {
		sums = append(sums, sqlog.Bytes(c[0]))
		return nil
	}, artifactStored)
	if err != nil {
		return err
	}
	for _, sum := range sums {
		if err := os.Remove(path(sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return db.Exec("DELETE FROM artifact WHERE state=?", artifactStored)
}

// removeTemporary deletes files whose writing a crash ended.
func removeTemporary(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, temporaryPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
