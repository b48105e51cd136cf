// Package listbook keeps the versions of the lists at the centre: files of those who keep the lists go in, and full and
// delta files for the lanes come out. Each list has a folder below lists in the hub's directory; a version is there, whole,
// when its entry NUMBER.json is.
package listbook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// Dir is the folder of the lists in the hub's directory.
const Dir = "lists"

// Names of a version's files.
const (
	entryEnd = ".json"
	fullEnd  = ".full"
	deltaEnd = ".delta"
	pending  = ".new-*" // of files that have no name yet
)

// Entry is what is known of a version.
type Entry struct {
	lists.Version
	By      string // who imported it
	Note    string // why, and which rows were left out
	Source  string // name of the file that was imported
	Skipped int64  // rows that were left out because they were refused
}

// entryFile is an Entry as its file has it.
type entryFile struct {
	Number  int64     `json:"number"`
	Issued  time.Time `json:"issued"`
	Rows    int64     `json:"rows"`
	SHA256  string    `json:"sha256"` // of the content, in hex
	By      string    `json:"by"`
	Note    string    `json:"note,omitempty"`
	Source  string    `json:"source,omitempty"`
	Skipped int64     `json:"skipped,omitempty"`
}

// Book is the lists of a hub. Several programs may use its directory at once.
type Book struct{ dir string }

// Open returns the book in a hub's directory; nothing needs to be there.
func Open(hubDir string) *Book { return &Book{filepath.Join(hubDir, Dir)} }

// folder is where a list's versions are.
func (b *Book) folder(kind lists.Kind) string { return filepath.Join(b.dir, string(kind)) }

func (b *Book) path(kind lists.Kind, number int64, end string) string {
	return filepath.Join(b.folder(kind), strconv.FormatInt(number, 10)+end)
}

// Versions returns all versions of a list, the newest first.
func (b *Book) Versions(kind lists.Kind) (all []Entry, err error) {
	if !kind.Known() {
		return nil, message.Errorf("lists.no-kind", message.Quoted("kind", string(kind)))
	}
	files, err := os.ReadDir(b.folder(kind))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range files {
		text, is := strings.CutSuffix(f.Name(), entryEnd)
		number, err := strconv.ParseInt(text, 10, 64)
		if !is || err != nil {
			continue
		}
		e, err := b.Version(kind, number)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(b.Number, a.Number) })
	return all, nil
}

// Version returns one version of a list.
func (b *Book) Version(kind lists.Kind, number int64) (e Entry, err error) {
	path := b.path(kind, number, entryEnd)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, noVersion(kind, number)
	}
	if err != nil {
		return e, err
	}
	var f entryFile
	if err := json.Unmarshal(text, &f); err != nil {
		return e, fmt.Errorf("%s: %w", path, err)
	}
	e = Entry{Version: lists.Version{Kind: kind, Number: f.Number, Issued: f.Issued, Rows: f.Rows}, By: f.By, Note: f.Note,
		Source: f.Source, Skipped: f.Skipped}
	if n, err := fmt.Sscanf(f.SHA256, "%x", &text); err != nil || n != 1 || len(text) != len(e.SHA256) {
		return e, fmt.Errorf("%s: sha256 %q", path, f.SHA256)
	}
	e.SHA256 = [32]byte(text)
	return e, nil
}

func noVersion(kind lists.Kind, number int64) error {
	return message.Errorf("lists.no-version", message.String("kind", string(kind)), message.Int("number", number))
}

// Full returns the path of a version's full file.
func (b *Book) Full(kind lists.Kind, number int64) (path string, err error) {
	_, err = b.Version(kind, number)
	return b.path(kind, number, fullEnd), err
}

// Delta returns the path of the file that makes version to of version from, which is written at the first call. With too
// many changes the error has the code lists.delta-too-large: the full file is for that.
func (b *Book) Delta(kind lists.Kind, from, to int64) (path string, err error) {
	path = filepath.Join(b.folder(kind), fmt.Sprintf("%d-%d%s", from, to, deltaEnd))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	err = b.both(kind, from, to, func(a, c *lists.Reader) error {
		return b.keep(kind, path, func(f *os.File) error { return lists.WriteDelta(f, a, c) })
	})
	return path, err
}

// Diff calls f with each row that differs between two versions of a list.
func (b *Book) Diff(kind lists.Kind, from, to int64, f func(lists.Difference) error) error {
	return b.both(kind, from, to, func(a, c *lists.Reader) error { return lists.Diff(a, c, f) })
}

// both opens the full files of two versions.
func (b *Book) both(kind lists.Kind, from, to int64, f func(from, to *lists.Reader) error) error {
	return b.read(kind, from, func(a *lists.Reader) error {
		return b.read(kind, to, func(c *lists.Reader) error { return f(a, c) })
	})
}

// read opens the full file of a version.
func (b *Book) read(kind lists.Kind, number int64, f func(*lists.Reader) error) (err error) {
	path, err := b.Full(kind, number)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r, err := lists.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer r.Close()
	return f(r)
}

// Rows calls f with each row of a version, in the order of their keys. The row's bytes are good until the next one.
func (b *Book) Rows(kind lists.Kind, number int64, f func(lists.Row) error) error {
	return b.read(kind, number, func(r *lists.Reader) error { return eachRow(r, f) })
}

// keep writes a file with all or nothing of its content, durably.
func (b *Book) keep(kind lists.Kind, path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(b.folder(kind), pending)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(f.Name(), path), sqlog.SyncDir(b.folder(kind)))
}
