// Package liststore keeps the lists of a lane: full and delta files go in, and clearance looks rows up. Each list is an
// SQLite file of its own in the store's directory, KIND-NUMBER.db by the version with which it was built. A full file is
// built beside the one in force and takes its place by a rename; a delta is one transaction. Whatever ends the program,
// the old or the new version is in force, whole. docs/lists.md has the layout.
package liststore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/lane/clearance"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/spill"
)

// Names of files in the store's directory.
const (
	extension    = ".db"
	buildingName = "building" + extension // a list that has no name yet
	damagedMark  = ".damaged"             // behind the name of a file that was set aside
)

// sides are what SQLite has beside a database.
var sides = []string{"", "-wal", "-shm", "-journal"}

// Store is the lists of one lane. Its methods may be called from several goroutines.
type Store struct {
	dir        string
	installing sync.Mutex   // one file at a time
	mu         sync.RWMutex // held for reading while somebody looks, for writing at the moment of a switch
	open       map[lists.Kind]*list
	problems   []error
	step       func(name string) // tests end the program at these
}

// Open opens the lists in dir, which is made when it is not there. It reads each file once from beginning to end. A
// damaged one is set aside, and Problems says so; the one before is in force if it is still there.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, open: map[lists.Kind]*list{}, step: func(string) {}}
	if err := sqlog.MakeDir(dir); err != nil {
		return nil, err
	}
	if err := errors.Join(removeAll(filepath.Join(dir, buildingName)), s.removeSorts()); err != nil {
		return nil, err
	}
	for _, kind := range lists.Kinds() {
		if err := s.openKind(kind); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// removeSorts removes temporary files of an index that was being sorted when the program ended.
func (s *Store) removeSorts() error {
	left, err := filepath.Glob(filepath.Join(s.dir, spill.Pattern))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// openKind opens the newest sound file of a list and removes the older ones.
func (s *Store) openKind(kind lists.Kind) error {
	numbers, err := s.numbers(kind)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		path := s.path(kind, number)
		if s.open[kind] != nil {
			if err := removeAll(path); err != nil {
				return err
			}
			continue
		}
		l, err := openList(path, kind, true)
		if err == nil {
			s.open[kind] = l
		} else if sqlog.IsMachine(err) && !sqlog.IsCorrupt(err) {
			return err
		} else if err := s.setAside(path, kind, err); err != nil {
			return err
		}
	}
	return nil
}

// numbers returns the versions of a list's files, newest first.
func (s *Store) numbers(kind lists.Kind) (all []int64, err error) {
	entries, err := os.ReadDir(s.dir)
	for _, e := range entries {
		name, is := strings.CutSuffix(e.Name(), extension)
		text, ours := strings.CutPrefix(name, string(kind)+"-")
		if n, err := strconv.ParseInt(text, 10, 64); is && ours && err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all, err
}

func (s *Store) path(kind lists.Kind, number int64) string {
	return filepath.Join(s.dir, string(kind)+"-"+strconv.FormatInt(number, 10)+extension)
}

// setAside gives a damaged file another name and notes why. One that was set aside before makes room.
func (s *Store) setAside(path string, kind lists.Kind, why error) error {
	s.problems = append(s.problems, message.Wrap(why, "lists.set-aside", message.String("kind", string(kind)),
		message.String("path", path+damagedMark)))
	var errs []error
	for _, side := range sides {
		if err := os.Rename(path+side, path+damagedMark+side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, sqlog.SyncDir(s.dir))...)
}

// Problems returns what was wrong with the files when the store was opened.
func (s *Store) Problems() []error { return s.problems }

// View calls f with the lists as they are, and switches none of them before f returns: a decision is by one version of
// each. f must not keep the lists, nor install one.
func (s *Store) View(f func(clearance.Lists) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return f(view{s.open})
}

// Versions returns what is in force, by name.
func (s *Store) Versions() []lists.Version {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return view{s.open}.Versions()
}

// Close closes all files.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, l := range s.open {
		errs = append(errs, l.close())
	}
	s.open = map[lists.Kind]*list{}
	return errors.Join(errs...)
}

// Install puts a full or delta file of a list into force. Where it came from must have been checked: Install refuses what
// is not whole, is not newer than what is in force, is a delta of another version, or has not the content that its
// header names. After an error the version before is in force.
func (s *Store) Install(ctx context.Context, file io.Reader) (lists.Version, error) {
	s.installing.Lock()
	defer s.installing.Unlock()
	in, err := lists.NewReader(file)
	if err != nil {
		return lists.Version{}, err
	}
	defer in.Close()
	h := in.Header
	s.mu.RLock()
	now := s.open[h.Kind]
	s.mu.RUnlock()
	if now != nil && h.Number <= now.Number {
		return h.Version, message.Errorf("lists.not-newer", message.String("kind", string(h.Kind)),
			message.Int("number", h.Number), message.Int("now", now.Number))
	}
	s.step("begun")
	if h.Base == nil {
		return h.Version, s.replace(ctx, in)
	}
	if now == nil || now.Number != h.Base.Number || now.SHA256 != h.Base.SHA256 {
		return h.Version, otherBase(h, now)
	}
	return h.Version, s.change(ctx, now, in)
}

// otherBase says that a delta is for another version than the one in force.
func otherBase(h lists.Header, now *list) error {
	if now == nil {
		return message.Errorf("lists.no-base", message.String("kind", string(h.Kind)), message.Int("base", h.Base.Number))
	}
	return message.Errorf("lists.other-base", message.String("kind", string(h.Kind)), message.Int("base", h.Base.Number),
		message.Int("now", now.Number))
}

// replace builds a list of a full file and switches to it.
func (s *Store) replace(ctx context.Context, in *lists.Reader) (err error) {
	building := filepath.Join(s.dir, buildingName)
	defer func() { err = errors.Join(err, removeAll(building)) }() // none is left when it got its name
	index := spill.New(s.dir, sortMemory)
	defer func() { err = errors.Join(err, index.Close()) }()
	if err := removeAll(building); err != nil {
		return err
	}
	if err := build(ctx, building, in, index); err != nil {
		return err
	}
	s.step("built")
	if err := syncFile(building); err != nil {
		return err
	}
	s.step("synced")
	h := in.Header
	path := s.path(h.Kind, h.Number)
	if err := errors.Join(removeAll(path), os.Rename(building, path), sqlog.SyncDir(s.dir)); err != nil {
		return err
	}
	s.step("renamed")
	next, err := openList(path, h.Kind, false)
	if err != nil {
		return errors.Join(err, removeAll(path))
	}
	s.mu.Lock()
	old := s.open[h.Kind]
	s.open[h.Kind] = next
	s.mu.Unlock()
	s.step("switched")
	if old == nil {
		return nil
	}
	err = errors.Join(old.close(), removeAll(old.db.Path()), sqlog.SyncDir(s.dir))
	s.step("old-removed")
	return err
}

// change applies a delta to the file in force. Readers see the version before until the commit.
func (s *Store) change(ctx context.Context, now *list, in *lists.Reader) (err error) {
	db, err := sqlog.Open(now.db.Path(), sqlog.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	u := new(unpacker)
	var next contents
	locked := false
	err = db.Tx(func() error {
		m, err := readMeta(db)
		if err != nil {
			return err
		}
		if err := applyDelta(ctx, db, u, m, in); err != nil {
			return err
		}
		if next, err = readContents(db, u); err != nil {
			return err
		}
		s.step("applied")
		s.mu.Lock() // until the commit: nobody sees half of his rows before it and half behind
		locked = true
		return nil
	})
	if locked {
		if err == nil {
			err = now.begin()
			now.contents = next
		}
		s.mu.Unlock()
	}
	if err != nil {
		return err
	}
	s.step("committed")
	return s.emptyLog(now, db)
}

// emptyLog moves a delta from the write-ahead log into the file: most of it while others look, the rest, which is to cut
// the log off, in a moment when nobody does. What a disk refuses here comes later: the delta is in force.
func (s *Store) emptyLog(now *list, db *sqlog.DB) error {
	if _, err := db.EmptyLog(); err != nil {
		return err
	}
	s.step("log-copied")
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := now.release(); err != nil {
		return err
	}
	_, err := db.EmptyLog()
	err = errors.Join(err, now.begin())
	s.step("log-emptied")
	return err
}

// removeAll removes a database with what is beside it; none of it needs to be there.
func removeAll(path string) error {
	var errs []error
	for _, side := range sides {
		if err := os.Remove(path + side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
