// Package lockout slows down those who guess: after some wrong attempts in a row a key, such as an account and the
// address that somebody tries from, is locked, for longer each time. It is kept in memory only.
package lockout

import (
	"sync"
	"time"
)

// After MaxWrong wrong attempts in a row a key is locked for a minute, then for two, up to an hour.
const (
	MaxWrong = 5
	firstFor = time.Minute
	longest  = time.Hour
	maxLocks = 4096 // keys that are remembered
)

// Table counts the wrong attempts of keys. The zero Table is empty. It may be used by many goroutines.
type Table[K comparable] struct {
	mu    sync.Mutex
	wrong map[K]*wrongs
}

type wrongs struct {
	count int
	lock  time.Duration
	until time.Time
}

// Left returns for how much longer a key is locked, 0 when it is not.
func (t *Table[K]) Left(k K, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.wrong[k]; w != nil && now.Before(w.until) {
		return w.until.Sub(now)
	}
	return 0
}

// Right forgets the wrong attempts of a key.
func (t *Table[K]) Right(k K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrong, k)
}

// Wrong counts a wrong attempt.
func (t *Table[K]) Wrong(k K, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.wrong[k]
	if w == nil {
		if len(t.wrong) >= maxLocks {
			t.forget(now)
		}
		if t.wrong == nil {
			t.wrong = map[K]*wrongs{}
		}
		w = &wrongs{}
		t.wrong[k] = w
	}
	if w.count++; w.count >= MaxWrong {
		w.lock = min(max(2*w.lock, firstFor), longest)
		w.until, w.count = now.Add(w.lock), 0
	}
}

// forget makes room for another key: those that are not locked go, and when all are, the one whose lock ends first.
func (t *Table[K]) forget(now time.Time) {
	var first K
	for k, w := range t.wrong {
		if now.After(w.until) {
			delete(t.wrong, k)
		} else if t.wrong[first] == nil || w.until.Before(t.wrong[first].until) {
			first = k
		}
	}
	if len(t.wrong) >= maxLocks {
		delete(t.wrong, first)
	}
}
