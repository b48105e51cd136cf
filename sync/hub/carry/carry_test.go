package carry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// post is a lane and a hub that no link joins.
type post struct {
	t       *testing.T
	dir     string // of the journal
	j       *journal.Journal
	hub     *ledger.Ledger
	hubDir  string
	key     keyfile.Key // the hub's
	applied int
}

func newPost(t *testing.T) *post {
	p := &post{t: t, dir: t.TempDir(), hubDir: t.TempDir()}
	p.open()
	var err error
	if p.hub, err = ledger.Open(p.hubDir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.hub.Close() })
	if p.key, err = keyfile.Open(filepath.Join(t.TempDir(), "hub.key"), wire.HubKeyName); err != nil {
		t.Fatal(err)
	}
	return p
}

// open opens the lane's journal.
func (p *post) open() {
	p.t.Helper()
	j, err := journal.Open(p.dir, journal.Options{Site: "demo", Agent: "lane-1", SignEvery: time.Nanosecond})
	if err != nil {
		p.t.Fatal(err)
	}
	p.j = j
	p.t.Cleanup(func() { j.Close() })
}

// record commits rows, one in five an alarm and one in three an event, every tenth with a document of some bytes.
func (p *post) record(n int) {
	p.t.Helper()
	for i := range n {
		class := observation.Class_CLASS_TELEMETRY
		if i%5 == 0 {
			class = observation.Class_CLASS_ALARM
		} else if i%3 == 0 {
			class = observation.Class_CLASS_EVENT
		}
		o := observation.New(class, time.Now(), &observation.RadiationTamper{Tripped: true})
		if i%10 == 0 {
			content := bytes.Repeat([]byte{byte(p.j.Size())}, 100+i*40_000)
			a, err := p.j.StoreArtifact(p.t.Context(), bytes.NewReader(content), "text/plain", "report.txt")
			if err != nil {
				p.t.Fatal(err)
			}
			o.Body.Artifacts = append(o.Body.Artifacts, a)
		}
		o.Device = "rpm-1"
		if _, err := p.j.Commit(p.t.Context(), o); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *post) export() []byte {
	p.t.Helper()
	r, err := journal.OpenForReading(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := Export(p.t.Context(), &out, r, "test"); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}

// Hello implements Hub.
func (p *post) Hello(_ context.Context, from Sender, m *wire.Hello) (*wire.Ack, error) {
	return p.apply(ledger.Hello{From: ledger.Sender(from), Body: m})
}

// Batch implements Hub.
func (p *post) Batch(_ context.Context, from Sender, m *wire.Batch) (*wire.Ack, error) {
	return p.apply(ledger.Carried{Batch: ledger.Batch{From: ledger.Sender(from), Body: m}})
}

// Chunk implements Hub.
func (p *post) Chunk(_ context.Context, from Sender, m *wire.Chunk) (*wire.Ack, error) {
	return p.apply(ledger.Chunk{From: ledger.Sender(from), Body: m})
}

// apply files at the hub.
func (p *post) apply(m ledger.Message) (*wire.Ack, error) {
	p.applied++
	a, err := p.hub.Apply([]ledger.Message{m})
	if err != nil {
		return nil, err
	}
	return a[0].Ack, nil
}

func (p *post) take(file []byte) Taken {
	p.t.Helper()
	taken, err := Import(p.t.Context(), bytes.NewReader(file), p)
	if err != nil {
		p.t.Fatal(err)
	}
	return taken
}

// receive takes the receipts back to the lane.
func (p *post) receive(taken Taken) {
	p.t.Helper()
	receipts, err := taken.Receipts(p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	v, err := note.NewVerifier(p.key.Public)
	if err != nil {
		p.t.Fatal(err)
	}
	split := SplitReceipts(strings.Join(receipts, ""))
	if !slices.Equal(split, receipts) {
		p.t.Fatalf("%d receipts became %d", len(receipts), len(split))
	}
	for _, r := range split {
		if err := Receive(p.j, r, note.VerifierList(v)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// link sends up to most rows of a class as a link does.
func (p *post) link(class observation.Class, most int) {
	p.t.Helper()
	id := p.j.Identity()
	_, checkpoint := p.j.Checkpoint()
	from := ledger.Sender{Site: "demo", Agent: "lane-1"}
	a, err := p.apply(ledger.Hello{From: from, Body: &wire.Hello{
		Journal: id.ID, Size: p.j.Size(), Checkpoint: checkpoint, BlindKey: id.BlindKey, Verifier: id.Verifier,
	}})
	if err != nil || a.Refusal != 0 {
		p.t.Fatal(a, err)
	}
	for _, c := range a.Cursors {
		if c.Class != class || c.Idx == p.j.Last(class) {
			continue
		}
		rows, err := p.j.ReadClass(class, c.Idx, most, 1<<20)
		if err != nil {
			p.t.Fatal(err)
		}
		var out []wire.Row
		for _, r := range rows {
			out = append(out, wire.RowOf(&r, true))
		}
		a, err := p.apply(ledger.Batch{From: from, Body: wire.NewBatch(id.ID, class, c.Idx, out)})
		if err != nil || a.Refusal != 0 {
			p.t.Fatal(a, err)
		}
	}
}

// check holds the hub against the lane: each row and each artifact once, all of it proved, and the lane knows.
func (p *post) check() {
	p.t.Helper()
	events, err := p.hub.Events(0, 1<<20, ledger.Filter{})
	if err != nil || int64(len(events)) != p.j.Size() {
		p.t.Errorf("the hub has %d rows, the lane %d: %v", len(events), p.j.Size(), err)
	}
	audits, err := ledger.Audit(p.t.Context(), p.hubDir, "")
	if err != nil || len(audits) != 1 || !audits[0].Report.OK() || audits[0].Report.Rows != p.j.Size() {
		p.t.Fatalf("%+v %v", audits, err)
	}
	for _, class := range observation.Classes {
		if p.j.Acked(class) != p.j.Last(class) {
			p.t.Errorf("%s: acknowledged up to %d of %d", class.Name(), p.j.Acked(class), p.j.Last(class))
		}
	}
	p.j.Close() // which writes what was received
	r, err := journal.OpenForReading(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	if left, err := r.Unsent(); err != nil || len(left) != 0 {
		p.t.Errorf("%d artifacts are still to be sent, %v", len(left), err)
	}
}

// What is carried is at the hub once, whatever else came by a link before, between and after, in whatever order the files
// come in, and however often.
func TestCarriedBesideAFlappingLink(t *testing.T) {
	p := newPost(t)
	p.record(60)
	first := p.export()
	p.link(observation.Class_CLASS_EVENT, 7)
	p.receive(p.take(first))
	p.take(first)
	p.record(30)
	second := p.export()
	p.record(20)
	p.link(observation.Class_CLASS_ALARM, 100)
	third := p.export()
	p.receive(p.take(third))
	p.receive(p.take(second))
	p.take(first)
	p.link(observation.Class_CLASS_TELEMETRY, 3)
	p.receive(p.take(p.export()))
	p.check()
}

// A file that lacks what comes before is not taken in, and says which rows it lacks.
func TestHole(t *testing.T) {
	p := newPost(t)
	p.record(20)
	first := p.export()
	for _, class := range observation.Classes { // the lane believes what no hub has
		p.j.SetAcked(class, p.j.Last(class))
	}
	p.record(20)
	second := p.export()
	if _, err := Import(t.Context(), bytes.NewReader(second), p); err == nil || !strings.Contains(err.Error(), "lacks rows 0 to 15 of class alarm") {
		t.Fatal(err)
	}
	p.take(first)
	p.receive(p.take(second))
	p.check()
}

// A lane whose disk was restored from an image writes other rows under numbers that the hub has. A file of them is refused
// before anything is filed, so the lane takes none of them for acknowledged, and the original at the hub stays proved.
func TestRestoredImage(t *testing.T) {
	for _, own := range []int{10, 100} { // fewer rows than the hub has more, and more
		p := newPost(t)
		p.record(30)
		p.receive(p.take(p.export()))
		p.j.Close()
		image := t.TempDir()
		if err := os.CopyFS(image, os.DirFS(p.dir)); err != nil {
			t.Fatal(err)
		}
		p.open()
		p.record(40)
		p.receive(p.take(p.export()))
		p.check()
		original := p.dir
		p.dir = image
		p.open()
		p.record(own)
		if taken, err := Import(t.Context(), bytes.NewReader(p.export()), p); err == nil || !strings.Contains(err.Error(), "is not the one that the hub has") {
			t.Fatalf("%d rows: %+v, %v", own, taken, err)
		}
		if audits, err := ledger.Audit(t.Context(), p.hubDir, ""); err != nil || !audits[0].Report.OK() || audits[0].Report.Rows != 70 {
			t.Errorf("%d rows: %+v, %v", own, audits, err)
		}
		p.j.Close()
		p.dir = original
		p.open()
		p.record(80) // the refused file leaves nothing at the hub that the original's rows would contradict
		p.receive(p.take(p.export()))
		p.check()
	}
}

// A receipt speaks of no rows after those of its file: a lane that was restored since may have others there.
func TestReceiptEndsWithItsFile(t *testing.T) {
	p := newPost(t)
	p.record(20)
	file := p.export()
	last := observation.PerClass[int64]{}
	for _, class := range observation.Classes {
		last[class] = p.j.Last(class)
	}
	p.record(20)
	p.take(p.export())
	for class, idx := range p.take(file).Cursors {
		if idx != last[class] {
			t.Errorf("%s: %d, the file ends at %d", class.Name(), idx, last[class])
		}
	}
}

// members returns the members of a file, each as it stands in it.
func members(t *testing.T, file []byte) (out [][]byte) {
	t.Helper()
	r := bytes.NewReader(file)
	in := tar.NewReader(r)
	begin := int64(0)
	for {
		_, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Fatal(err)
		}
		end := (r.Size() - int64(r.Len()) + 511) / 512 * 512
		out = append(out, file[begin:end])
		begin = end
	}
}

// A file of which something was altered, left out, swapped, cut, or taken from another file is refused at that place; what
// was before it is filed, and the whole file afterwards files the rest.
func TestAltered(t *testing.T) {
	p := newPost(t)
	p.record(25)
	file := p.export()
	other := members(t, p.export())
	all := members(t, file)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	with := func(i int, part []byte) []byte { return join(slices.Replace(slices.Clone(all), i, i+1, part)...) }
	flipped := func(i, at int) []byte {
		part := bytes.Clone(all[i])
		part[at] ^= 1
		return with(i, part)
	}
	cases := map[string][]byte{
		"empty":              {},
		"no tar":             bytes.Repeat([]byte("Lanewarden"), 1000),
		"without its hello":  join(all[1:]...),
		"without its end":    join(all[:len(all)-1]...),
		"a member less":      join(slices.Delete(slices.Clone(all), 2, 3)...),
		"a member twice":     join(slices.Insert(slices.Clone(all), 2, all[2])...),
		"two swapped":        join(append([][]byte{all[0], all[2], all[1]}, all[3:]...)...),
		"of another file":    with(2, other[2]),
		"cut in a member":    file[:len(join(all[:3]...))+700],
		"a byte of the last": flipped(len(all)-2, len(all[len(all)-2])-600),
	}
	for i := range all {
		for _, at := range []int{700, len(all[i]) - 512} { // in the signature, in the payload
			if at < len(all[i]) && all[i][at] != 0 {
				cases[fmt.Sprintf("byte %d of member %d", at, i)] = flipped(i, at)
			}
		}
	}
	for name, bad := range cases {
		if _, err := Import(t.Context(), bytes.NewReader(bad), p); err == nil {
			t.Errorf("%s: taken in", name)
		} else if strings.Contains(err.Error(), "{{") || len(err.Error()) < 10 {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.receive(p.take(file))
	p.check()
}

// A receipt counts only when a known hub signed it, about this journal and rows that are there.
func TestReceiptsThatDoNotCount(t *testing.T) {
	p, other := newPost(t), newPost(t)
	p.record(20)
	v, err := note.NewVerifier(p.key.Public)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(p *post) evidence.Checkpoint {
		_, text := p.j.Checkpoint()
		c, err := evidence.ReadCheckpoint(text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	other.record(20)
	taken := Taken{Journal: p.j.Identity().ID, Signed: signed(p), Cursors: map[observation.Class]int64{observation.Class_CLASS_ALARM: 15}}
	sign := func(change func(*Taken), key note.Signer) string {
		one := taken
		change(&one)
		receipts, err := one.Receipts(key)
		if err != nil {
			t.Fatal(err)
		}
		return receipts[0]
	}
	for name, receipt := range map[string]string{
		"of another hub":     sign(func(*Taken) {}, other.key),
		"of another journal": sign(func(t *Taken) { t.Journal = other.j.Identity().ID }, p.key),
		"of another past":    sign(func(t *Taken) { t.Signed.Root = signed(other).Root }, p.key),
		"of rows to come":    sign(func(t *Taken) { t.Signed.Size = 1000 }, p.key),
		"altered":            strings.Replace(sign(func(*Taken) {}, p.key), "alarm 15", "alarm 16", 1),
		"empty":              "",
	} {
		if err := Receive(p.j, receipt, note.VerifierList(v)); err == nil {
			t.Errorf("%s: counts", name)
		}
	}
	if p.j.Acked(observation.Class_CLASS_ALARM) != -1 {
		t.Error("something is acknowledged")
	}
	beyond := sign(func(t *Taken) { t.Cursors = map[observation.Class]int64{observation.Class_CLASS_ALARM: 1000} }, p.key)
	if err := Receive(p.j, beyond, note.VerifierList(v)); err != nil || p.j.Acked(observation.Class_CLASS_ALARM) != p.j.Size()-1 {
		t.Errorf("a hub that has more: acknowledged up to %d of %d, %v", p.j.Acked(observation.Class_CLASS_ALARM), p.j.Size(), err)
	}
}

// A receipt of a past that the journal no longer has, as it was restored from an image since, marks nothing and says why.
func TestReceiptOfAnotherPast(t *testing.T) {
	p := newPost(t)
	p.record(20)
	image := t.TempDir()
	if err := os.CopyFS(image, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	p.record(10)
	taken := p.take(p.export())
	receipts, err := taken.Receipts(p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.j.Close()
	if p.j, err = journal.Open(image, journal.Options{Site: "demo", Agent: "lane-1", SignEvery: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	defer p.j.Close()
	v, err := note.NewVerifier(p.key.Public)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // shorter than the file, and then as long, with other rows
		if err := Receive(p.j, receipts[0], note.VerifierList(v)); err == nil || !strings.Contains(err.Error(), "another past") {
			t.Errorf("it counts, or does not say why: %v", err)
		}
		p.record(15)
	}
	for _, class := range observation.Classes {
		if have := p.j.Acked(class); have != -1 {
			t.Errorf("%s: acknowledged up to %d", class.Name(), have)
		}
	}
}

// carriedBy writes a file, signed with the agent's key, of the messages that an exporter writes after its hello.
func (p *post) carriedBy(write func(*exporter) error) []byte {
	p.t.Helper()
	r, err := journal.OpenForReading(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	codec, err := wire.NewCodec()
	if err != nil {
		p.t.Fatal(err)
	}
	defer codec.Close()
	var out bytes.Buffer
	x := &exporter{ctx: p.t.Context(), codec: codec, key: r.Key.Signer, id: make([]byte, idBytes), from: r, tar: tar.NewWriter(&out)}
	if err := errors.Join(x.hello("test"), write(x), x.member(leafEnd, nil), x.tar.Close()); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}

// A file is about one journal: messages about another one of the agent are not filed, and no receipt counts them.
func TestFileOfTwoJournals(t *testing.T) {
	p := newPost(t)
	p.record(5)
	p.take(p.export())
	old := p.j.Identity().ID
	p.j.Close()
	var err error
	if err = os.Rename(filepath.Join(p.dir, journal.FileName), filepath.Join(t.TempDir(), "old")); err != nil {
		t.Fatal(err)
	}
	if p.j, err = journal.Open(p.dir, journal.Options{Site: "demo", Agent: "lane-1", SignEvery: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	p.record(5)
	class, sum := observation.Class_CLASS_ALARM, make([]byte, 32)
	for name, m := range map[string]proto.Message{
		wire.ClassLeaf(class): wire.NewBatch(old, class, 0, []wire.Row{{Idx: 1000, Device: "rpm-1"}}),
		wire.LeafChunk:        &wire.Chunk{Journal: old, Sha256: sum, Total: 1, Data: []byte{1}},
	} {
		applied := p.applied
		file := p.carriedBy(func(x *exporter) error { return x.message(name, m) })
		if _, err := Import(t.Context(), bytes.NewReader(file), p); err == nil {
			t.Errorf("%s: taken in", name)
		}
		if p.applied != applied+1 { // the hello
			t.Errorf("%s: %d messages were filed", name, p.applied-applied)
		}
	}
}

// Rows that are removed to make room while a file is written are left out of it.
func TestRowsRemovedMeanwhile(t *testing.T) {
	p := newPost(t)
	p.record(20)
	r, err := journal.OpenForReading(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	db, err := sqlog.Open(filepath.Join(p.dir, journal.FileName), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec("DELETE FROM observation WHERE class=?", int64(observation.Class_CLASS_TELEMETRY)); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	out, err := Export(t.Context(), &file, r, "test")
	if err != nil || out.Rows[observation.Class_CLASS_TELEMETRY] != 0 || out.Rows[observation.Class_CLASS_ALARM] == 0 {
		t.Fatalf("%+v %v", out.Rows, err)
	}
	p.take(file.Bytes())
}
