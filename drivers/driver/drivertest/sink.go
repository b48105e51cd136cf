// Package drivertest is the conformance kit of drivers: it runs a driver against hostile, broken and slow devices and
// against a journal that refuses, and checks that the contract of package driver holds.
package drivertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"sync"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// ErrRefused is returned by a Sink that refuses.
var ErrRefused = errors.New("the journal refuses")

// Sink is a driver.Sink in memory. Like the journal it takes each key once.
type Sink struct {
	driver.Memory

	mu        sync.Mutex
	refuse    bool
	artifacts map[string][]byte
	states    []observation.DeviceState_State
	samples   int
	changed   chan struct{}
}

// NewSink makes an empty sink.
func NewSink() *Sink {
	return &Sink{artifacts: map[string][]byte{}, changed: make(chan struct{})}
}

// Refuse makes Commit and StoreArtifact fail, or work again.
func (s *Sink) Refuse(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = on
}

// Commit implements driver.Sink.
func (s *Sink) Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse && ctx.Err() == nil {
		return 0, ErrRefused
	}
	if added, err = s.Memory.Commit(ctx, obs...); err != nil {
		return 0, err
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return added, nil
}

// StoreArtifact implements driver.Sink.
func (s *Sink) StoreArtifact(_ context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return nil, ErrRefused
	}
	sum := sha256.Sum256(data)
	s.artifacts[string(sum[:])] = bytes.Clone(data)
	return &observation.Artifact{Sha256: sum[:], Size: int64(len(data)), MediaType: mediaType, Name: name}, nil
}

// OpenArtifact implements driver.Sink.
func (s *Sink) OpenArtifact(a *observation.Artifact) (observation.ArtifactReader, error) {
	data := s.Artifact(a.Sha256)
	if data == nil {
		return nil, errors.New("no such artifact")
	}
	return observation.InlineArtifact(data), nil
}

// State implements driver.Sink.
func (s *Sink) State(state observation.DeviceState_State, _ message.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, state)
}

// States returns what the driver said of its device so far.
func (s *Sink) States() []observation.DeviceState_State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.states)
}

// Live implements driver.Sink.
func (s *Sink) Live(driver.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples++
}

// Artifact returns the bytes of a stored artifact.
func (s *Sink) Artifact(sum []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.artifacts[string(sum)]
}

// Of returns the committed observations of one kind.
func (s *Sink) Of(kind observation.Kind) (out []*observation.Observation) {
	for _, o := range s.Observations() {
		if o.Body.Kind() == kind {
			out = append(out, o)
		}
	}
	return out
}

// Wait waits until the condition holds or ctx ends, and reports whether it holds.
func (s *Sink) Wait(ctx context.Context, ok func() bool) bool {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ok()
		}
	}
}
