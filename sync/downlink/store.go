package downlink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire/layout"
)

// store keeps target files by their SHA-256, each whole and checked, and those that are on their way. Together they
// take at most most bytes: the ones that were used longest ago go first.
type store struct {
	dir  string
	most int64
}

// The folders of a store.
const (
	wholeDir   = "whole"
	partialDir = "partial"
)

func openStore(dir string, most int64) (*store, error) {
	for _, sub := range []string{wholeDir, partialDir} {
		if err := sqlog.MakeDir(filepath.Join(dir, sub)); err != nil {
			return nil, err
		}
	}
	return &store{dir, most}, nil
}

func (s *store) whole(sum []byte) string {
	return filepath.Join(s.dir, wholeDir, hex.EncodeToString(sum))
}

func (s *store) partial(sum []byte) string {
	return filepath.Join(s.dir, partialDir, hex.EncodeToString(sum))
}

// has reports whether a target is here whole.
func (s *store) has(t Target) bool {
	info, err := os.Stat(s.whole(t.SHA256))
	return err == nil && info.Size() == t.Length
}

// get returns the file of a target, which it fetches where it is not here, from where an earlier try ended. progress
// is told how many bytes are here.
func (s *store) get(ctx context.Context, f Fetcher, t Target, progress func(int64)) (string, error) {
	path := s.whole(t.SHA256)
	if s.has(t) {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // it is in use: others go first
		return path, sameSum(path, t)
	}
	if err := s.makeRoom(t); err != nil {
		return "", err
	}
	part, err := os.OpenFile(s.partial(t.SHA256), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer part.Close()
	err = s.fill(ctx, f, t, part, progress)
	if err == nil {
		err = errors.Join(part.Sync(), sameSum(part.Name(), t))
	}
	if refusalOf(err) != "" {
		return "", errors.Join(err, os.Remove(part.Name()))
	}
	if err != nil {
		return "", err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return "", err
	}
	return path, sqlog.SyncDir(filepath.Dir(path))
}

// fill fetches what is not in a file yet.
func (s *store) fill(ctx context.Context, f Fetcher, t Target, part *os.File, progress func(int64)) error {
	at, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if at > t.Length {
		at = 0
		if err := part.Truncate(0); err != nil {
			return err
		}
	}
	name := layout.File(layout.Join(t.Path, t.Site), t.SHA256)
	for at < t.Length {
		progress(at)
		data, total, err := f.Fetch(ctx, name, at, partSize)
		if err != nil {
			return err
		}
		if total > t.Length || at+int64(len(data)) > t.Length {
			return message.Errorf("orders.too-large", message.String("file", t.Path), message.Int("most", t.Length))
		}
		if total < t.Length || len(data) == 0 {
			return message.Errorf("orders.truncated", message.String("file", t.Path), message.Int("bytes", total),
				message.Int("want", t.Length))
		}
		if _, err := part.WriteAt(data, at); err != nil {
			return err
		}
		at += int64(len(data))
	}
	progress(at)
	return nil
}

// sameSum hashes a file. One that is not what was signed is removed.
func sameSum(path string, t Target) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), t.SHA256) {
		return errors.Join(message.Errorf("orders.wrong-hash", message.String("file", t.Path)), os.Remove(path))
	}
	return nil
}

// makeRoom removes files until a target has room.
func (s *store) makeRoom(t Target) error {
	type kept struct {
		path string
		size int64
		used time.Time
	}
	var all []kept
	var sum int64
	for _, sub := range []string{wholeDir, partialDir} {
		entries, err := os.ReadDir(filepath.Join(s.dir, sub))
		if err != nil {
			return err
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || e.Name() == hex.EncodeToString(t.SHA256) {
				continue
			}
			all = append(all, kept{filepath.Join(s.dir, sub, e.Name()), info.Size(), info.ModTime()})
			sum += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	for _, k := range all {
		if sum+t.Length <= s.most {
			break
		}
		if err := os.Remove(k.path); err != nil {
			return err
		}
		sum -= k.size
	}
	if sum+t.Length > s.most {
		return message.Errorf("orders.disk", message.String("file", t.Path), message.Int("bytes", t.Length),
			message.Int("most", s.most))
	}
	return nil
}
