package lists

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers/message"
)

// Bounds of files: what says more is refused before it is read.
const (
	MaxRows    = 20_000_000 // of a list
	MaxChanges = 100_000    // of a delta; with more a full file costs little more
	window     = 1 << 20    // of the compression, bytes: memory of whoever reads
)

// Header is what a full or delta file is of. All of it stands uncompressed in front, so that a file of the wrong kind or
// for another version is refused at its first bytes.
type Header struct {
	Version
	Base    *Version // the version that a delta changes, without its time; nil in a full file
	Changes int64    // of a delta: rows put and removed
}

const (
	magic      = "LWLIST1\n"
	headerSize = 152 // bytes: magic, form, kind, version, base, changes, CRC-32C
	kindSize   = 15  // bytes of the kind's name, with zero bytes behind
	fullForm   = 1
	deltaForm  = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the header's bytes; all numbers are big endian.
func (h Header) encode() []byte {
	out := append(make([]byte, 0, headerSize), magic...)
	form, base := byte(fullForm), Version{}
	if h.Base != nil {
		form, base = deltaForm, *h.Base
	}
	out = append(out, form)
	out = append(append(out, h.Kind...), make([]byte, kindSize-len(h.Kind))...)
	for _, v := range []Version{h.Version, base} {
		out = binary.BigEndian.AppendUint64(out, uint64(v.Number))
		out = binary.BigEndian.AppendUint64(out, uint64(v.Rows))
		out = append(out, v.SHA256[:]...)
	}
	out = binary.BigEndian.AppendUint64(out, uint64(h.Issued.Unix()))
	out = binary.BigEndian.AppendUint64(out, uint64(h.Changes))
	out = append(out, make([]byte, headerSize-4-len(out))...)
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// decodeHeader reads what encode returns.
func decodeHeader(b []byte) (h Header, err error) {
	if string(b[:len(magic)]) != magic {
		return h, message.Errorf("lists.not-a-file")
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli) != binary.BigEndian.Uint32(b[headerSize-4:]) {
		return h, message.Errorf("lists.header-damaged")
	}
	form, b := b[len(magic)], b[len(magic)+1:]
	h.Kind = Kind(bytes.TrimRight(b[:kindSize], "\x00"))
	b = b[kindSize:]
	base := Version{Kind: h.Kind}
	for _, v := range []*Version{&h.Version, &base} {
		v.Number, v.Rows = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
		v.SHA256 = [32]byte(b[16:])
		b = b[48:]
	}
	h.Issued = time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC()
	h.Changes = int64(binary.BigEndian.Uint64(b[8:]))
	if form == deltaForm {
		h.Base = &base
	}
	return h, h.check(form)
}

// check refuses what no program of ours writes.
func (h Header) check(form byte) error {
	switch {
	case !h.Kind.Known():
		return message.Errorf("lists.no-kind", message.Quoted("kind", string(h.Kind)))
	case form != fullForm && form != deltaForm:
		return message.Errorf("lists.not-a-file")
	case h.Number < 1 || h.Rows < 0 || h.Rows > MaxRows:
		return message.Errorf("lists.too-many-rows", message.Int("rows", h.Rows), message.Int("most", MaxRows))
	case h.Changes < 0 || h.Changes > MaxChanges || h.Base == nil && h.Changes != 0:
		return message.Errorf("lists.too-many-changes", message.Int("changes", h.Changes), message.Int("most", MaxChanges))
	case h.Base != nil && h.Base.Number >= h.Number:
		return message.Errorf("lists.backwards", message.Int("base", h.Base.Number), message.Int("number", h.Number))
	}
	return nil
}

// records is how many records stand behind the header.
func (h Header) records() int64 {
	if h.Base != nil {
		return h.Changes
	}
	return h.Rows
}

// Writer writes a full or delta file. Its records must come in the order of their keys; the header comes last, as only
// then its hash and counts are known.
type Writer struct {
	out    io.WriteSeeker
	z      *zstd.Encoder
	key    []byte
	record []byte
}

// NewWriter returns a Writer of the file that begins at the beginning of out.
func NewWriter(out io.WriteSeeker) (*Writer, error) {
	if _, err := out.Seek(headerSize, io.SeekStart); err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	return &Writer{out: out, z: z}, err
}

// Put writes a row.
func (w *Writer) Put(r Row) error {
	w.record = AppendRow(w.record[:0], w.key, r)
	return w.write(r.Key)
}

// Remove writes that a key is removed.
func (w *Writer) Remove(key []byte) error {
	w.record = appendRemoved(w.record[:0], w.key, key)
	return w.write(key)
}

func (w *Writer) write(key []byte) error {
	w.key = append(w.key[:0], key...)
	_, err := w.z.Write(w.record)
	return err
}

// Close ends the file and writes its header. It does not close the file.
func (w *Writer) Close(h Header) error {
	if err := w.z.Close(); err != nil {
		return err
	}
	if _, err := w.out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := w.out.Write(h.encode())
	return errors.Join(err, seekEnd(w.out))
}

func seekEnd(s io.Seeker) error {
	_, err := s.Seek(0, io.SeekEnd)
	return err
}

// Reader reads a full or delta file, with bounded memory. It checks form, order, number and content of the records, not
// the hash: whoever has the rows before can say that.
type Reader struct {
	Header Header
	z      *zstd.Decoder
	in     *bufio.Reader
	left   int64
	before []byte // the key of the record before
	key    []byte
	value  []byte
}

// Change is a record of a file: a row that is put, or the key of one that is removed.
type Change struct {
	Row
	Removed bool
}

// NewReader reads a file's header. Close ends the Reader.
func NewReader(in io.Reader) (*Reader, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(in, b[:]); err != nil {
		return nil, message.Wrap(err, "lists.not-whole")
	}
	h, err := decodeHeader(b[:])
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	return &Reader{Header: h, z: z, in: bufio.NewReaderSize(z, 64<<10), left: h.records()}, nil
}

// damaged says that a file is not whole. That it ended is not its end.
func damaged(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return message.Wrap(err, "lists.damaged")
}

// Close frees what the Reader has.
func (r *Reader) Close() { r.z.Close() }

// Next returns the next record, or io.EOF behind the last one. Its bytes are good until the next call.
func (r *Reader) Next() (c Change, err error) {
	if r.left == 0 {
		if _, err := r.in.ReadByte(); err == nil {
			return c, message.Errorf("lists.goes-on")
		} else if !errors.Is(err, io.EOF) {
			return c, damaged(err)
		}
		return c, io.EOF
	}
	r.left--
	r.before = append(r.before[:0], r.key...)
	first := r.value == nil
	if c, err = r.record(); err != nil {
		return c, err
	}
	switch {
	case !first && bytes.Compare(r.before, c.Key) >= 0:
		return c, message.Errorf("lists.order", message.Quoted("key", c.Key))
	case c.Removed && r.Header.Base == nil:
		return c, message.Errorf("lists.bad-row", message.String("kind", string(r.Header.Kind)), message.Quoted("key", c.Key))
	case c.Removed:
		return c, nil
	}
	return c, CheckRow(r.Header.Kind, c.Row)
}

// record reads one record.
func (r *Reader) record() (c Change, err error) {
	shared, err := r.number(uint64(len(r.key)))
	if err != nil {
		return c, err
	}
	suffix, err := r.number(MaxKey - shared)
	if err != nil {
		return c, err
	}
	r.key = append(r.key[:shared], make([]byte, suffix)...)
	if _, err := io.ReadFull(r.in, r.key[shared:]); err != nil {
		return c, damaged(err)
	}
	length, err := r.number(MaxValue + 1)
	if err != nil {
		return c, err
	}
	if r.value == nil {
		r.value = make([]byte, 0, MaxValue)
	}
	if length == 0 {
		return Change{Row: Row{Key: r.key}, Removed: true}, nil
	}
	r.value = r.value[:length-1]
	if _, err := io.ReadFull(r.in, r.value); err != nil {
		return c, damaged(err)
	}
	return Change{Row: Row{Key: r.key, Value: r.value}}, nil
}

// number reads a number of at most most.
func (r *Reader) number(most uint64) (uint64, error) {
	n, err := binary.ReadUvarint(r.in)
	if err == nil && n > most {
		err = errRow
	}
	if err != nil {
		return 0, damaged(err)
	}
	return n, nil
}
