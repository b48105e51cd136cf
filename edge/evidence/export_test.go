package evidence

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/observation/coded"
)

// exported returns an export of rows of a log of n rows, signed at its end, and the key that it is checked against.
func exported(t *testing.T, n int, rows ...int64) (*Export, string) {
	t.Helper()
	secret, public, err := NewKey("demo", "lane-1")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	log, tree := build(t, n, func(size int) bool { return size == n }, signer)
	blinder := NewBlinder(testKey)
	var records []ExportedRecord
	for _, idx := range rows {
		r, blind := log.rows[idx], blinder.Blind(idx)
		records = append(records, ExportedRecord{
			Idx: idx, Class: r.Class, TimeNs: r.Time, Kind: r.Kind, Device: r.Device, Blind: blind[:], Body: r.Body,
		})
	}
	e, err := NewExport(testOrigin, public, log.points[0].Note, tree, log, records)
	if err != nil {
		t.Fatal(err)
	}
	return e, public
}

// codes returns the codes of findings, each with that of its cause where it has one.
func codes(findings []error) (out []string) {
	for _, err := range findings {
		for f := (*coded.Message)(nil); errors.As(err, &f); err = f.Unwrap() {
			out = append(out, f.Code)
		}
	}
	return out
}

// TestExportProves: rows of every part of a log, with full tiles and without, are proven by an export that holds no
// other row.
func TestExportProves(t *testing.T) {
	for _, c := range []struct {
		size int
		rows []int64
	}{
		{1, []int64{0}},
		{TileWidth, []int64{0, TileWidth - 1}},
		{3*TileWidth + 7, []int64{0, TileWidth, 3 * TileWidth, 3*TileWidth + 6}},
	} {
		e, public := exported(t, c.size, c.rows...)
		for _, key := range []string{"", public} {
			size, findings, err := e.Check(key)
			if err != nil || size != int64(c.size) || len(findings) > 0 {
				t.Errorf("%d rows: %d, %v, %v", c.size, size, codes(findings), err)
			}
		}
	}
}

// TestExportFindsChanges: whatever is changed in an export is found, and named by its code.
func TestExportFindsChanges(t *testing.T) {
	const row = "evidence.row-of"
	for _, c := range []struct {
		name   string
		change func(e *Export, r *ExportedRecord)
		want   []string
	}{
		{"a byte of the body", func(_ *Export, r *ExportedRecord) { r.Body[0] ^= 1 }, []string{row, "evidence.not-proven"}},
		{"the time", func(_ *Export, r *ExportedRecord) { r.TimeNs++ }, []string{row, "evidence.not-proven"}},
		{"the class", func(_ *Export, r *ExportedRecord) { r.Class = 1 }, []string{row, "evidence.not-proven"}},
		{"the kind", func(_ *Export, r *ExportedRecord) { r.Kind++ }, []string{row, "evidence.not-proven"}},
		{"the device", func(_ *Export, r *ExportedRecord) { r.Device = "rpm-2" }, []string{row, "evidence.not-proven"}},
		{"the row's number", func(_ *Export, r *ExportedRecord) { r.Idx++ }, []string{row, "evidence.not-proven"}},
		{"a number that no row has", func(_ *Export, r *ExportedRecord) { r.Idx = -1 }, []string{row, "evidence.not-proven"}},
		{"the blind", func(_ *Export, r *ExportedRecord) { r.Blind[0] ^= 1 }, []string{row, "evidence.not-proven"}},
		{"a short blind", func(_ *Export, r *ExportedRecord) { r.Blind = r.Blind[1:] }, []string{row, "evidence.blind"}},
		{"a hash of the proof", func(_ *Export, r *ExportedRecord) { r.Proof[0][0] ^= 1 }, []string{row, "evidence.not-proven"}},
		{"a short hash", func(_ *Export, r *ExportedRecord) { r.Proof[0] = r.Proof[0][1:] }, []string{row, "evidence.proof-hash"}},
		{"a missing hash", func(_ *Export, r *ExportedRecord) { r.Proof = r.Proof[1:] }, []string{row, "evidence.not-proven"}},
		{"no proof", func(_ *Export, r *ExportedRecord) { r.Proof = nil }, []string{row, "evidence.not-proven"}},
		{"the origin", func(e *Export, _ *ExportedRecord) { e.Origin += "x" }, []string{"evidence.checkpoint"}},
		{"the checkpoint", func(e *Export, _ *ExportedRecord) { e.Checkpoint = "x" + e.Checkpoint }, []string{"evidence.checkpoint"}},
	} {
		e, public := exported(t, TileWidth+44, 3)
		c.change(e, &e.Records[0])
		_, findings, err := e.Check(public)
		got := codes(findings)
		if err != nil || len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("%s: %v (%v), want %v", c.name, got, err, c.want)
		}
	}
}

// TestExportKeys: an export proves itself only against the key that the agency publishes.
func TestExportKeys(t *testing.T) {
	e, _ := exported(t, 10, 3)
	_, other, err := NewKey("demo", "lane-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, findings, err := e.Check(other); err != nil || !slices.Equal(codes(findings)[:1], []string{"evidence.checkpoint"}) {
		t.Errorf("another key of the same name: %v, %v", codes(findings), err)
	}
	if _, _, err := e.Check("no key"); err == nil {
		t.Error("what is no key is taken for one")
	}
	e.Format = "other-1"
	if _, _, err := e.Check(""); !slices.Equal(codes([]error{err}), []string{"evidence.format"}) {
		t.Errorf("another format: %v", err)
	}
}

// TestExportNeedsTheRow: a row behind the checkpoint cannot be proven.
func TestExportNeedsTheRow(t *testing.T) {
	signer, _ := keys(t)
	log, tree := build(t, 10, func(int) bool { return false }, signer)
	if _, err := NewExport(testOrigin, "", "", tree, log, []ExportedRecord{{Idx: 10}}); err == nil {
		t.Error("the eleventh row of ten was proven")
	}
}

// TestCloneIsIndependent: what is appended to a copy leaves the tree as it was, and comes to the same as without copying.
func TestCloneIsIndependent(t *testing.T) {
	h := NewHasher(testKey)
	grow := func(tree *Tree, from, to int) {
		for i := from; i < to; i++ {
			leaf, err := h.Leaf(int64(i), Record{Class: 3, Time: int64(i), Kind: 17, Device: "rpm-1"})
			if err != nil {
				t.Fatal(err)
			}
			tree.Append(leaf)
		}
	}
	for _, size := range []int{1, TileWidth - 1, TileWidth, 2*TileWidth + 5} {
		tree, whole := &Tree{}, &Tree{}
		grow(tree, 0, size)
		root := tree.Root()
		clone := tree.Clone()
		grow(clone, size, size+TileWidth)
		grow(whole, 0, size+TileWidth)
		if tree.Size() != int64(size) || tree.Root() != root {
			t.Errorf("%d rows: the tree is changed by its copy", size)
		}
		if clone.Root() != whole.Root() {
			t.Errorf("%d rows: the copy goes on otherwise", size)
		}
	}
}

// TestHashCodec: hashes come back from a tile's bytes; bytes that are no tile are refused.
func TestHashCodec(t *testing.T) {
	hashes := make([]Hash, TileWidth)
	for i := range hashes {
		hashes[i][0], hashes[i][len(hashes[i])-1] = byte(i), byte(i>>4)
	}
	for _, n := range []int{0, 1, TileWidth} {
		if got, err := DecodeHashes(EncodeHashes(hashes[:n])); err != nil || !slices.Equal(got, hashes[:n]) {
			t.Errorf("%d hashes: %v", n, err)
		}
	}
	for _, n := range []int{1, len(Hash{}) - 1, len(Hash{}) + 1, (TileWidth + 1) * len(Hash{})} {
		if _, err := DecodeHashes(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are taken for a tile", n)
		}
	}
}
