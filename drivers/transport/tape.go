package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The tape's format is in docs/tape.md: segment files, each TapeMagic and records of a 17-byte head and data.
const (
	TapeMagic       = "LWTAPE1\n"
	recordHead      = 17 // time i64 ns, kind u8, length u32, CRC-32C u32 of the data; big-endian
	maxRecordBytes  = 1 << 20
	segmentsOnTape  = 8 // a tape of n bytes is a ring of about this many segments
	minSegmentBytes = 64 << 10
)

// RecordKind describes what a record on a tape is.
type RecordKind uint8

// The kinds of record.
const (
	RecordOpen     RecordKind = 1 // connected; data: the address
	RecordIn       RecordKind = 2 // bytes from the device
	RecordOut      RecordKind = 3 // bytes to the device
	RecordClose    RecordKind = 4 // disconnected
	RecordSettled  RecordKind = 5 // all before is dealt with
	RecordDocument RecordKind = 6 // a file or an HTTP body: name, a zero byte, its bytes; only the name when over 1 MiB

	// Of connections that a library or a server works with. Data begins with the connection's number, u32.
	RecordConnOpen  RecordKind = 7 // our address, ">" when we called or "<" when the peer did, the peer's address
	RecordConnIn    RecordKind = 8
	RecordConnOut   RecordKind = 9
	RecordConnClose RecordKind = 10

	// Of recordings that left the agent (edge/diag).
	RecordAbout    RecordKind = 11 // what was recorded, JSON; the first record
	RecordObserved RecordKind = 12 // what the agent journalled then: lanewarden.v1.Observation
)

// Record is one event on a tape; Data is of at most 1 MiB, and its meaning goes by Kind.
type Record struct {
	At   time.Time
	Kind RecordKind
	Data []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Tape is a device's black box: what passed between it and the agent, in a bounded ring on disk. Recording never fails
// for the caller: what could not be written is counted, and a disk that refuses is tried again. A nil Tape records
// nothing.
type Tape struct {
	dir        string
	maxBytes   int64
	segmentMax int64

	mu      sync.Mutex
	closed  bool
	file    *os.File // the segment at hand; nil while none could be begun
	size    int64    // its bytes
	segment int      // its number
	problem error    // why the disk refuses; nil while it does not
	retryAt time.Time
	buf     []byte
	lost    atomic.Uint64 // records that could not be written

	connections atomic.Uint32

	recent   [recentRecords]Record // the latest, in turn
	recorded uint64                // how many there were
}

// What is kept in memory for who looks on.
const (
	recentRecords = 32
	recentBytes   = 160 // of each
)

// tapeRetry is how long a disk that refuses is left alone.
const tapeRetry = time.Second

// OpenTape opens or makes the tape in dir, which will hold at most maxBytes, 512 KiB or more. Problem says when it cannot.
func OpenTape(dir string, maxBytes int64) *Tape {
	maxBytes = max(maxBytes, minSegmentBytes*segmentsOnTape)
	t := &Tape{dir: dir, maxBytes: maxBytes, segmentMax: maxBytes / segmentsOnTape}
	t.nextSegment() // never behind a record that a crash may have torn
	return t
}

// Problem returns why nothing can be recorded now; nil when it can.
func (t *Tape) Problem() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

// segmentPath returns the file of a segment; numbers rise, so that names sort by age.
func segmentPath(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("%08d.tape", n)) }

// tapeSegments lists the segments' numbers, oldest first.
func tapeSegments(dir string) ([]int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tape"))
	if err != nil {
		return nil, err
	}
	var out []int
	for _, name := range names {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(name), "%08d.tape", &n); err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// nextSegment begins a segment and drops the oldest over the ring's length. It returns the problem when it cannot.
func (t *Tape) nextSegment() error {
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
	if t.problem = t.begin(); t.problem != nil {
		t.leave(t.problem)
	}
	return t.problem
}

// begin makes the file of the next segment.
func (t *Tape) begin() error {
	if err := os.MkdirAll(t.dir, 0o750); err != nil {
		return err
	}
	segments, err := tapeSegments(t.dir)
	if err != nil {
		return err
	}
	if n := len(segments); n > 0 {
		t.segment = max(t.segment, segments[n-1])
	}
	t.segment++
	if t.file, err = os.Create(segmentPath(t.dir, t.segment)); err != nil {
		t.file = nil
		return err
	}
	t.size = int64(len(TapeMagic))
	if _, err := t.file.WriteString(TapeMagic); err != nil {
		return err
	}
	return t.trim()
}

// leave ends the segment at hand, whose last record may be torn, and leaves the disk alone for a while.
func (t *Tape) leave(problem error) {
	t.problem, t.retryAt = problem, time.Now().Add(tapeRetry)
	if t.file == nil {
		return
	}
	t.file.Close()
	t.file = nil
	if t.size <= int64(len(TapeMagic)) {
		os.Remove(segmentPath(t.dir, t.segment)) // it holds nothing, and the next one drops it if this fails
	}
}

// trim drops the oldest segments over the ring's size, and those that hold nothing.
func (t *Tape) trim() error {
	segments, err := tapeSegments(t.dir)
	if err != nil {
		return err
	}
	total := t.segmentMax // for the one that begins
	for i := len(segments) - 2; i >= 0; i-- {
		info, err := os.Stat(segmentPath(t.dir, segments[i]))
		if err != nil {
			return err
		}
		total += info.Size()
		if total > t.maxBytes || info.Size() <= int64(len(TapeMagic)) {
			if err := os.Remove(segmentPath(t.dir, segments[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// Record writes one record, which survives a kill of the agent at once and a power cut once the kernel has written
// it: it is not synced, as what was committed is in the journal.
func (t *Tape) Record(r Record) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keepRecent(r)
	if err := t.write(r); err != nil {
		t.lost.Add(1)
	}
}

// keepRecent keeps the beginning of a record in memory.
func (t *Tape) keepRecent(r Record) {
	switch r.Kind {
	case RecordSettled:
		return
	case RecordConnIn, RecordConnOut:
		r.Kind -= RecordConnIn - RecordIn // which of the connections does not matter to who looks on
		_, r.Data = Connection(Record{Kind: RecordConnIn, Data: r.Data})
	case RecordConnOpen, RecordConnClose:
		r.Data = nil
	}
	slot := &t.recent[t.recorded%recentRecords]
	slot.At, slot.Kind, slot.Data = r.At, r.Kind, append(slot.Data[:0], r.Data[:min(len(r.Data), recentBytes)]...)
	t.recorded++
}

// Recent returns the beginnings of the records after the nth, as far as they are still remembered, and how many there
// were.
func (t *Tape) Recent(n uint64) (out []Record, recorded uint64) {
	if t == nil {
		return nil, 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorded > recentRecords {
		n = max(n, t.recorded-recentRecords)
	}
	for ; n < t.recorded; n++ {
		r := t.recent[n%recentRecords]
		r.Data = slices.Clone(r.Data)
		out = append(out, r)
	}
	return out, t.recorded
}

// write appends a record to the ring, in one write so that only the last of a segment can be torn.
func (t *Tape) write(r Record) error {
	switch {
	case t.closed:
		return os.ErrClosed
	case len(r.Data) > maxRecordBytes:
		return fmt.Errorf("record of %d bytes is over the limit of %d", len(r.Data), maxRecordBytes)
	case t.problem != nil && time.Now().Before(t.retryAt):
		return t.problem
	case t.file == nil || t.size > t.segmentMax:
		if err := t.nextSegment(); err != nil {
			return err
		}
	}
	t.buf = AppendRecord(t.buf[:0], r)
	n, err := t.file.Write(t.buf)
	if t.size += int64(n); err != nil {
		t.leave(err)
	}
	return err
}

// AppendRecord appends a record as it stands on a tape.
func AppendRecord(b []byte, r Record) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixNano()))
	b = append(b, byte(r.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(r.Data, castagnoli))
	return append(b, r.Data...)
}

// RecordDocument writes a whole document, or only its name when it is too large for a record. It returns the time of
// the record.
func (t *Tape) RecordDocument(name string, doc []byte) time.Time {
	at := now()
	data := append([]byte(name), 0)
	if len(data)+len(doc) <= maxRecordBytes {
		data = append(data, doc...)
	}
	t.Record(Record{At: at, Kind: RecordDocument, Data: data})
	return at
}

// Lost counts the records that could not be written.
func (t *Tape) Lost() uint64 {
	if t == nil {
		return 0
	}
	return t.lost.Load()
}

// Close ends the tape.
func (t *Tape) Close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// sinceSettled returns what came in since the last settled point; nothing when there is none of either.
func (t *Tape) sinceSettled() (out []Record, err error) {
	err = ReadTape(t.dir, func(r Record) error {
		switch r.Kind {
		case RecordSettled:
			out = nil
		case RecordIn:
			out = append(out, r)
		case RecordOpen, RecordClose:
			if len(out) > 0 {
				out = append(out, r)
			}
		}
		return nil
	})
	return out, err
}

// ReadTape calls f with every record of the tape in dir, oldest first. A segment that ends in a torn or damaged
// record is read up to there. It may be called while the tape is written to. An error of f ends it.
func ReadTape(dir string, f func(Record) error) error {
	segments, err := tapeSegments(dir)
	if err != nil {
		return err
	}
	for _, n := range segments {
		if err := readSegment(segmentPath(dir, n), f); err != nil {
			return err
		}
	}
	return nil
}

func readSegment(path string, f func(Record) error) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the ring moved on
	}
	if err != nil {
		return err
	}
	defer file.Close()
	err = ReadSegment(file, f)
	if errors.Is(err, ErrNotTape) {
		return nil // begun, and no more
	}
	return err
}

// ErrNotTape means that a file does not begin as a tape does.
var ErrNotTape error = newError("tape.not-one")

// ReadSegment calls f with every record of a segment, up to its end or the first torn or damaged one. ErrNotTape
// means that it does not begin as one; an error of f ends it.
func ReadSegment(in io.Reader, f func(Record) error) error {
	r := bufio.NewReader(in)
	magic := make([]byte, len(TapeMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != TapeMagic {
		return ErrNotTape
	}
	for {
		rec, ok := readRecord(r)
		if !ok {
			return nil
		}
		if err := f(rec); err != nil {
			return err
		}
	}
}

// readRecord reads one record; ok is false at the end and at a torn or damaged one.
func readRecord(r io.Reader) (rec Record, ok bool) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return rec, false
	}
	n := binary.BigEndian.Uint32(head[9:])
	if n > maxRecordBytes {
		return rec, false
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil || crc32.Checksum(data, castagnoli) != binary.BigEndian.Uint32(head[13:]) {
		return rec, false
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(head[:]))).UTC()
	return Record{At: at, Kind: RecordKind(head[8]), Data: data}, true
}
