package listbook

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/sheet"
	"lanewarden/firmware-config/lists/spill"
)

// sortMemory is how much of a list is sorted in memory; a larger one goes through a temporary file.
const sortMemory = 32 << 20

// Source is a file to import, and what is to be noted of it.
type Source struct {
	In          io.Reader
	Name        string // of the file
	By          string // who imports it
	Note        string
	SkipRefused bool // import the other rows when some are refused; the version's note says so
	MaxBytes    int64
}

// ErrRefused is the error of Import when something in the file was refused.
var ErrRefused = message.Errorf("lists.refused")

// Check reads a file as Import does and keeps nothing.
func Check(kind lists.Kind, in io.Reader, maxBytes int64) (*sheet.Report, error) {
	dir, err := os.MkdirTemp("", "lanehub-lists-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out, err := os.Create(filepath.Join(dir, "full"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	_, report, err := convert(kind, Source{In: in, MaxBytes: maxBytes}, dir, out)
	return report, err
}

// Import makes the next version of a list of a file. When something is refused nothing is imported, the error is
// ErrRefused, and the report says what; with SkipRefused the other rows are. A file whose rows are those of the newest
// version makes none.
func (b *Book) Import(kind lists.Kind, s Source) (e Entry, report *sheet.Report, err error) {
	unlock, err := b.lock(kind)
	if err != nil {
		return e, nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	all, err := b.Versions(kind)
	if err != nil {
		return e, nil, err
	}
	e.Number = 1
	if len(all) > 0 {
		e.Number = all[0].Number + 1
	}
	full := b.path(kind, e.Number, fullEnd)
	err = b.keep(kind, full, func(f *os.File) (err error) {
		e, report, err = b.fill(kind, s, e.Number, f)
		if err == nil && len(all) > 0 && all[0].SHA256 == e.SHA256 {
			err = message.Errorf("lists.same", message.Int("number", all[0].Number))
		}
		return err
	})
	if err != nil {
		return e, report, err
	}
	return e, report, b.keepEntry(e)
}

// fill writes the full file of the next version.
func (b *Book) fill(kind lists.Kind, s Source, number int64, f *os.File) (e Entry, report *sheet.Report, err error) {
	c, report, err := convert(kind, s, b.folder(kind), f)
	if err != nil {
		return e, report, err
	}
	refused := report.Count() > 0
	if refused && (!s.SkipRefused || report.Rows == 0) {
		return e, report, ErrRefused
	}
	e = Entry{By: s.By, Note: s.Note, Source: s.Name, Skipped: report.Refused}
	e.Version = lists.Version{Kind: kind, Number: number, Issued: time.Now().UTC().Truncate(time.Second), Rows: report.Rows,
		SHA256: c.sum.Name(kind, report.Rows)}
	if refused {
		e.Note = skippedNote(s.Note, report.Refused)
	}
	return e, report, c.out.Close(lists.Header{Version: e.Version})
}

// skippedNote adds to a note, in English, that rows were left out.
func skippedNote(note string, rows int64) string {
	more := message.New("lists.skipped-note", message.Int("rows", rows))
	if note == "" {
		return more.English()
	}
	return message.New("lists.note-and", message.String("note", note), message.Nested("more", more)).English()
}

// keepEntry writes what is known of a version, which makes it one.
func (b *Book) keepEntry(e Entry) error {
	text, err := json.MarshalIndent(entryFile{Number: e.Number, Issued: e.Issued, Rows: e.Rows, SHA256: hex.EncodeToString(e.SHA256[:]),
		By: e.By, Note: e.Note, Source: e.Source, Skipped: e.Skipped}, "", "  ")
	if err != nil {
		return err
	}
	return b.keep(e.Kind, b.path(e.Kind, e.Number, entryEnd), func(f *os.File) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
}

// lock makes the list's folder and keeps others from importing at the same time. It removes what killed ones left.
func (b *Book) lock(kind lists.Kind) (unlock func() error, err error) {
	if !kind.Known() {
		return nil, message.Errorf("lists.no-kind", message.Quoted("kind", string(kind)))
	}
	folder := b.folder(kind)
	if err := sqlog.MakeDir(folder); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(folder, ".lock"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(message.Errorf("lists.one-import", message.String("dir", folder)), f.Close())
	}
	return f.Close, removeLeft(folder)
}

// leftAfter is how old a file without a name is when nobody writes it any more.
const leftAfter = 24 * time.Hour

// removeLeft removes what programs left that were killed.
func removeLeft(folder string) (err error) {
	left, err := filepath.Glob(filepath.Join(folder, pending))
	for _, path := range left {
		if info, statErr := os.Stat(path); statErr == nil && time.Since(info.ModTime()) > leftAfter {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// conversion is a file on its way into a full one.
type conversion struct {
	out    *lists.Writer
	sum    lists.Sum
	report *sheet.Report
	// held is the row before, until the next key shows that it is the only one of its own.
	held  lists.Row
	first int // line of the first row with the held key
	twice bool
}

// convert reads a file, sorts its rows and writes them to out, without a header. Rows with the same key are all refused:
// which of them holds is not for a program to say.
func convert(kind lists.Kind, s Source, dir string, out *os.File) (*conversion, *sheet.Report, error) {
	sorter := spill.New(dir, sortMemory)
	defer sorter.Close()
	if s.MaxBytes == 0 {
		s.MaxBytes = sheet.DefaultMaxBytes
	}
	report, err := sheet.Read(kind, s.In, s.MaxBytes, func(line int, r lists.Row) error {
		return sorter.Add(r.Key, append(binary.AppendUvarint(nil, uint64(line)), r.Value...))
	})
	if err != nil {
		return nil, report, err
	}
	w, err := lists.NewWriter(out)
	if err != nil {
		return nil, report, err
	}
	c := &conversion{out: w, report: report}
	for r, err := range sorter.All() {
		if err != nil {
			return nil, report, err
		}
		line, n := binary.Uvarint(r.Value)
		if err := c.add(lists.Row{Key: r.Key, Value: r.Value[n:]}, int(line)); err != nil {
			return nil, report, err
		}
	}
	err = c.release()
	slices.SortStableFunc(report.Refusals, func(a, b sheet.Refusal) int { return cmp.Compare(a.Line, b.Line) })
	return c, report, err
}

// add takes the next row by the order of keys.
func (c *conversion) add(r lists.Row, line int) error {
	if c.held.Key != nil && bytes.Equal(c.held.Key, r.Key) {
		c.refuse(line)
		c.twice = true
		return nil
	}
	if err := c.release(); err != nil {
		return err
	}
	c.held = lists.Row{Key: append(c.held.Key[:0], r.Key...), Value: append(c.held.Value[:0], r.Value...)}
	c.first, c.twice = line, false
	return nil
}

// refuse says that a row has the key of one before.
func (c *conversion) refuse(line int) {
	c.report.Rows--
	c.report.Refused++
	c.report.Refuse(sheet.Refusal{Line: line, Why: message.New("lists.twice", message.Int("first", c.first))})
}

// release writes the held row, if it is the only one with its key.
func (c *conversion) release() error {
	switch {
	case c.held.Key == nil:
		return nil
	case c.twice:
		c.report.Rows--
		c.report.Refused++
		return nil
	default:
		c.sum.Add(c.held)
		return c.out.Put(c.held)
	}
}

// eachRow reads a full file to its end.
func eachRow(r *lists.Reader, f func(lists.Row) error) error {
	for {
		c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(c.Row); err != nil {
			return err
		}
	}
}
