package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// hostileMessages is how many messages TestHostileAgentHarmsNobodyElse sends, drawn anew each time.
var hostileMessages = 10_000

// hostile is an agent that is known to the hub and sends what it likes.
type hostile struct {
	r       *rand.Rand
	j       *journal.Journal
	signer  note.Signer
	id      journal.Identity
	honest  journal.Identity
	sums    [][]byte // artifacts, the honest agent's among them
	current int64    // a row that is likely to be the next
}

// extremes are the numbers that tend to be forgotten.
var extremes = []int64{math.MinInt64, math.MinInt32, -2, -1, 0, 1, 2, 255, 256, 65535, 65536, math.MaxInt32, math.MaxUint32, math.MaxInt64 - 1, math.MaxInt64}

// message makes a message: a sound one, one with a lie in it, or one with some fields turned to anything.
func (h *hostile) message() Message {
	from := Sender{Site: "demo", Agent: "lane-2"}
	var m Message
	var body proto.Message
	switch h.r.IntN(10) {
	case 0, 1:
		hello := h.hello()
		m, body = Hello{from, hello}, hello
	case 2, 3, 4:
		chunk := h.chunk()
		m, body = Chunk{from, chunk}, chunk
	default:
		batch := h.batch()
		m, body = Batch{from, batch}, batch
	}
	if h.r.IntN(3) == 0 {
		for range 1 + h.r.IntN(3) {
			h.scramble(body.ProtoReflect())
		}
	}
	if c, ok := m.(Chunk); ok && c.Body.Validate() != nil { // the hub does not pass these on
		return h.message()
	}
	return m
}

// begin begins another journal: the one before is refused for good.
func (h *hostile) begin() {
	h.id.ID, h.current = make([]byte, 16), 0
	for i := range h.id.ID {
		h.id.ID[i] = byte(h.r.IntN(256))
	}
}

func (h *hostile) pick(of ...[]byte) []byte { return of[h.r.IntN(len(of))] }

func (h *hostile) hello() *wire.Hello {
	_, checkpoint := h.j.Checkpoint()
	out := &wire.Hello{
		Journal: h.pick(h.id.ID, h.id.ID, h.id.ID, h.honest.ID, []byte("another journal!"), nil), Size: h.anyIndex(), BlindKey: h.pick(h.id.BlindKey, h.id.BlindKey, make([]byte, 32)),
		Verifier: h.id.Verifier, Checkpoint: checkpoint, Epoch: h.r.Uint32(), Inventory: &observation.Inventory{Site: strings.Repeat("x", h.r.IntN(100))},
	}
	if h.r.IntN(5) == 0 {
		out.Verifier = h.honest.Verifier
	}
	if h.r.IntN(2) == 0 {
		out.Checkpoint = h.checkpoint()
	}
	return out
}

func (h *hostile) anyIndex() int64 {
	if h.r.IntN(3) == 0 {
		return extremes[h.r.IntN(len(extremes))]
	}
	return h.r.Int64N(h.current + 20)
}

// checkpoint signs whatever it likes with the agent's own key.
func (h *hostile) checkpoint() string {
	c := evidence.Checkpoint{Origin: h.id.Origin(), Size: h.anyIndex()}
	if h.r.IntN(4) == 0 {
		c.Origin = h.honest.Origin()
	}
	text, err := c.Sign(h.signer)
	if err != nil {
		return "nonsense"
	}
	return text
}

func (h *hostile) batch() *wire.Batch {
	class := observation.Classes[h.r.IntN(3)]
	rows := make([]wire.Row, 1+h.r.IntN(50))
	prev := h.r.Int64N(h.current+3) - 1
	if h.r.IntN(2) == 0 {
		prev = -1
	}
	idx := max(prev, 0)
	for i := range rows {
		idx += 1 + h.r.Int64N(2)
		body := &observation.Body{Of: &observation.Body_RadiationTamper{RadiationTamper: &observation.RadiationTamper{Tripped: true}}}
		if h.r.IntN(3) == 0 {
			body.Artifacts = []*observation.Artifact{{Sha256: h.pick(h.sums...), Size: h.anyIndex(), MediaType: "a/b", Name: "\x00\xff.dcm"}}
		}
		encoded, err := proto.MarshalOptions{}.Marshal(body)
		if err != nil || h.r.IntN(10) == 0 { // a name that is no UTF-8 does not encode
			encoded = []byte{0x2a, 0xff, 0xff, 0x01}
		}
		rows[i] = wire.Row{Idx: idx, Time: h.anyIndex(), Device: h.device(), Kind: observation.Kind(h.r.IntN(70)), Body: encoded}
	}
	h.current = max(h.current, min(idx, 1000))
	b := wire.NewBatch(h.pick(h.id.ID, h.id.ID, h.id.ID, h.id.ID, h.id.ID, h.honest.ID, nil), class, prev, rows)
	if h.r.IntN(4) == 0 {
		b.Checkpoint = h.checkpoint()
	}
	return b
}

func (h *hostile) device() string {
	return []string{"rpm-1", "rpm-1", "rpm-1", "\x00", "a'; DROP TABLE observation; --", strings.Repeat("d", 255), strings.Repeat("d", 256)}[h.r.IntN(7)]
}

func (h *hostile) chunk() *wire.Chunk {
	data := make([]byte, h.r.IntN(2000))
	return &wire.Chunk{
		Journal: h.pick(h.id.ID, h.id.ID, h.id.ID, h.honest.ID), Sha256: h.pick(h.sums...), Total: []int64{h.r.Int64N(3000), 4000, 100_000}[h.r.IntN(3)], Offset: h.r.Int64N(1000), Data: data, Epoch: h.r.Uint32(),
	}
}

// scramble sets one field of a message to something else of its type.
func (h *hostile) scramble(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	f := fields.Get(h.r.IntN(fields.Len()))
	if h.r.IntN(4) == 0 {
		m.Clear(f)
		return
	}
	value := func() (v protoreflect.Value, ok bool) {
		n := extremes[h.r.IntN(len(extremes))]
		switch f.Kind() {
		case protoreflect.Int64Kind, protoreflect.Sint64Kind:
			return protoreflect.ValueOfInt64(n), true
		case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			return protoreflect.ValueOfUint64(uint64(n)), true
		case protoreflect.Uint32Kind:
			return protoreflect.ValueOfUint32(uint32(n)), true
		case protoreflect.EnumKind:
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(int32(n))), true
		case protoreflect.StringKind:
			return protoreflect.ValueOfString(strings.Repeat("\x00é", h.r.IntN(300))), true
		case protoreflect.BytesKind:
			return protoreflect.ValueOfBytes(make([]byte, h.r.IntN(300))), true
		}
		return v, false
	}
	if !f.IsList() {
		if v, ok := value(); ok {
			m.Set(f, v)
		}
		return
	}
	list := m.Mutable(f).List()
	v, ok := value()
	switch {
	case list.Len() > 0 && h.r.IntN(2) == 0:
		list.Truncate(h.r.IntN(list.Len()))
	case ok && list.Len() > 0:
		list.Set(h.r.IntN(list.Len()), v)
	case ok:
		list.Append(v)
	}
}

// Whatever one agent sends, the messages of another in the same group are filed, at once and right.
func TestHostileAgentHarmsNobodyElse(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	honest := newLane(t, 0)
	image := bytes.Repeat([]byte("pixels"), 20_000) // a file of 120 kB, in chunks
	document := []byte("<n42/>")
	for i := range 200 {
		honest.commit(3)
		if i%50 == 0 {
			commitArtifacts(t, honest, image, document)
		}
	}
	bad := openAs(t, "lane-2", seed)
	bad.honest = honest.j.Identity()
	for _, b := range [][]byte{image, document} {
		sum := sha256.Sum256(b)
		bad.sums = append(bad.sums, sum[:])
	}
	l := open(t, t.TempDir())
	apply(t, l, honest.hello())
	apply(t, l, Hello{Sender{Site: "demo", Agent: "lane-2"}, &wire.Hello{Journal: bad.id.ID, BlindKey: bad.id.BlindKey, Verifier: bad.id.Verifier, Size: 10}})

	cursors, refusals := map[observation.Class]int64{1: -1, 2: -1, 3: -1}, map[wire.Refusal]int{}
	after := func() Message { // the honest agent's next message
		for _, class := range observation.Classes {
			if cursors[class] < honest.j.Last(class) {
				return honest.batch(class, cursors[class], 5)
			}
		}
		return honest.hello()
	}
	for sent := 0; sent < hostileMessages; {
		m := after()
		group := []Message{m}
		for range 1 + bad.r.IntN(60) {
			group = append(group, bad.message())
			sent++
		}
		bad.r.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		answers, err := l.Apply(group)
		if err != nil {
			t.Fatalf("seed %d, after %d: %v", seed, sent, err)
		}
		if len(answers) != len(group) {
			t.Fatalf("%d answers to %d messages", len(answers), len(group))
		}
		for _, a := range answers {
			if a.Defect != "" {
				t.Errorf("seed %d: a defect: %s", seed, a.Defect)
			}
			if a.Agent != "lane-1" {
				refusals[a.Ack.Refusal]++
				if a.Ack.Refusal == wire.Refusal_REFUSAL_EVIDENCE {
					bad.begin()
				}
				continue
			}
			if a.Ack.Refusal != 0 {
				t.Fatalf("seed %d: the honest agent is refused: %v %s", seed, a.Ack.Refusal, a.Ack.RefusalText)
			}
			if batch, ok := m.(Batch); ok {
				if a.Ack.Cursors[0].GoBack || a.Rows == 0 {
					t.Fatalf("seed %d: the honest agent's batch was not filed: %v", seed, a.Ack)
				}
				cursors[batch.Body.Class] = a.Ack.Cursors[0].Idx
			}
		}
	}
	t.Logf("answers to the hostile agent: %v", refusals)
	if refusals[wire.Refusal_REFUSAL_EVIDENCE] < hostileMessages/100 || refusals[wire.Refusal_REFUSAL_NONE] < hostileMessages/10 {
		t.Error("too few messages got so far that they could do harm")
	}
	for {
		batch, ok := after().(Batch)
		if !ok {
			break
		}
		cursors[batch.Body.Class] = apply(t, l, batch).Cursors[0].Idx
	}
	for _, b := range [][]byte{image, document} {
		sendArtifact(t, l, honest, b)
	}
	all, err := l.allJournals()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Agent == "lane-1" && (s.Contiguous != honest.j.Size() || s.Verified != honest.j.Size() || !s.Refused.IsZero()) {
			t.Errorf("seed %d: the honest journal of %d rows: %+v", seed, honest.j.Size(), s)
		}
	}
}

// openAs makes the journal of another agent, whose key the test may sign with.
func openAs(t *testing.T, agent string, seed uint64) *hostile {
	secret, public, err := evidence.NewKey("demo", agent)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: agent, SignEvery: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	id := j.Identity()
	id.Verifier = public
	return &hostile{r: rand.New(rand.NewPCG(seed, 1)), j: j, signer: signer, id: id}
}

// commitArtifacts journals a row that names two artifacts.
func commitArtifacts(t *testing.T, l lane, contents ...[]byte) {
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), &observation.RadiationTamper{})
	o.Device = "xray-1"
	for i, b := range contents {
		a, err := l.j.StoreArtifact(t.Context(), bytes.NewReader(b), "application/dicom", fmt.Sprintf("%d.dcm", i))
		if err != nil {
			t.Fatal(err)
		}
		o.Body.Artifacts = append(o.Body.Artifacts, a)
	}
	if _, err := l.j.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// sendArtifact sends an artifact from where the ledger has it, and compares what the ledger then holds.
func sendArtifact(t *testing.T, l *Ledger, from lane, content []byte) {
	sum := sha256.Sum256(content)
	for range 100 {
		c := &wire.Chunk{Journal: from.j.Identity().ID, Sha256: sum[:], Total: int64(len(content))}
		held := apply(t, l, Chunk{laneOne, c}).Artifacts[0]
		if held.Complete {
			break
		}
		if held.Unknown {
			t.Fatalf("the honest agent's artifact of %d bytes is unknown", len(content))
		}
		c.Offset = held.Bytes
		c.Data = content[c.Offset:min(int64(len(content)), c.Offset+50_000)]
		apply(t, l, Chunk{laneOne, c})
	}
	f, err := l.OpenArtifact(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("artifact of %d bytes: %d are held, %v", len(content), len(got), err)
	}
}

// A disk image is restored and the journal goes on: the hub holds the rows that the image lacked, under other classes.
func TestRestoredImageIsRefusedAndOthersGoOn(t *testing.T) {
	first := newLane(t, 60)
	l := open(t, t.TempDir())
	apply(t, l, first.hello())
	for _, class := range observation.Classes {
		apply(t, l, first.batch(class, -1, 100))
	}
	// The same journal, but from row 40 on with other rows and longer.
	rows := []wire.Row{{Idx: 58, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}}}
	forked := wire.NewBatch(first.j.Identity().ID, observation.Class_CLASS_ALARM, first.j.Last(1), rows)
	if first.j.Last(1) >= 58 {
		t.Fatal("the test's row is an alarm already")
	}
	other := openAs(t, "lane-2", 1)
	hello := Hello{Sender{Site: "demo", Agent: "lane-2"}, &wire.Hello{Journal: other.id.ID, BlindKey: other.id.BlindKey, Verifier: other.id.Verifier, Size: 10}}
	for range 2 { // the second time as after a restart: the refusal is kept
		answers, err := l.Apply([]Message{Batch{laneOne, forked}, hello})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if want := map[string]wire.Refusal{"lane-1": wire.Refusal_REFUSAL_EVIDENCE}[a.Agent]; a.Ack.Refusal != want {
				t.Errorf("%s: %v %q", a.Agent, a.Ack.Refusal, a.Ack.RefusalText)
			}
			if a.Agent == "lane-1" && !strings.Contains(a.Ack.RefusalText, "row 58") {
				t.Errorf("the refusal does not name the row: %q", a.Ack.RefusalText)
			}
		}
		l.journals = map[string]*replica{}
	}
}
