package draw

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Computed apart from this code.
const (
	wantIdentity = "0f25123f05c0887117d3ace037aaa01034c25cb543aa089cb64a8227e96f78fa"
	wantValue    = 0.12053516423427879
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 123456789, time.UTC)

// record keeps what is committed.
type record struct {
	rows []*observation.Observation
	fail error
}

func (r *record) commit(_ context.Context, o *observation.Observation) error {
	if r.fail == nil {
		r.rows = append(r.rows, o)
	}
	return r.fail
}

func (r *record) secret(i int) *observation.ClearanceSecret {
	return r.rows[i].Body.Typed().(*observation.ClearanceSecret)
}

func open(t testing.TB, path string, r *record) *Secrets {
	t.Helper()
	s, err := OpenSecrets(path, []byte("key of the agent"), r.commit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The layout of an identity, and the value that follows, are those of docs/clearance.md: computed once by hand (Python's
// hashlib and hmac) and for ever.
func TestLayout(t *testing.T) {
	id := Identity([]string{"ccn:8080PARS0001", "bn:123456782RM0001", "ccn:8080PARS0001"}, "12345678", "8080")
	if got, want := hex.EncodeToString(id[:]), wantIdentity; got != want {
		t.Errorf("identity %s, want %s", got, want)
	}
	secret := sha256.Sum256([]byte("secret"))
	if got := Value(secret[:], id, noon); got != wantValue {
		t.Errorf("value %v, want %v", got, wantValue)
	}
	if Value(secret[:], id, noon.Truncate(time.Second)) != Value(secret[:], id, noon) {
		t.Error("fractions of a second count")
	}
}

// What is said in other places gives another identity; the order of shipments does not matter.
func TestIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 12, 20)
		set := rapid.SliceOfDistinct(text, func(s string) string { return s }).Draw(t, "set")
		driver, carrier := text.Draw(t, "driver"), text.Draw(t, "carrier")
		id := Identity(set, driver, carrier)
		if Identity(rapid.Permutation(set).Draw(t, "order"), driver, carrier) != id || Identity(append(set, set...), driver, carrier) != id {
			t.Fatal("order or doubles count")
		}
		if driver != carrier && Identity(set, carrier, driver) == id {
			t.Fatal("driver and carrier can be exchanged")
		}
		if len(set) > 0 && Identity(set[1:], driver, carrier) == id {
			t.Fatal("a shipment less is the same")
		}
		v := Value([]byte(driver), id, noon)
		if v < 0 || v >= 1 {
			t.Fatalf("value %v", v)
		}
	})
}

// The hash of a secret is committed before the secret is used, once, also over a restart; the lane's own is revealed when
// its day is over, and fits the hash.
func TestOwnSecret(t *testing.T) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	s := open(t, path, r)
	one, err := s.For(t.Context(), noon)
	if err != nil || one.Name() != "local-2026-12-01" || len(one.Key) != SecretSize {
		t.Fatal(one, err)
	}
	if len(r.rows) != 1 || r.secret(0).Revealed != nil || !r.secret(0).Local {
		t.Fatal(r.rows)
	}
	again, err := open(t, path, r).For(t.Context(), noon.Add(11*time.Hour))
	if err != nil || !bytes.Equal(again.Key, one.Key) || len(r.rows) != 1 {
		t.Fatal(again, err, len(r.rows))
	}
	s = open(t, path, r)
	if err := s.Reveal(t.Context(), noon.Add(11*time.Hour)); err != nil || len(r.rows) != 1 {
		t.Fatalf("revealed while it is used: %v", err)
	}
	if err := s.Reveal(t.Context(), noon.Add(12*time.Hour)); err != nil || len(r.rows) != 2 {
		t.Fatal(err)
	}
	hash := sha256.Sum256(r.secret(1).Revealed)
	if !bytes.Equal(r.secret(1).Revealed, one.Key) || !bytes.Equal(hash[:], r.secret(0).Hash) || r.rows[0].Key == r.rows[1].Key {
		t.Error("what is revealed is not what was committed to")
	}
	if err := open(t, path, r).Reveal(t.Context(), noon.Add(48*time.Hour)); err != nil || len(r.rows) != 2 {
		t.Errorf("revealed twice: %v", err)
	}
}

// Without a row in the journal there is no draw; the next attempt commits the same secret.
func TestCommitFails(t *testing.T) {
	r := &record{fail: message.Errorf("draw.other-secret", message.String("day", "x"))}
	s := open(t, filepath.Join(t.TempDir(), "draws"), r)
	if d, err := NewKeeper(s).Draw(t.Context(), "p", [32]byte{1}, noon); err == nil || !d.IsNone() {
		t.Fatal(d)
	}
	r.fail = nil
	if _, err := s.For(t.Context(), noon); err != nil || len(r.rows) != 1 {
		t.Fatal(err)
	}
}

// The centre's secret is used when it is there, from the moment that it is, and is never revealed by the lane.
func TestCentresSecret(t *testing.T) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	s := open(t, path, r)
	key := bytes.Repeat([]byte{7}, SecretSize)
	if own, err := s.For(t.Context(), noon); err != nil || !own.Local {
		t.Fatal(own, err)
	}
	if err := s.Add("2026-12-01", key, nil); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, r)
	got, err := s.For(t.Context(), noon)
	if err != nil || got.Name() != "2026-12-01" || !bytes.Equal(got.Key, key) || len(r.rows) != 2 || r.secret(1).Local {
		t.Fatal(got, err)
	}
	if s.Add("2026-12-01", key, nil) != nil {
		t.Error("the same twice")
	}
	for day, key := range map[string][]byte{"2026-12-01": bytes.Repeat([]byte{8}, SecretSize), "2026-13-01": key, "2026-12-02": key[:31]} {
		if s.Add(day, key, nil) == nil {
			t.Errorf("%s with %d bytes was taken", day, len(key))
		}
	}
	if err := s.Reveal(t.Context(), noon.Add(24*time.Hour)); err != nil || len(r.rows) != 3 || !r.secret(2).Local {
		t.Errorf("%v, %d rows", err, len(r.rows))
	}
}

// What the centre reveals is journalled once, when the day is over, and only where it fits the hash that is committed; also
// after a restart. A day that this lane did not draw on has nothing to be revealed.
func TestCentreReveals(t *testing.T) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	s := open(t, path, r)
	key, other := bytes.Repeat([]byte{7}, SecretSize), bytes.Repeat([]byte{8}, SecretSize)
	for _, day := range []string{"2026-12-01", "2026-12-02"} {
		if err := s.Add(day, key, []byte(day)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.For(t.Context(), noon); err != nil || !s.Awaits("2026-12-01") || s.Awaits("2026-12-02") {
		t.Fatal(err)
	}
	if err := s.Revealed(t.Context(), "2026-12-01", other, noon.Add(12*time.Hour-time.Second)); !message.Of(err).Is("draw.not-over") {
		t.Errorf("another one revealed while ours is used: %v", err)
	}
	later := noon.Add(48 * time.Hour)
	if err := s.Reveal(t.Context(), later); err != nil || len(r.rows) != 1 {
		t.Fatal(err, len(r.rows))
	}
	s = open(t, path, r)
	if err := s.Revealed(t.Context(), "2026-12-01", other, later); !message.Of(err).Is("draw.audit-other-secret") {
		t.Errorf("another secret: %v", err)
	}
	if own, err := s.For(t.Context(), noon); err != nil || !own.Local {
		t.Errorf("a secret of a day that is over is used when the clock is set back: %+v, %v", own, err)
	}
	for range 2 {
		if err := s.Revealed(t.Context(), "2026-12-01", key, later); err != nil {
			t.Fatal(err)
		}
	}
	if s.Awaits("2026-12-01") || s.Revealed(t.Context(), "2026-12-02", key, later) != nil {
		t.Error("a day has something to be revealed that has not")
	}
	var revealed int
	for i := range r.rows {
		if b := r.secret(i); !b.Local && bytes.Equal(b.Revealed, key) {
			revealed++
		}
	}
	if revealed != 1 {
		t.Errorf("revealed %d times: %v", revealed, r.rows)
	}
}

// A secret that is known before its day is over is drawn with no more, whether it came before or comes after, is held
// against what is revealed when the day is over, and is forgotten then where it was not used.
func TestRevealedTooEarly(t *testing.T) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	s := open(t, path, r)
	key := bytes.Repeat([]byte{7}, SecretSize)
	const used, unused, late = "2026-12-01", "2026-12-02", "2026-12-03"
	for _, day := range []string{used, unused} {
		if err := s.Add(day, key, []byte(day)); err != nil {
			t.Fatal(err)
		}
	}
	if one, err := s.For(t.Context(), noon); err != nil || one.Local {
		t.Fatal(one.Name(), err)
	}
	for _, day := range []string{used, unused, late, late} {
		if err := s.Revealed(t.Context(), day, key, noon); !message.Of(err).Is("draw.exposed") {
			t.Errorf("%s: %v", day, err)
		}
	}
	for _, reopened := range []bool{false, true} {
		if reopened {
			s = open(t, path, r)
		}
		if err := s.Add(late, key, nil); !message.Of(err).Is("draw.exposed") {
			t.Errorf("a secret that is known is taken: %v", err)
		}
		for i := range 3 {
			if one, err := s.For(t.Context(), noon.AddDate(0, 0, i)); err != nil || !one.Local {
				t.Errorf("day %d is drawn with %s, %v", i, one.Name(), err)
			}
		}
	}
	after := noon.AddDate(0, 0, 3)
	if err := s.Revealed(t.Context(), used, key, after); err != nil || s.Awaits(used) {
		t.Error(err)
	}
	if len(s.all) != 0 {
		t.Errorf("kept: %v", s.all)
	}
}

// The hashes of days that wait to be revealed are bounded, the oldest go first, and do not stand in the way of new secrets.
func TestTooManyAwaited(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "draws"), &record{})
	for i := range maxAwaited + 9 {
		at := noon.AddDate(0, 0, i)
		if err := s.Add(Day(at), make([]byte, SecretSize), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.For(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if err := s.Reveal(t.Context(), at.AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.all) != maxAwaited || s.Awaits(Day(noon)) || !s.Awaits(Day(noon.AddDate(0, 0, maxAwaited+8))) {
		t.Error(len(s.all))
	}
}

// The file is the owner's, says nothing without the key, and is set aside when it is damaged.
func TestSealedFile(t *testing.T) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	s := open(t, path, r)
	one, err := s.For(t.Context(), noon)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, one.Key) || bytes.Contains(text, []byte("2026")) {
		t.Error("the file is not sealed", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	text[len(text)-1] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, r)
	if s.SetAside() != path+".bad" {
		t.Errorf("set aside: %q", s.SetAside())
	}
	if other, err := s.For(t.Context(), noon); err != nil || bytes.Equal(other.Key, one.Key) {
		t.Error("no new secret", err)
	}
}

func TestTooManySecrets(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "draws"), &record{})
	for i := range maxSecrets {
		if err := s.Add(Day(noon.AddDate(0, 0, i)), make([]byte, SecretSize), nil); err != nil {
			t.Fatal(err)
		}
	}
	if s.Add("2030-01-01", make([]byte, SecretSize), nil) == nil {
		t.Error("there is no bound")
	}
	if err := s.Reveal(t.Context(), noon.AddDate(0, 0, 2)); err != nil || s.Add("2030-01-01", make([]byte, SecretSize), nil) != nil {
		t.Error("past days are kept", err)
	}
}

// step is what is presented, and which draw it must have: that of the step with the number.
type step struct {
	presentation string
	set          byte
	after        time.Duration
	draw         int
	kept         bool
}

func TestKeeper(t *testing.T) {
	for name, steps := range map[string][]step{
		"decided again":            {{"p", 1, 0, 0, false}, {"p", 1, time.Minute, 0, false}, {"p", 1, 5 * time.Hour, 0, false}},
		"presented again":          {{"p", 1, 0, 0, false}, {"q", 1, time.Hour, 0, true}, {"q", 1, time.Hour, 0, true}},
		"after 4 h":                {{"p", 1, 0, 0, false}, {"q", 1, KeptFor, 1, false}},
		"just before":              {{"p", 1, 0, 0, false}, {"q", 1, KeptFor - time.Second, 0, true}},
		"4 h count from the draw":  {{"p", 1, 0, 0, false}, {"q", 1, 3 * time.Hour, 0, true}, {"r", 1, KeptFor, 2, false}},
		"others":                   {{"p", 1, 0, 0, false}, {"q", 2, 0, 1, false}},
		"something is added":       {{"p", 1, 0, 0, false}, {"p", 2, time.Minute, 0, false}, {"q", 2, time.Hour, 0, true}},
		"again in another order":   {{"p", 1, 0, 0, false}, {"p", 3, 0, 0, false}, {"q", 2, time.Hour, 2, false}, {"q", 3, time.Hour, 0, true}},
		"the clock was put back":   {{"p", 1, 0, 0, false}, {"q", 1, -time.Hour, 1, false}},
		"over midnight":            {{"p", 1, 11 * time.Hour, 0, false}, {"q", 1, 13 * time.Hour, 0, true}},
		"back to what it was once": {{"p", 1, 0, 0, false}, {"p", 2, 0, 0, false}, {"p", 1, time.Hour, 0, false}},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(name, restart), func(t *testing.T) { runSteps(t, steps, restart) })
		}
	}
}

// runSteps draws; with restart, by a new Keeper each time, which has what the journal has. The journal does not have that
// something was added to a presentation.
func runSteps(t *testing.T, steps []step, restart bool) {
	path, r := filepath.Join(t.TempDir(), "draws"), &record{}
	k := NewKeeper(open(t, path, r))
	var draws []Draw
	for i, s := range steps {
		if restart {
			k = NewKeeper(open(t, path, r))
			for j, d := range draws {
				k.Remember(steps[j].presentation, FromRow(&observation.RandomDraw{Identity: d.Identity[:], Value: d.Value,
					Secret: d.Secret, Kept: d.Kept, DrawnS: d.Drawn.Unix()}))
			}
		}
		d, err := k.Draw(t.Context(), s.presentation, [32]byte{s.set}, noon.Add(s.after))
		if err != nil {
			t.Fatal(err)
		}
		draws = append(draws, d)
		if restart && d.Identity != [32]byte{s.set} {
			return // known by what was drawn for first only
		}
		want := draws[s.draw]
		if s.draw != i && (d.Value != want.Value || !d.Drawn.Equal(want.Drawn)) || d.Kept != s.kept {
			if restart && draws[s.draw].Identity != [32]byte{s.set} {
				return
			}
			t.Fatalf("step %d: %+v, want that of step %d, kept %v", i, d, s.draw, s.kept)
		}
		for j := range draws[:i] {
			if s.draw == i && draws[j].Value == d.Value {
				t.Fatalf("step %d has the draw of step %d", i, j)
			}
		}
	}
}

func TestKeeperIsBounded(t *testing.T) {
	r := &record{}
	k := NewKeeper(open(t, filepath.Join(t.TempDir(), "draws"), r))
	for i := range 3 * mostKept {
		id := sha256.Sum256([]byte(fmt.Sprint(i)))
		if _, err := k.Draw(t.Context(), fmt.Sprint(i), id, noon); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.drawn.entries) != mostKept || len(k.presented.entries) != mostKept || len(k.drawn.order) != mostKept {
		t.Error(len(k.drawn.entries), len(k.presented.entries), len(k.drawn.order))
	}
}
