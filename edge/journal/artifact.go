package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

const (
	artifactDir = "artifacts"
	inlineMax   = 64 << 10 // larger artifacts are files
)

// ErrNoArtifact says that the journal does not hold the artifact.
var ErrNoArtifact = errors.New("artifact is not in the journal")

// StoreArtifact keeps all bytes of r, durably when it returns, and names them. The same bytes again add nothing.
func (j *Journal) StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error) {
	head, err := io.ReadAll(io.LimitReader(r, inlineMax+1))
	if err != nil {
		return nil, fmt.Errorf("artifact %q: %w", name, err)
	}
	a := &observation.Artifact{MediaType: mediaType, Name: name}
	var inline driver.Value
	if len(head) <= inlineMax {
		sum := sha256.Sum256(head)
		a.Sha256, a.Size, inline = sum[:], int64(len(head)), head
	} else if a.Sha256, a.Size, err = j.storeFile(io.MultiReader(bytes.NewReader(head), r)); err != nil {
		return nil, fmt.Errorf("artifact %q: %w", name, err)
	}
	err = j.do(ctx, &request{also: func(db *sqlog.DB) error {
		return db.Exec("INSERT OR IGNORE INTO artifact(sha256, size, media_type, inline, state) VALUES(?,?,?,?,0)",
			a.Sha256, a.Size, mediaType, inline)
	}})
	return a, err
}

// storeFile streams r into a file, fsyncs it and renames it into place.
func (j *Journal) storeFile(r io.Reader) (sum []byte, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(j.dir, artifactDir), ".in-*")
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, 0, err
	}
	sum = h.Sum(nil)
	path := j.artifactPath(sum)
	if err = os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, 0, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return nil, 0, err
	}
	return sum, size, errors.Join(syncDir(filepath.Dir(path)), syncDir(filepath.Join(j.dir, artifactDir)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (j *Journal) artifactPath(sum []byte) string {
	name := hex.EncodeToString(sum)
	return filepath.Join(j.dir, artifactDir, name[:2], name[2:])
}

// OpenArtifact returns an artifact's bytes and its size, or ErrNoArtifact.
func (j *Journal) OpenArtifact(sum []byte) (io.ReadSeekCloser, int64, error) {
	var inline []byte
	size := int64(-1)
	err := j.read.Query("SELECT size, inline FROM artifact WHERE sha256=?", func(c []driver.Value) error {
		size, inline = sqlog.Int64(c[0]), sqlog.Bytes(c[1])
		return nil
	}, sum)
	switch {
	case err != nil:
		return nil, 0, err
	case size < 0:
		return nil, 0, ErrNoArtifact
	case inline != nil || size == 0:
		return readSeekNopCloser{bytes.NewReader(inline)}, size, nil
	}
	f, err := os.Open(j.artifactPath(sum))
	return f, size, err
}

type readSeekNopCloser struct{ io.ReadSeeker }

func (readSeekNopCloser) Close() error { return nil }
