package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
)

func readAll(t *testing.T, dir string) (out []Record) {
	t.Helper()
	if err := ReadTape(dir, func(r Record) error { out = append(out, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTapeIsABoundedRing(t *testing.T) {
	dir := t.TempDir()
	tape := OpenTape(dir, minSegmentBytes*segmentsOnTape)
	const n, size = 3000, 1000
	for i := range n {
		tape.Record(Record{At: time.Unix(int64(i), 0), Kind: RecordIn, Data: bytes.Repeat([]byte{byte(i)}, size)})
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	var total int64
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if limit := int64(minSegmentBytes * (segmentsOnTape + 1)); total > limit {
		t.Errorf("the tape takes %d bytes, more than %d", total, limit)
	}
	got := readAll(t, dir)
	if last := got[len(got)-1]; last.At.Unix() != n-1 || last.Data[0] != byte((n-1)%256) || len(got) < 300 {
		t.Errorf("%d records, the last %v", len(got), last.At)
	}
	tape.Record(Record{})
	if tape.Lost() != 1 {
		t.Error("a record on a closed tape was not counted as lost")
	}
}

func TestTapeOutlivesTornRecordsAndRestarts(t *testing.T) {
	dir := t.TempDir()
	for round := range 30 { // many restarts must not push the older records out
		tape := OpenTape(dir, 1<<20)
		tape.Record(Record{At: time.Unix(int64(round), 0), Kind: RecordIn, Data: []byte("whole")})
		tape.Record(Record{At: time.Unix(int64(round), 0), Kind: RecordIn, Data: []byte("torn")})
		path := segmentPath(dir, tape.segment)
		tape.Close()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-2); err != nil {
			t.Fatal(err)
		}
	}
	got := readAll(t, dir)
	if len(got) != 30 {
		t.Errorf("%d whole records of 30", len(got))
	}
	for _, r := range got {
		if string(r.Data) != "whole" {
			t.Errorf("record %q", r.Data)
		}
	}
}

// peer is a TCP server that a test drives.
func peer(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestStreamReplaysWhatWasNotSettled(t *testing.T) {
	dir := t.TempDir()
	l := peer(t)
	link := Link{Address: l.Addr().String()}
	ctx := t.Context()
	open := func() (Stream, *Tape) {
		tape := OpenTape(dir, 1<<20)
		o, err := NewOpener(tape)
		if err != nil {
			t.Fatal(err)
		}
		s, err := o.Open(ctx, link)
		if err != nil {
			t.Fatal(err)
		}
		return s, tape
	}
	read := func(s Stream) Chunk {
		for {
			c, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Data) > 0 || c.Break {
				c.Data = bytes.Clone(c.Data)
				return c
			}
		}
	}
	first, tape := open()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "settled")
	read(first)
	first.Settled()
	fmt.Fprint(c, "under way")
	want := read(first)
	tape.Close() // and the process dies: nothing closes the stream
	c.Close()

	second, tape := open()
	defer tape.Close()
	if got := read(second); string(got.Data) != "under way" || !got.At.Equal(want.At) {
		t.Errorf("replayed %q at %s, want %q at %s", got.Data, got.At, want.Data, want.At)
	}
	if got := read(second); !got.Break {
		t.Errorf("after the replay came %+v, not a break", got)
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			fmt.Fprint(c, "live")
			c.Close()
		}
	}()
	if got := read(second); string(got.Data) != "live" {
		t.Errorf("live %q", got.Data)
	}
	for {
		if _, err := second.Next(ctx); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("end of the connection: %v", err)
			}
			break
		}
	}
	second.Close()
}

func TestSerialLineOverAPseudoTerminal(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetUint32(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("pseudo-terminal: %v", err)
	}
	o, err := NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(t.Context(), Link{Serial: &Serial{Port: fmt.Sprintf("/dev/pts/%d", n), Baud: 9600, DataBits: 8, StopBits: 1}})
	if err != nil {
		t.Skipf("this kernel's pseudo-terminals are no serial lines: %v", err)
	}
	defer s.Close()
	fmt.Fprint(master, "hello\n")
	var got []byte
	for len(got) < 6 {
		c, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Data...)
	}
	if string(got) != "hello\n" {
		t.Errorf("read %q", got)
	}
}

func TestSerialErrorsSayWhatToDo(t *testing.T) {
	_, err := (&Serial{Port: "/dev/does-not-exist"}).open()
	if err == nil || !bytes.Contains([]byte(message.Of(err).English()), []byte("plugged in")) {
		t.Errorf("error %v", err)
	}
}

func TestLinkCheck(t *testing.T) {
	for _, l := range []Link{{}, {Address: "a:1", Serial: &Serial{}}} {
		if l.Check() == nil {
			t.Errorf("%+v was accepted", l)
		}
	}
}

// done/ is emptied of what has been there for long, by the clock and by what this run has seen.
func TestFolderPrunesDone(t *testing.T) {
	week := Folder{KeepDone: 7 * 24 * time.Hour}
	for _, c := range []struct {
		byClock, seen time.Duration
		want          bool
	}{
		{8 * 24 * time.Hour, 8 * 24 * time.Hour, true},
		{8 * 24 * time.Hour, 7 * time.Hour, true},               // after a restart
		{10 * 365 * 24 * time.Hour, time.Minute, false},         // the clock jumped, or was wrong at the start
		{6 * 24 * time.Hour, 6 * 24 * time.Hour, false},         // not for long enough
		{-50 * 365 * 24 * time.Hour, 9 * 24 * time.Hour, false}, // it is 1970
	} {
		if got := week.expired(c.byClock, c.seen); got != c.want {
			t.Errorf("%s by the clock, %s seen: deleted %v", c.byClock, c.seen, got)
		}
	}
	dir := t.TempDir()
	w := folderWatch{Folder: Folder{Path: dir, KeepDone: time.Nanosecond}}
	path := filepath.Join(w.sub("done"), "old")
	if err := errors.Join(os.Mkdir(w.sub("done"), 0o750), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := w.prune(); err != nil { // it is seen
		t.Fatal(err)
	}
	if err := w.prune(); err != nil || exists(path) {
		t.Errorf("a file of before is kept, %v", err)
	}
	w.KeepDone = time.Hour
	if err := errors.Join(os.WriteFile(path, nil, 0o600), w.prune(), w.prune()); err != nil || !exists(path) {
		t.Errorf("a new file is dropped, %v", err)
	}
}

// On a box whose clock begins in 1970 files have times of the future: they are taken when they have settled for as long
// as this run has seen them.
func TestFolderTakesFilesOfTheFuture(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.n42")
	at := time.Now().Add(50 * 365 * 24 * time.Hour)
	if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chtimes(path, at, at)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan string, 1)
	done := make(chan error)
	go func() {
		done <- Folder{Path: dir, Settle: time.Second}.Watch(ctx, func() {}, func(_ context.Context, path string) error {
			taken <- path
			return nil
		})
	}()
	if got := <-taken; got != path {
		t.Errorf("took %q", got)
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A file on a network share is announced by nobody: it is whole when it has not changed for the settle time.
func TestFolderTakesUnannouncedFilesWhenTheySettle(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "share.n42")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil { // before anybody watches
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	took := ""
	err := Folder{Path: dir, Settle: time.Second}.Watch(ctx, func() {}, func(_ context.Context, p string) error {
		took = filepath.Base(p)
		cancel()
		return nil
	})
	if took != "share.n42" || !errors.Is(err, context.Canceled) {
		t.Errorf("took %q, %v", took, err)
	}
}

func FuzzReadRecord(f *testing.F) {
	dir := f.TempDir()
	tape := OpenTape(dir, 1<<20)
	tape.Record(Record{At: time.Unix(1, 0), Kind: RecordIn, Data: []byte("hello")})
	tape.RecordDocument("a.n42", []byte("doc"))
	tape.Close()
	text, err := os.ReadFile(segmentPath(dir, tape.segment))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[len(TapeMagic):])
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			rec, ok := readRecord(r)
			if !ok {
				return
			}
			if len(rec.Data) > maxRecordBytes {
				t.Fatalf("record of %d bytes", len(rec.Data))
			}
		}
	})
}

func TestRecent(t *testing.T) {
	tape := OpenTape(t.TempDir(), 1<<20)
	defer tape.Close()
	tape.Record(Record{At: time.Unix(0, 0), Kind: RecordConnOut, Data: []byte("\x00\x00\x00\x07ask")})
	tape.Record(Record{At: time.Unix(0, 0), Kind: RecordSettled})
	got, n := tape.Recent(0)
	if len(got) != 1 || n != 1 || got[0].Kind != RecordOut || string(got[0].Data) != "ask" {
		t.Fatalf("%d records, %v", n, got)
	}
	for i := range 3 * recentRecords {
		tape.Record(Record{At: time.Unix(int64(i), 0), Kind: RecordIn, Data: bytes.Repeat([]byte{byte(i)}, 1000)})
	}
	got, n = tape.Recent(n)
	if len(got) != recentRecords || n != 1+3*recentRecords || len(got[0].Data) != recentBytes || got[recentRecords-1].Data[0] != 3*recentRecords-1 {
		t.Errorf("%d records, %d kept, the last %v", n, len(got), got[len(got)-1])
	}
	if got, m := tape.Recent(n); len(got) != 0 || m != n {
		t.Errorf("%v again", got)
	}
}
