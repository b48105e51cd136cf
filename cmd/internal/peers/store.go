package peers

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// recordHead is the length of a record in the writer's log, before its bytes: 4 bytes, big-endian.
const recordHead = 4

// firstRecord returns the first whole record of b, nil when there is none.
func firstRecord(b []byte) []byte {
	if len(b) < recordHead {
		return nil
	}
	size := int64(binary.BigEndian.Uint32(b))
	if int64(len(b)) < recordHead+size {
		return nil
	}
	return b[recordHead : recordHead+size]
}

// store is the centre of peers that have none: it appends what arrives to a log, and a group is durable when commit
// returns. It takes everything, so that what a peer doubles is seen.
type store struct {
	file *os.File
	buf  []byte
}

// openStore opens a log and cuts off a record that was torn when the writer was killed.
func openStore(path string) (*store, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &store{file: file}
	return s, s.mend()
}

// mend cuts off what is behind the last whole record, and goes there.
func (s *store) mend() error {
	text, err := io.ReadAll(s.file)
	if err != nil {
		return err
	}
	whole := int64(0)
	for r := firstRecord(text); r != nil; r = firstRecord(text[whole:]) {
		whole += recordHead + int64(len(r))
	}
	if err := s.file.Truncate(whole); err != nil {
		return err
	}
	_, err = s.file.Seek(whole, io.SeekStart)
	return err
}

// add puts a record into the group that commit makes durable.
func (s *store) add(record []byte) {
	s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(len(record)))
	s.buf = append(s.buf, record...)
}

// commit appends the group with one write and one fdatasync.
func (s *store) commit() error {
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	return errors.Join(err, fdatasync(s.file))
}
