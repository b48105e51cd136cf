package evidence

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"lanewarden/drivers/message"
)

// memory is a log kept in memory, for tests.
type memory struct {
	rows   []Record
	tiles  map[[2]int64][]tlog.Hash
	points []SignedCheckpoint
}

func (m *memory) Tile(level int, n int64) ([]tlog.Hash, error) {
	if t, ok := m.tiles[[2]int64{int64(level), n}]; ok {
		return t, nil
	}
	return nil, ErrNoTile
}

func (m *memory) Rows(f func(int64, Record) error) error {
	for i, r := range m.rows {
		if err := f(int64(i), r); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Checkpoints() ([]SignedCheckpoint, error) { return m.points, nil }

var (
	testKey    = []byte("0123456789abcdef0123456789abcdef")
	testOrigin = Origin("demo", "lane-1", []byte{1, 2, 3})
)

func keys(t testing.TB) (note.Signer, note.Verifier) {
	sk, vk, err := NewKey("demo", "lane-1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(sk)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vk)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func build(t testing.TB, n int, sign func(size int) bool, signer note.Signer) (*memory, *Tree) {
	m, tree, h := &memory{tiles: map[[2]int64][]tlog.Hash{}}, &Tree{}, NewHasher(testKey)
	for i := range n {
		r := Record{Class: 3, Time: int64(i), Kind: 17, Device: "rpm-1", Body: fmt.Appendf(nil, "body %d", i)}
		m.rows = append(m.rows, r)
		leaf, err := h.Leaf(int64(i), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, tile := range tree.Append(leaf) {
			m.tiles[[2]int64{int64(tile.Level), tile.N}] = tile.Hashes
		}
		if sign(i + 1) {
			signed, err := Checkpoint{testOrigin, tree.Size(), tree.Root()}.Sign(signer)
			if err != nil {
				t.Fatal(err)
			}
			m.points = append(m.points, SignedCheckpoint{tree.Size(), signed, append([]tlog.Hash(nil), tree.Tail()...)})
		}
	}
	return m, tree
}

// The tree, its restored copy and its reader must agree with x/mod's own tlog at every size.
func TestTreeAgreesWithTlog(t *testing.T) {
	const n = 70_000 // three tile levels
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(ix))
		for i, x := range ix {
			out[i] = stored[x]
		}
		return out, nil
	})
	m, tree := &memory{tiles: map[[2]int64][]tlog.Hash{}}, &Tree{}
	for i := int64(0); i < n; i++ {
		leaf := tlog.RecordHash(fmt.Append(nil, i))
		hs, err := tlog.StoredHashesForRecordHash(i, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hs...)
		for _, tile := range tree.Append(leaf) {
			m.tiles[[2]int64{int64(tile.Level), tile.N}] = tile.Hashes
		}
		if size := i + 1; size < 600 || size%4999 == 0 || size == 65536 || size == n {
			want, err := tlog.TreeHash(size, reader)
			if err != nil {
				t.Fatal(err)
			}
			if got := tree.Root(); got != want {
				t.Fatalf("root at %d: got %v, tlog says %v", size, got, want)
			}
			restored, err := Restore(size, m, tree.Tail())
			if err != nil || restored.Root() != want {
				t.Fatalf("restored root at %d: %v", size, err)
			}
			proof, err := tlog.ProveRecord(size, size/2, restored.Reader(m))
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, size, want, size/2, tlog.RecordHash(fmt.Append(nil, size/2))); err != nil {
				t.Fatalf("proof of %d in %d: %v", size/2, size, err)
			}
		}
	}
}

func TestAuditFindsOneChangedByte(t *testing.T) {
	signer, verifier := keys(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 700).Draw(rt, "rows")
		every := rapid.IntRange(1, 300).Draw(rt, "sign every")
		m, _ := build(t, n, func(s int) bool { return s%every == 0 || s == n }, signer)
		r, err := Audit(m, testKey, verifier, testOrigin)
		if err != nil || !r.OK() || r.Signed != int64(n) || r.Rows != int64(n) {
			rt.Fatalf("audit of an untouched log: %+v, %v", r, err)
		}
		bad := rapid.IntRange(0, n-1).Draw(rt, "bad row")
		b := m.rows[bad].Body
		b[rapid.IntRange(0, len(b)-1).Draw(rt, "byte")] ^= 1
		r, err = Audit(m, testKey, verifier, testOrigin)
		if err != nil || r.OK() || !strings.HasPrefix(message.Of(r.Findings[0]).English(), fmt.Sprintf("row %d ", bad)) {
			rt.Fatalf("row %d changed: %+v, %v", bad, r, err)
		}
	})
}

func TestAuditFindsTruncationForgeryAndHoles(t *testing.T) {
	signer, verifier := keys(t)
	always := func(s int) bool { return s == 300 }
	m, _ := build(t, 300, always, signer)
	m.rows = m.rows[:290]
	if r, err := Audit(m, testKey, verifier, testOrigin); err != nil || r.OK() {
		t.Errorf("truncated log: %+v, %v", r, err)
	}
	m, _ = build(t, 300, always, signer)
	m.points[0].Note = strings.Replace(m.points[0].Note, "\n300\n", "\n299\n", 1)
	if r, err := Audit(m, testKey, verifier, testOrigin); err != nil || r.OK() {
		t.Errorf("forged checkpoint: %+v, %v", r, err)
	}
	m, _ = build(t, 300, always, signer)
	delete(m.tiles, [2]int64{0, 0})
	if r, err := Audit(m, testKey, verifier, testOrigin); err != nil || r.OK() {
		t.Errorf("lost tile: %+v, %v", r, err)
	}
	if _, err := OpenCheckpoint(m.points[0].Note, verifier, "lanewarden/other/lane-1/00"); err == nil {
		t.Error("a checkpoint of another origin was accepted")
	}
}

func TestLeafRefusesLongDevice(t *testing.T) {
	if _, err := NewHasher(testKey).Leaf(0, Record{Device: strings.Repeat("x", 256)}); err == nil {
		t.Error("a device id of 256 bytes was accepted")
	}
}

func BenchmarkAppend(b *testing.B) {
	h, tree := NewHasher(testKey), &Tree{}
	r := Record{Class: 3, Kind: 17, Device: "rpm-1", Body: make([]byte, 300)}
	for i := 0; b.Loop(); i++ {
		leaf, _ := h.Leaf(int64(i), r)
		tree.Append(leaf)
	}
}

// BenchmarkStoredHashes is the baseline: the same log by tlog.StoredHashes.
func BenchmarkStoredHashes(b *testing.B) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(ix))
		for i, x := range ix {
			out[i] = stored[x]
		}
		return out, nil
	})
	h := NewHasher(testKey)
	r := Record{Class: 3, Kind: 17, Device: "rpm-1", Body: make([]byte, 300)}
	for i := 0; b.Loop(); i++ {
		leaf, _ := h.Leaf(int64(i), r)
		hs, err := tlog.StoredHashesForRecordHash(int64(i), leaf, reader)
		if err != nil {
			b.Fatal(err)
		}
		stored = append(stored, hs...)
	}
}

// TestCheckpointErrors: each way in which a checkpoint does not hold is a message of its own, said in both languages.
func TestCheckpointErrors(t *testing.T) {
	signer, verifier := keys(t)
	_, other := keys(t)
	sign := func(text string) string {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	good := sign(testOrigin + "\n1\n" + base64.StdEncoding.EncodeToString(make([]byte, tlog.HashSize)) + "\n")
	for code, c := range map[string]struct {
		signed string
		by     note.Verifier
		origin string
	}{
		"checkpoint.long":         {strings.Repeat("x", MaxCheckpointBytes+1), verifier, testOrigin},
		"checkpoint.malformed":    {"no note", verifier, testOrigin},
		"checkpoint.other-key":    {good, other, testOrigin},
		"checkpoint.forged":       {strings.Replace(good, "\n1\n", "\n2\n", 1), verifier, testOrigin},
		"checkpoint.lines":        {sign("x\n"), verifier, testOrigin},
		"checkpoint.size":         {sign("x\none\ny\n"), verifier, testOrigin},
		"checkpoint.root":         {sign("x\n1\ny\n"), verifier, testOrigin},
		"checkpoint.other-origin": {good, verifier, "lanewarden/other/lane-1/00"},
	} {
		_, err := OpenCheckpoint(c.signed, c.by, c.origin)
		m := message.Of(err)
		if m.Code != code || m.Is("quoted") || m.In(message.French) == m.English() {
			t.Errorf("%s: %v, %q", code, err, m.In(message.French))
		}
	}
	if _, err := OpenCheckpoint(good, verifier, testOrigin); err != nil {
		t.Error(err)
	}
}
