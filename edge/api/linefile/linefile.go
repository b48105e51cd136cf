// Package linefile keeps lists of who may do something in text files that people edit too: a line each, empty lines and
// those that begin with # left out. Programs replace such a file as a whole, and servers read it again when it changed.
package linefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
)

// maxBytes bounds a file: some 10,000 lines.
const maxBytes = 1 << 20

// Parse parses lines. parse gets a line without the blanks around it; name returns what no two
// lines may have in common. An error names the line, counted from 1.
func Parse[T any](text []byte, parse func(line string) (T, error), name func(T) string) (all []T, err error) {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		one, err := parse(line)
		if err == nil && slices.ContainsFunc(all, func(o T) bool { return name(o) == name(one) }) {
			err = message.Errorf("linefile.twice", message.String("name", name(one)))
		}
		if err != nil {
			return nil, message.Wrap(err, "linefile.line", message.String("line", strconv.Itoa(n)))
		}
		all = append(all, one)
	}
	return all, nil
}

// Read returns what parse makes of a file. One that is not there is an error of fs.ErrNotExist; other errors name the
// file.
func Read[T any](path string, parse func([]byte) (T, error)) (value T, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return value, err
	}
	if info.Size() > maxBytes {
		return value, message.Errorf("linefile.large", message.String("file", path), message.Int("bytes", maxBytes))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return value, err
	}
	if value, err = parse(text); err != nil {
		return value, fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}

// ReadList is Read for programs that edit a list: a file that is not there is an empty one.
func ReadList[T any](path string, parse func([]byte) ([]T, error)) ([]T, error) {
	all, err := Read(path, parse)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

// Write replaces a file, whole or not at all. It keeps the rights that the file has; a new one is its owner's alone.
func Write(path string, text []byte) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return Replace(path, text, mode)
}

// Replace makes or replaces a file with the rights of mode, whole or not at all, and durably. Run by root, the file
// gets the owner that it had, or a new one the owner of its folder: the programs have users of their own.
func Replace(path string, text []byte, mode fs.FileMode) error {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(text)
	if err = errors.Join(err, keepOwner(part, path), part.Chmod(mode), part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return err
	}
	return sqlog.SyncDir(filepath.Dir(path))
}

// keepOwner gives a file, when root runs this, to the owner of another one, or of that one's folder where it is missing.
func keepOwner(f *os.File, like string) error {
	if _, err := os.Stat(like); err != nil {
		like = filepath.Dir(like)
	}
	return own(f.Name(), like)
}

// Adopt gives a new folder, when root made it, to the owner of the folder that it is in.
func Adopt(dir string) error { return own(dir, filepath.Dir(dir)) }

func own(path, like string) error {
	var info unix.Stat_t
	if os.Geteuid() != 0 {
		return nil
	}
	if err := unix.Stat(like, &info); err != nil {
		return err
	}
	return os.Chown(path, int(info.Uid), int(info.Gid))
}

// Watched is a file that is read again when it changed. It is not for several goroutines at a time.
type Watched[T any] struct {
	Value T // what was read last

	path  string
	parse func([]byte) (T, error)
	read  time.Time // of the file, when it was read
	size  int64
}

// Open reads a file, which must exist and be valid.
func Open[T any](path string, parse func([]byte) (T, error)) (*Watched[T], error) {
	w := &Watched[T]{path: path, parse: parse}
	return w, w.Refresh()
}

// Refresh reads the file again if its size or modification time changed. A file that cannot be
// read, or is gone, is an error and leaves Value as it was: a half-written file must not lock
// everybody out.
func (w *Watched[T]) Refresh() error {
	info, err := os.Stat(w.path)
	if err != nil || info.ModTime().Equal(w.read) && info.Size() == w.size {
		return err
	}
	value, err := Read(w.path, w.parse)
	if err != nil {
		return err
	}
	w.Value, w.read, w.size = value, info.ModTime(), info.Size()
	return nil
}
