package passage

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// shelf is a journal in memory.
type shelf struct {
	mu      sync.Mutex
	rows    []journal.Row
	keys    map[string]bool
	changed chan struct{}
	refuses int // commits that fail
	broken  bool
}

func newShelf() *shelf { return &shelf{keys: map[string]bool{}, changed: make(chan struct{})} }

func (s *shelf) Read(from int64, most int) ([]journal.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, io.ErrUnexpectedEOF
	}
	n := int64(len(s.rows))
	return slices.Clone(s.rows[min(from, n):min(from+int64(most), n)]), nil
}

func (s *shelf) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.rows))
}

func (s *shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) Commit(_ context.Context, obs ...*observation.Observation) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses > 0 {
		s.refuses--
		return 0, errors.New("the disk is full")
	}
	for _, o := range obs {
		key := o.Device + " " + o.Key
		if s.keys[key] {
			continue
		}
		s.keys[key] = true
		body, err := proto.Marshal(o.Body)
		if err != nil {
			return added, err
		}
		s.rows = append(s.rows, journal.Row{
			Idx: int64(len(s.rows)), Class: o.Class, Time: o.TimeNs, Device: o.Device, Kind: o.Body.Kind(), Key: o.Key,
			Body: body,
		})
		added++
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return added, nil
}
