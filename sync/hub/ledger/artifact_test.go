package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// keep commits an event that names an artifact and returns its bytes and name.
func (l lane) keep(size int) (data, sum []byte) {
	data = bytes.Repeat([]byte{byte(size), 7, 9}, size/3+1)[:size]
	a, err := l.j.StoreArtifact(l.t.Context(), bytes.NewReader(data), "application/dicom", "x.dcs")
	if err != nil {
		l.t.Fatal(err)
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), &observation.XrayImage{SopInstance: "1.2"})
	o.Device = "xray-1"
	o.Body.Artifacts = []*observation.Artifact{a}
	if _, err := l.j.Commit(l.t.Context(), o); err != nil {
		l.t.Fatal(err)
	}
	return data, a.Sha256
}

func (l lane) chunk(sum, data []byte, offset, total int) Message {
	return Chunk{laneOne, &wire.Chunk{Journal: l.j.Identity().ID, Sha256: sum, Total: int64(total), Offset: int64(offset), Data: data, Epoch: 5}}
}

func held(t *testing.T, l *Ledger, m Message) *wire.Held {
	t.Helper()
	ack := apply(t, l, m)
	if len(ack.Artifacts) != 1 || ack.Artifacts[0].Epoch != 5 {
		t.Fatalf("%v", ack)
	}
	return ack.Artifacts[0]
}

func content(t *testing.T, l *Ledger, sum []byte) []byte {
	t.Helper()
	r, err := l.OpenArtifact(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestArtifactInParts(t *testing.T) {
	dir := t.TempDir()
	hub, lane := open(t, dir), newLane(t, 0)
	apply(t, hub, lane.hello())
	const size = 200_000
	data, sum := lane.keep(size)
	if h := held(t, hub, lane.chunk(sum, data[:1000], 0, size)); !h.Unknown {
		t.Errorf("before its row: %v", h)
	}
	apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, -1, 10))
	if h := held(t, hub, lane.chunk(sum, nil, 0, size)); h.Bytes != 0 || h.Complete || h.GoBack {
		t.Errorf("asked: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data[:1000], 0, size)); h.Bytes != 1000 || h.GoBack {
		t.Errorf("first: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data[2000:3000], 2000, size)); h.Bytes != 1000 || !h.GoBack {
		t.Errorf("hole: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data[500:3000], 500, size)); h.Bytes != 3000 || h.GoBack {
		t.Errorf("overlap: %v", h)
	}
	if a, err := hub.Artifact(sum); err != nil || a.Held != 3000 || a.Complete || len(a.Rows) != 1 || a.Rows[0].Name != "x.dcs" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := hub.OpenArtifact(sum); !errors.Is(err, ErrNoArtifact) {
		t.Errorf("half an artifact was opened: %v", err)
	}
	if err := hub.Close(); err != nil { // and the hub starts anew
		t.Fatal(err)
	}
	hub = open(t, dir)
	if h := held(t, hub, lane.chunk(sum, nil, 0, size)); h.Bytes != 3000 {
		t.Errorf("after a restart: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data[3000:], 3000, size)); h.Bytes != size || !h.Complete {
		t.Errorf("last: %v", h)
	}
	if !bytes.Equal(content(t, hub, sum), data) {
		t.Error("the artifact differs")
	}
	if h := held(t, hub, lane.chunk(sum, data[:10], 0, size)); !h.Complete {
		t.Errorf("again: %v", h)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, sqlog.ArtifactDir, partDir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSmallAndEmptyArtifacts(t *testing.T) {
	hub, lane := open(t, t.TempDir()), newLane(t, 0)
	apply(t, hub, lane.hello())
	after := int64(-1)
	for _, size := range []int{0, 1, 3000, inlineMax} {
		data, sum := lane.keep(size)
		apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, after, 10))
		after = lane.j.Last(observation.Class_CLASS_EVENT)
		half := size / 2
		if h := held(t, hub, lane.chunk(sum, data[:half], 0, size)); size > 1 && (h.Complete || h.Bytes != int64(half)) {
			t.Errorf("%d bytes, half: %v", size, h)
		}
		if h := held(t, hub, lane.chunk(sum, data[half:], half, size)); !h.Complete {
			t.Errorf("%d bytes: %v", size, h)
		}
		if !bytes.Equal(content(t, hub, sum), data) {
			t.Errorf("%d bytes: differs", size)
		}
	}
}

// An artifact that began to come in parts and comes whole after a break leaves no part behind.
func TestPartsThenWhole(t *testing.T) {
	dir := t.TempDir()
	hub, lane := open(t, dir), newLane(t, 0)
	apply(t, hub, lane.hello())
	data, sum := lane.keep(5000)
	apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, -1, 10))
	if h := held(t, hub, lane.chunk(sum, data[:1000], 0, 5000)); h.Bytes != 1000 {
		t.Errorf("part: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data, 0, 5000)); !h.Complete {
		t.Errorf("whole: %v", h)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, sqlog.ArtifactDir, partDir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What is not what its name says is never kept: it begins anew.
func TestWrongBytesAreNotKept(t *testing.T) {
	hub, lane := open(t, t.TempDir()), newLane(t, 0)
	apply(t, hub, lane.hello())
	const size = 100_000
	data, sum := lane.keep(size)
	apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, -1, 10))
	wrong := bytes.Clone(data)
	wrong[50_000]++
	if h := held(t, hub, lane.chunk(sum, wrong, 0, size)); h.Complete || !h.GoBack || h.Bytes != 0 {
		t.Errorf("wrong bytes: %v", h)
	}
	if h := held(t, hub, lane.chunk(sum, data, 0, size)); !h.Complete {
		t.Errorf("the right ones: %v", h)
	}
}

// A crash between the moving of a whole artifact and its transaction leaves it in its place: it is taken from there.
func TestArtifactInPlaceBeforeItsRow(t *testing.T) {
	dir := t.TempDir()
	hub, lane := open(t, dir), newLane(t, 0)
	apply(t, hub, lane.hello())
	data, sum := lane.keep(100_000)
	apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, -1, 10))
	path := sqlog.ArtifactPath(dir, sum)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, data, 0o640)); err != nil {
		t.Fatal(err)
	}
	if h := held(t, hub, lane.chunk(sum, nil, 0, len(data))); !h.Complete {
		t.Errorf("%v", h)
	}
}

func TestPull(t *testing.T) {
	hub, lane := open(t, t.TempDir()), newLane(t, 0)
	apply(t, hub, lane.hello())
	data, sum := lane.keep(100_000)
	apply(t, hub, lane.batch(observation.Class_CLASS_EVENT, -1, 10))
	answers, err := hub.Apply([]Message{Pull{sum}})
	if err != nil || len(answers) != 1 || answers[0].Agent != "lane-1" || !bytes.Equal(answers[0].Ack.Pull[0], sum) {
		t.Fatalf("%v %v", answers, err)
	}
	if ack := apply(t, hub, lane.hello()); len(ack.Pull) != 1 {
		t.Errorf("an agent that comes back is not asked: %v", ack)
	}
	if a, err := hub.Artifact(sum); err != nil || !a.Pulled {
		t.Errorf("%+v %v", a, err)
	}
	held(t, hub, lane.chunk(sum, data, 0, len(data)))
	if ack := apply(t, hub, lane.hello()); len(ack.Pull) != 0 {
		t.Errorf("asked for what is here: %v", ack)
	}
	unknown := sha256.Sum256([]byte("nothing"))
	if answers, err := hub.Apply([]Message{Pull{unknown[:]}}); err != nil || len(answers) != 0 {
		t.Errorf("%v %v", answers, err)
	}
	if _, err := hub.Artifact(unknown[:]); !errors.Is(err, ErrNoArtifact) {
		t.Error(err)
	}
}
