package draw

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

const (
	// SecretSize is the size of a secret, bytes.
	SecretSize = 32
	// maxSecrets bounds the secrets that draws may be made with: the centre sends some weeks ahead, the lane makes one a day
	// and reveals it the day after.
	maxSecrets = 128
	// maxAwaited bounds the days that are over and whose secret the centre has not revealed yet: the oldest go first.
	maxAwaited = 128
	// localPrefix is before the day in the name of a secret that the lane made.
	localPrefix = "local-"
)

// Secret is what the draws of a day are made with.
type Secret struct {
	Day       string `json:"day"` // 2026-12-01, UTC
	Local     bool   `json:"local"`
	Key       []byte `json:"key"`       // nil when no draw is made with it any more: its day is over, or it is known
	Committed bool   `json:"committed"` // its hash is in the journal
	// Hash is the SHA-256 of the centre's secret of a day that is over, against which what is revealed is held; also of a
	// day to come whose secret was revealed too early.
	Hash []byte `json:"hash,omitempty"`
	// Source is the SHA-256 of the file with which the centre's secret came.
	Source []byte `json:"source,omitempty"`
}

// Name is what draws call the secret.
func (s Secret) Name() string {
	if s.Local {
		return localPrefix + s.Day
	}
	return s.Day
}

// Day returns the day of a time, as secrets have it.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// DayOf returns the day of the secret of a name.
func DayOf(name string) string { return strings.TrimPrefix(name, localPrefix) }

// Commit writes an observation into the journal. It returns when that is durable.
type Commit func(context.Context, *observation.Observation) error

// Secrets keeps the secrets in a file, sealed with a key of the agent. May be used from any goroutine.
type Secrets struct {
	path   string
	box    cipher.AEAD
	commit Commit
	aside  string

	mu  sync.Mutex
	all []Secret // by day, the centre's before the lane's own
}

// OpenSecrets opens the file of secrets, which need not be there yet. key is a secret of the agent, from which that of
// the file is derived. A file that cannot be opened with it is set aside (see SetAside): draws go on with new secrets.
func OpenSecrets(path string, key []byte, commit Commit) (*Secrets, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "lanewarden secrets of draws 1", SecretSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	s := &Secrets{path: path, commit: commit}
	if s.box, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	text, err := s.box.Open(nil, nil, sealed, nil)
	if err == nil {
		err = json.Unmarshal(text, &s.all)
	}
	if err != nil {
		s.all, s.aside = nil, path+".bad"
		return s, os.Rename(path, s.aside)
	}
	return s, nil
}

// SetAside returns where a file was put that could not be opened; "" when there was none.
func (s *Secrets) SetAside() string { return s.aside }

// Add keeps the centre's secret of a day. source is the SHA-256 of the file that it came with. Saying the same again
// changes nothing but the source; another secret for a day that has one is refused.
func (s *Secrets) Add(day string, key, source []byte) error {
	if _, err := time.Parse(time.DateOnly, day); err != nil || len(key) != SecretSize {
		return message.Errorf("draw.no-secret", message.Quoted("day", day), message.Int("bytes", len(key)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.centres(day)
	if i < 0 {
		return s.keep(Secret{Day: day, Key: slices.Clone(key), Source: slices.Clone(source)})
	}
	if s.all[i].Key == nil {
		return message.Errorf("draw.exposed", message.String("day", day))
	}
	if !bytes.Equal(s.all[i].Key, key) {
		return message.Errorf("draw.other-secret", message.String("day", day))
	}
	if bytes.Equal(s.all[i].Source, source) {
		return nil
	}
	s.all[i].Source = slices.Clone(source)
	return s.save()
}

// Source returns the SHA-256 of the file with which the centre's secret of a day came; nil when there is none.
func (s *Secrets) Source(day string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.centres(day); i >= 0 {
		return s.all[i].Source
	}
	return nil
}

// centres returns the place of the centre's secret of a day, -1 for none.
func (s *Secrets) centres(day string) int {
	return slices.IndexFunc(s.all, func(o Secret) bool { return o.Day == day && !o.Local })
}

// For returns the secret of the day of a time: the centre's, else the lane's own, which is made when it is needed. Its
// hash is durable in the journal when For returns.
func (s *Secrets) For(ctx context.Context, now time.Time) (Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	day := Day(now)
	i := s.find(day, false)
	if i < 0 {
		i = s.find(day, true)
	}
	if i < 0 {
		own := Secret{Day: day, Local: true, Key: make([]byte, SecretSize)}
		_, _ = rand.Read(own.Key) // never fails
		if err := s.keep(own); err != nil {
			return Secret{}, err
		}
		i = s.find(day, true)
	}
	if s.all[i].Committed {
		return s.all[i], nil
	}
	if err := s.say(ctx, s.all[i], now, false); err != nil {
		return Secret{}, err
	}
	s.all[i].Committed = true
	return s.all[i], s.save()
}

// Reveal commits the lane's own secrets of days that are over, and forgets all secrets of these days; of the centre's that
// were used it keeps the hashes. Call it with a time that is trusted only: by a clock that is set ahead it would reveal
// secrets that are still used.
func (s *Secrets) Reveal(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endDays(ctx, now)
}

// endDays is Reveal, under the lock.
func (s *Secrets) endDays(ctx context.Context, now time.Time) error {
	var left []Secret
	today, awaited, changed := Day(now), 0, false
	for _, one := range slices.Backward(s.all) { // the newest of the awaited are kept
		over := one.Key != nil && one.Day < today
		if over && one.Local && one.Committed {
			if err := s.say(ctx, one, now, true); err != nil {
				return err
			}
		}
		if over {
			hash := sha256.Sum256(one.Key)
			one.Key, one.Hash, changed = nil, hash[:], true
		}
		if one.Key == nil && one.Day < today {
			if one.Local || !one.Committed || awaited == maxAwaited {
				changed = true
				continue
			}
			awaited++
		}
		left = append(left, one)
	}
	if !changed {
		return nil
	}
	slices.Reverse(left)
	s.all = left
	return s.save()
}

// Awaits reports whether the lane has drawn with the centre's secret of a day, and the centre has not revealed it yet.
func (s *Secrets) Awaits(day string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.awaited(day) >= 0
}

// awaited returns the place of the centre's secret of a day that was used and is not revealed, -1 for none.
func (s *Secrets) awaited(day string) int {
	return slices.IndexFunc(s.all, func(o Secret) bool { return o.Day == day && !o.Local && o.Committed })
}

// Revealed journals the centre's secret of a day that is over, as the centre reveals it: from then on the day can be
// audited by the journal alone. It is refused where it is not the one to whose hash this lane has committed. A lane that
// has not drawn with it changes nothing. While the day is not over by a time that is trusted it is refused as well, and
// draws of that day are made with a secret of the lane's own from then on: whoever read it could tell them in advance.
func (s *Secrets) Revealed(ctx context.Context, day string, key []byte, now time.Time) error {
	if day >= Day(now) {
		return s.expose(day, key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.endDays(ctx, now); err != nil {
		return err
	}
	i := s.awaited(day)
	if i < 0 {
		return nil
	}
	if hash := sha256.Sum256(key); !bytes.Equal(hash[:], s.all[i].Hash) {
		return message.Errorf("draw.audit-other-secret", message.String("secret", day))
	}
	if err := s.say(ctx, Secret{Day: day, Key: key}, now, true); err != nil {
		return err
	}
	s.all = slices.Delete(slices.Clone(s.all), i, i+1)
	return s.save()
}

// expose takes a secret that is known before its day is over out of use. It returns why, or an error.
func (s *Secrets) expose(day string, key []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := sha256.Sum256(key)
	i := s.centres(day)
	switch {
	case i < 0:
		if err := s.keep(Secret{Day: day, Hash: hash[:]}); err != nil {
			return err
		}
	case s.all[i].Key != nil && bytes.Equal(s.all[i].Key, key):
		s.all[i].Key, s.all[i].Hash = nil, hash[:]
		if err := s.save(); err != nil {
			return err
		}
	case s.all[i].Key != nil:
		return message.Errorf("draw.not-over", message.String("day", day)) // another one: ours is not known
	}
	return message.Errorf("draw.exposed", message.String("day", day))
}

// say commits the hash of a secret, and the secret itself when it is revealed. The key of the observation makes a
// repetition after a stop recognisable.
func (s *Secrets) say(ctx context.Context, one Secret, now time.Time, reveal bool) error {
	hash := sha256.Sum256(one.Key)
	body := &observation.ClearanceSecret{Day: one.Day, Local: one.Local, Hash: hash[:]}
	what := "committed"
	if reveal {
		body.Revealed, what = one.Key, "revealed"
	}
	o := observation.New(observation.Class_CLASS_EVENT, now, body)
	o.Device = observation.AgentDevice
	o.Key = fmt.Sprintf("clearance secret %s %s %s", one.Name(), hex.EncodeToString(hash[:8]), what)
	return s.commit(ctx, o)
}

// find returns the place of a day's secret that draws may be made with, -1 for none.
func (s *Secrets) find(day string, local bool) int {
	return slices.IndexFunc(s.all, func(o Secret) bool { return o.Day == day && o.Local == local && o.Key != nil })
}

// keep adds a secret durably. Those of days that are over, and wait to be revealed, have a bound of their own.
func (s *Secrets) keep(one Secret) error {
	usable := 0
	for _, o := range s.all {
		if o.Key != nil || !o.Committed {
			usable++
		}
	}
	if usable >= maxSecrets {
		return message.Errorf("draw.too-many", message.Count("n", maxSecrets))
	}
	before := slices.Clone(s.all)
	s.all = append(s.all, one)
	slices.SortStableFunc(s.all, func(a, b Secret) int { return strings.Compare(a.Day, b.Day) })
	err := s.save()
	if err != nil {
		s.all = before
	}
	return err
}

// save writes the file so that a crash leaves either the old or the new one.
func (s *Secrets) save() error {
	text, err := json.Marshal(s.all)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(s.box.Seal(nil, nil, text, nil))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
