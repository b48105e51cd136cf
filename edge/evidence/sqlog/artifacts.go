package sqlog

import (
	"bytes"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/drivers/observation/coded"
	"lanewarden/edge/evidence/personal"
)

// Artifacts are kept the same way in journal and ledger: a row in a table artifact(sha256, size, inline, ...), the bytes
// inline up to InlineMax, larger ones as files below ArtifactDir.
const (
	InlineMax   = 64 << 10
	ArtifactDir = "artifacts" // in the database's directory
)

// ArtifactPath returns where the artifact of a SHA-256 is kept below dir, the database's directory.
func ArtifactPath(dir string, sum []byte) string {
	name := hex.EncodeToString(sum)
	return filepath.Join(dir, ArtifactDir, name[:2], name[2:])
}

// SyncDir makes names that were added to a directory durable: syncing a file does not sync its name
// (fsync(2)).
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MakeDir makes a directory and those above it that are missing, and makes their names durable: a file is only as
// durable as the path to it.
func MakeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MakeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

// BytesBelow returns the bytes of all files below a directory, 0 when there is none.
func BytesBelow(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && !d.IsDir() {
			if info, err = d.Info(); err == nil {
				total += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
			return nil
		}
		return err
	})
	return total, err
}

// ArtifactReport is the outcome of CheckArtifacts.
type ArtifactReport struct {
	Count    int
	Bytes    int64
	Sealed   int     // could not be opened
	Findings []error // what is wrong
}

// CheckArtifacts hashes all artifacts of the database in dir that a condition (SQL) selects, and
// compares each hash with its name. What is wrong is among the report's findings; an error is of
// the database. It reads every byte, and ends early when the DB's context does (StopWith), between
// two artifacts. Artifacts that are sealed and that the sealer cannot open are counted, not hashed.
func CheckArtifacts(db *DB, sealer *personal.Sealer, dir, where string) (r ArtifactReport, err error) {
	query := "SELECT sha256, size, inline FROM artifact WHERE " + where + " ORDER BY sha256"
	err = db.Query(query, func(c []driver.Value) error {
		sum, size := Bytes(c[0]), Int64(c[1])
		if len(sum) != sha256.Size {
			length := coded.Value("n", len(sum))
			r.Findings = append(r.Findings, coded.New("evidence.artifact-name", length))
			return nil
		}
		r.Count++
		r.Bytes += size
		inline, err := personal.Inline(sealer, Bytes(c[2]), sum, size)
		if err != nil {
			r.Sealed++
			return nil
		}
		if why := checkArtifact(dir, sum, size, inline); why != nil {
			name := coded.Value("name", fmt.Sprintf("%x", sum))
			r.Findings = append(r.Findings, coded.New("evidence.artifact", name, coded.Nested("why", why)))
		}
		return nil
	})
	return r, err
}

// checkArtifact returns what is wrong with one artifact, nil for nothing. An empty artifact has no
// file.
func checkArtifact(dir string, sum []byte, size int64, inline []byte) error {
	var in io.Reader = bytes.NewReader(inline)
	if inline == nil && size > 0 {
		f, err := os.Open(ArtifactPath(dir, sum))
		if err != nil {
			return coded.New("evidence.artifact-missing", coded.CausedBy(err))
		}
		defer f.Close()
		in = f
	}
	h := sha256.New()
	n, err := io.Copy(h, in)
	switch {
	case err != nil:
		return coded.New("evidence.artifact-unread", coded.CausedBy(err))
	case n != size || !bytes.Equal(h.Sum(nil), sum):
		return coded.New("evidence.artifact-changed", coded.Value("n", int(n)),
			coded.Value("sum", fmt.Sprintf("%x", h.Sum(nil))), coded.Number("size", size))
	}
	return nil
}
