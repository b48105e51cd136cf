package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Folder is a drop folder: other programs put files in, the agent takes them. A file that was dealt with moves to
// done/, one that cannot be read to bad/ with the reason beside it, FILE.reason. Settle is how long a file that
// nobody announced must not have changed; KeepDone how long files stay in done/, 0 for ever.
type Folder struct {
	Path     string        `yaml:"path" required:"true" example:"/srv/lane-1/n42"`
	Settle   time.Duration `yaml:"settle" default:"10s" min:"1s"`
	KeepDone time.Duration `yaml:"keep_done" default:"168h"`
}

// rescan is the interval at which the folder is listed beside inotify's events: events get lost, shares send none.
const rescan = 2 * time.Second

// BadFileError means that a file cannot be read, ever: it moves to bad/. Any other error leaves it for another try.
type BadFileError struct{ Err error }

// Error returns what is wrong with the file, without its name.
func (e *BadFileError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with the file.
func (e *BadFileError) Unwrap() error { return e.Err }

// Watch calls handle with each file that is whole, one at a time, in the order of their names, until ctx ends. When
// handle returns nil the file moves to done/; upon a BadFileError to bad/; upon any other error it stays and is
// tried again after retryAfter, while other files go on. A kill between handle and move makes handle see the file
// again. Watch calls ready, before any handle, once the folder is watched. It returns an error only when the folder
// itself cannot be used.
func (f Folder) Watch(ctx context.Context, ready func(), handle func(ctx context.Context, path string) error) error {
	for _, dir := range []string{f.Path, f.sub("done"), f.sub("bad")} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	in, err := newNotifier(f.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	defer in.close()
	ready()
	w := folderWatch{Folder: f, handle: handle, whole: map[string]bool{}, seen: map[string]sighting{},
		retry: map[string]time.Time{}, done: map[string]time.Time{}}
	for {
		if err := w.scan(ctx); err != nil {
			return err
		}
		if err := in.wait(ctx, rescan, w.whole); err != nil {
			return err
		}
	}
}

// FileName returns the name of a file, without directories, as text: bytes that are no UTF-8, as old programs and
// memory cards leave them, become U+FFFD, so that a page shows the same as the journal.
func FileName(path string) string { return strings.ToValidUTF8(filepath.Base(path), "\uFFFD") }

func (f Folder) sub(name string) string { return filepath.Join(f.Path, name) }

// stamp reports whether a file changed between two looks.
type stamp struct {
	size  int64
	mtime time.Time
}

// sighting is how long a file has been as it is: since when this run sees it so.
type sighting struct {
	stamp
	since time.Time
}

// settled reports whether a file has not changed for a time. Its own time counts when it is in the past; a clock that is
// behind, as on a box that begins in 1970, makes it one of the future, and then what this run has seen counts.
func (s sighting) settled(d time.Duration) bool {
	return time.Since(s.mtime) >= d || time.Since(s.since) >= d
}

// retryAfter is the pause before a file is read again after an error that may pass, such as a full journal.
const retryAfter = 5 * time.Second

// folderWatch is one run of Watch. The maps are by file name.
type folderWatch struct {
	Folder
	handle func(context.Context, string) error
	whole  map[string]bool      // names that were announced: closed after writing, or moved in
	seen   map[string]sighting  // the others, as they were at the last scan
	retry  map[string]time.Time // not before then
	done   map[string]time.Time // since when this run sees files in done/
}

// scan handles every file that is whole: closed after writing, moved in, or, where no event says so (network
// shares), unchanged since the last scan and for Settle.
func (w *folderWatch) scan(ctx context.Context) error {
	entries, err := os.ReadDir(w.Path)
	if err != nil {
		return err
	}
	present := map[string]sighting{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || temporary(e.Name()) {
			continue
		}
		s, before := sighting{stamp{info.Size(), info.ModTime()}, time.Now()}, w.seen[e.Name()]
		unchanged := before.stamp == s.stamp
		if unchanged {
			s.since = before.since
		}
		if !w.whole[e.Name()] && !(unchanged && s.settled(w.Settle)) {
			present[e.Name()] = s
			continue
		}
		if time.Now().Before(w.retry[e.Name()]) {
			present[e.Name()] = s
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.handleFile(ctx, e.Name()); err != nil {
			return err
		}
	}
	w.seen = present
	return w.prune()
}

// temporary reports whether a name is one under which programs write files that are not whole.
func temporary(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{".tmp", ".part", ".partial", ".filepart", ".reason"}, filepath.Ext(name))
}

// handleFile has one file handled and puts it aside. Its error is that of the folder.
func (w *folderWatch) handleFile(ctx context.Context, name string) error {
	err := w.handle(ctx, filepath.Join(w.Path, name))
	var bad *BadFileError
	switch {
	case err == nil:
		err = w.move(name, "done", "")
	case errors.As(err, &bad):
		err = w.move(name, "bad", bad.Error())
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		w.retry[name] = time.Now().Add(retryAfter)
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // whoever put it there took it away
	}
	delete(w.whole, name)
	delete(w.retry, name)
	return err
}

// move puts a file aside under a name that is free there ("a.n42", "a.n42.1", ...), with the reason beside it when
// there is one. The reason is written first, so that no file stands in bad/ without one.
func (w *folderWatch) move(name, sub, reason string) error {
	to := filepath.Join(w.sub(sub), name)
	for i := 1; exists(to); i++ {
		to = filepath.Join(w.sub(sub), fmt.Sprintf("%s.%d", name, i))
	}
	if reason != "" {
		if err := os.WriteFile(to+".reason", []byte(reason+"\n"), 0o640); err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(w.Path, name), to)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// doneGrace is how long this run must have seen a file in done/ before it deletes it: a clock that is years ahead, until
// it is set, deletes nothing by mistake.
const doneGrace = 6 * time.Hour

// prune deletes what has been in done/ for longer than KeepDone. When a file came there is the time of its last change of
// name; its own time is when it was written, which may be long before.
func (w *folderWatch) prune() error {
	if w.KeepDone == 0 {
		return nil
	}
	entries, err := os.ReadDir(w.sub("done"))
	if err != nil {
		return err
	}
	seen := make(map[string]time.Time, len(entries))
	for _, e := range entries {
		since, known := w.done[e.Name()]
		if !known {
			since = time.Now()
		}
		seen[e.Name()] = since
		info, err := e.Info()
		if err != nil || !w.expired(time.Since(movedAt(info)), time.Since(since)) {
			continue
		}
		if err := os.Remove(filepath.Join(w.sub("done"), e.Name())); err != nil {
			return err
		}
	}
	w.done = seen
	return nil
}

// expired reports whether a file is deleted that has been in done/ for a time by the clock, and that this run has seen
// there for another.
func (f Folder) expired(byClock, seen time.Duration) bool {
	return byClock >= f.KeepDone && seen >= min(f.KeepDone, doneGrace)
}

// movedAt returns when a file got its name, its own time where the system does not tell.
func movedAt(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return info.ModTime()
}
