package session

import (
	"sync"
	"time"
)

// store keeps sessions in memory; it implements scs.Store. A restart of the program signs everybody out. The library's own
// store has a goroutine that cannot be stopped.
type store struct {
	mu  sync.Mutex
	all map[string]kept
}

// kept is a session as scs encodes it, and when it ends.
type kept struct {
	data  []byte
	until time.Time
}

// maxSessions bounds the sessions; a sign-in beyond that ends the one that would end first.
const maxSessions = 1000

func newStore() *store { return &store{all: map[string]kept{}} }

// Find implements scs.Store. A session that has ended is not found, even before sweep removes it.
func (s *store) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.all[token]
	if !ok || time.Now().After(k.until) {
		return nil, false, nil
	}
	return k.data, true, nil
}

// Commit implements scs.Store.
func (s *store) Commit(token string, data []byte, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.all[token]; !ok && len(s.all) >= maxSessions {
		first := ""
		for name, k := range s.all {
			if first == "" || k.until.Before(s.all[first].until) {
				first = name
			}
		}
		delete(s.all, first)
	}
	s.all[token] = kept{data, until}
	return nil
}

// Delete implements scs.Store.
func (s *store) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, token)
	return nil
}

// sweep removes the sessions that have ended.
func (s *store) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, k := range s.all {
		if now.After(k.until) {
			delete(s.all, token)
		}
	}
}
