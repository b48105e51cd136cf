// Package spill sorts records that do not fit into memory: records go in, in any order, and come out by their keys. What
// memory does not hold is in one temporary file, which is gone with the Sorter.
package spill

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"slices"

	"lanewarden/drivers/message"
)

// Pattern matches the names of temporary files that a program left when it ended at the wrong moment.
const Pattern = ".sort-*"

// bufferSize is how much of a sorted part is read at once while parts are merged.
const bufferSize = 32 << 10

// Sorter collects records. Its methods are for one goroutine.
type Sorter struct {
	dir   string
	limit int // bytes of records in memory
	arena []byte
	index []span
	file  *os.File
	parts []int64 // where each sorted part in the file ends
}

// span is where a record is in the arena: key, then value.
type span struct{ start, key, value uint32 }

// New returns a Sorter that holds memory bytes of records and writes the others to a temporary file in dir.
func New(dir string, memory int) *Sorter { return &Sorter{dir: dir, limit: memory} }

// Add takes a record. It copies key and value. A record must be shorter than the memory.
func (s *Sorter) Add(key, value []byte) error {
	if size := len(key) + len(value); size > s.limit {
		return message.Errorf("lists.record-long", message.Int("size", size), message.Int("most", s.limit))
	} else if len(s.arena)+size > s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.arena == nil {
		s.arena = make([]byte, 0, s.limit)
	}
	s.index = append(s.index, span{uint32(len(s.arena)), uint32(len(key)), uint32(len(value))})
	s.arena = append(append(s.arena, key...), value...)
	return nil
}

func (s *Sorter) key(n span) []byte { return s.arena[n.start : n.start+n.key] }

func (s *Sorter) value(n span) []byte { return s.arena[n.start+n.key : n.start+n.key+n.value] }

// sort sorts what is in memory; records with equal keys stay in the order in which they came.
func (s *Sorter) sort() {
	slices.SortFunc(s.index, func(a, b span) int {
		if order := bytes.Compare(s.key(a), s.key(b)); order != 0 {
			return order
		}
		return int(int64(a.start) - int64(b.start))
	})
}

// spill writes what is in memory to the file, as one sorted part.
func (s *Sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, Pattern); err != nil {
			return err
		}
		if err := os.Remove(s.file.Name()); err != nil { // it has no name from here on, and ends with the process
			return err
		}
	}
	s.sort()
	w := bufio.NewWriterSize(s.file, bufferSize)
	var size int64
	for _, n := range s.index {
		var head [2 * binary.MaxVarintLen64]byte
		length := binary.PutUvarint(head[:], uint64(n.key))
		length += binary.PutUvarint(head[length:], uint64(n.value))
		w.Write(head[:length]) // the error is Flush's
		w.Write(s.arena[n.start : n.start+n.key+n.value])
		size += int64(length) + int64(n.key) + int64(n.value)
	}
	begin := int64(0)
	if len(s.parts) > 0 {
		begin = s.parts[len(s.parts)-1]
	}
	s.parts = append(s.parts, begin+size)
	s.arena, s.index = s.arena[:0], s.index[:0]
	return w.Flush()
}

// Record is what was added.
type Record struct{ Key, Value []byte }

// All returns the records by their keys; those with equal keys in the order in which they came. Their bytes are good
// until the next one. Nothing may be added from then on.
func (s *Sorter) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if s.file == nil {
			s.sort()
			for _, n := range s.index {
				if !yield(Record{s.key(n), s.value(n)}, nil) {
					return
				}
			}
			return
		}
		if err := s.merge(yield); err != nil {
			yield(Record{}, err)
		}
	}
}

// merge yields the records of all parts.
func (s *Sorter) merge(yield func(Record, error) bool) error {
	if err := s.spill(); err != nil {
		return err
	}
	s.arena, s.index = nil, nil
	var parts merging
	begin := int64(0)
	for i, end := range s.parts {
		p := &part{number: i, in: bufio.NewReaderSize(io.NewSectionReader(s.file, begin, end-begin), bufferSize)}
		begin = end
		if err := p.next(); err == nil {
			parts = append(parts, p)
		} else if !errors.Is(err, io.EOF) {
			return err
		}
	}
	heap.Init(&parts)
	for len(parts) > 0 {
		p := parts[0]
		if !yield(p.record, nil) {
			return nil
		}
		switch err := p.next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&parts)
		case err != nil:
			return err
		default:
			heap.Fix(&parts, 0)
		}
	}
	return nil
}

// Close frees memory and file.
func (s *Sorter) Close() error {
	s.arena, s.index = nil, nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// part is a sorted part of the file with its next record.
type part struct {
	number int
	in     *bufio.Reader
	record Record
}

// next reads a record, or io.EOF behind the last one.
func (p *part) next() error {
	key, err := binary.ReadUvarint(p.in)
	if err != nil {
		return err
	}
	value, err := binary.ReadUvarint(p.in)
	if err != nil {
		return err
	}
	size := int(key + value)
	p.record.Key = slices.Grow(p.record.Key[:0], size)[:size]
	if _, err := io.ReadFull(p.in, p.record.Key); err != nil {
		return err
	}
	p.record = Record{p.record.Key[:key], p.record.Key[key:size]}
	return nil
}

// merging is the parts by their next records.
type merging []*part

func (m merging) Len() int { return len(m) }
func (m merging) Less(i, j int) bool {
	if order := bytes.Compare(m[i].record.Key, m[j].record.Key); order != 0 {
		return order < 0
	}
	return m[i].number < m[j].number
}
func (m merging) Swap(i, j int) { m[i], m[j] = m[j], m[i] }

// Push implements heap.Interface.
func (m *merging) Push(x any) { *m = append(*m, x.(*part)) }

// Pop implements heap.Interface.
func (m *merging) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
