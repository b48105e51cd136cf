package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// token is what a client returns at once: the broker has the message, or an error.
type token struct {
	mqtt.Token
	err error
}

func (t token) Done() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
func (t token) Error() error { return t.err }

// sent is a message that the session published.
type sent struct {
	leaf    string
	payload []byte
}

// client stands for the broker: it keeps what is published.
type client struct {
	mqtt.Client
	sent     []sent
	stateErr error // what the broker says to state messages
	retains  int
}

func (c *client) Publish(topic string, _ byte, retained bool, payload any) mqtt.Token {
	_, _, leaf, _ := wire.ParseTopic(topic)
	if retained {
		c.retains++
		c.sent = append(c.sent, sent{wire.LeafState, payload.([]byte)})
		return token{err: c.stateErr}
	}
	c.sent = append(c.sent, sent{leaf, payload.([]byte)})
	return token{}
}

// rig is a session over a real journal, with the hub's side played by the test.
type rig struct {
	*session
	t   *testing.T
	hub *client
	j   *journal.Journal
	dir string // of the journal
	now time.Time
	n   int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir,
		journal.Options{Site: "s", Agent: "a", SignEvery: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	u, err := New(j, Options{Paths: Direct(wire.Broker{URL: "mqtt://192.0.2.1:1883"}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{session: newSession(u, j.Identity(), 0), t: t, hub: &client{}, j: j, dir: dir, now: time.Now()}
	r.client = r.hub
	t.Cleanup(func() {
		r.closeArtifacts()
		if err := errors.Join(u.codec.Close(), j.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// commit journals n rows of a class; artifacts are on the first.
func (r *rig) commit(class observation.Class, n int, artifacts ...*observation.Artifact) {
	r.t.Helper()
	for range n {
		r.n++
		o := observation.New(class, time.Now(), &observation.DeviceState{Reason: "x"})
		o.Device, o.Key, o.Body.Artifacts = "d", fmt.Sprint(r.n), artifacts
		artifacts = nil
		if _, err := r.j.Commit(r.t.Context(), o); err != nil {
			r.t.Fatal(err)
		}
	}
}

// act lets the session do what is due after some time, and returns what it sent, without its state messages.
func (r *rig) act(after time.Duration) (out []sent) {
	r.t.Helper()
	r.now = r.now.Add(after)
	r.hub.sent = nil
	if _, err := r.session.act(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
	for _, m := range r.hub.sent {
		if m.leaf != wire.LeafState {
			out = append(out, m)
		}
	}
	return out
}

// ack sends an acknowledgement of this journal to the session.
func (r *rig) ack(a *wire.Ack) {
	r.t.Helper()
	a.Journal = r.id.ID
	payload, err := r.codec.Encode(a)
	if err != nil {
		r.t.Fatal(err)
	}
	r.handleAck(payload)
}

// greet makes the session ready: hello, and the hub's answer that it holds nothing.
func (r *rig) greet(cursors ...*wire.Cursor) {
	r.t.Helper()
	r.ready, r.helloAt = false, time.Time{}
	if out := r.act(0); len(out) != 1 || out[0].leaf != wire.LeafHello {
		r.t.Fatalf("sent %v instead of a hello", leaves(out))
	}
	r.ack(&wire.Ack{HelloEpoch: r.helloEpoch, Cursors: cursors, CreditBytes: 1 << 20, Personal: true})
	if !r.ready {
		r.t.Fatal("not ready after the answer")
	}
}

func leaves(all []sent) (out []string) {
	for _, m := range all {
		out = append(out, m.leaf)
	}
	return out
}

func decode[M proto.Message](r *rig, m M, s sent) M {
	r.t.Helper()
	if err := r.codec.Decode(s.payload, m); err != nil {
		r.t.Fatal(err)
	}
	return m
}

const (
	alarm     = observation.Class_CLASS_ALARM
	event     = observation.Class_CLASS_EVENT
	telemetry = observation.Class_CLASS_TELEMETRY
)

func TestHelloRepeatsWithGrowingPauses(t *testing.T) {
	r := newRig(t)
	r.commit(event, 3)
	out := r.act(0)
	if len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Fatalf("sent %v", leaves(out))
	}
	if h := decode(r, &wire.Hello{}, out[0]); h.Size != 3 || !bytes.Equal(h.Journal, r.id.ID) || h.Instance == 0 || h.Epoch != 1 {
		t.Errorf("hello %v", h)
	}
	if out := r.act(helloMin/2 - time.Millisecond); len(out) != 0 {
		t.Errorf("again at once: %v", leaves(out))
	}
	last := r.helloWait
	for range 8 {
		if out := r.act(r.helloWait); len(out) != 1 {
			t.Fatalf("sent %v after the pause", leaves(out))
		}
		if r.helloWait > helloMax*5/4 {
			t.Errorf("pause of %s", r.helloWait)
		}
	}
	if r.helloWait < 4*last || r.helloEpoch != 9 {
		t.Errorf("pause of %s after %s, epoch %d", r.helloWait, last, r.helloEpoch)
	}
}

func TestAnswersThatDoNotCount(t *testing.T) {
	for name, c := range map[string]func(r *rig) []byte{
		"nonsense": func(*rig) []byte { return []byte("nonsense") },
		"of another journal": func(r *rig) []byte {
			p, _ := r.codec.Encode(&wire.Ack{Journal: []byte("another"), HelloEpoch: 1})
			return p
		},
		"to another hello": func(r *rig) []byte {
			p, _ := r.codec.Encode(&wire.Ack{Journal: r.id.ID, HelloEpoch: 7})
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.act(0)
			r.handleAck(c(r))
			if r.ready {
				t.Error("ready")
			}
			if bad := r.Status().Undecodable; (bad == 1) != (name == "nonsense") {
				t.Errorf("%d undecodable", bad)
			}
		})
	}
}

// TestAlarmsGoFirst: in what order a backlog goes, and that its acknowledgement moves the journal's cursors.
func TestAlarmsGoFirst(t *testing.T) {
	r := newRig(t)
	r.commit(telemetry, lingerRows)
	r.commit(event, 2)
	r.commit(alarm, 1)
	r.greet()
	out := r.act(0)
	if got := fmt.Sprint(leaves(out)); got != "[a e t]" {
		t.Fatalf("sent %s", got)
	}
	b := decode(r, &wire.Batch{}, out[1])
	rows, err := b.Rows()
	if err != nil || len(rows) != 2 || b.Prev != -1 || rows[1].Idx != lingerRows+1 {
		t.Errorf("batch of events %v, %v", rows, err)
	}
	if decode(r, &wire.Batch{}, out[0]).Checkpoint == "" {
		t.Error("no checkpoint on the first batch")
	}
	if r.window.inFlight != len(out[0].payload)+len(out[1].payload)+len(out[2].payload) {
		t.Errorf("%d bytes in flight", r.window.inFlight)
	}
	r.ack(&wire.Ack{Verified: 5, Cursors: []*wire.Cursor{{Class: event, Idx: lingerRows + 1, Epoch: b.Epoch}}})
	st := r.Status()
	if r.j.Acked(event) != lingerRows+1 || r.j.Acked(alarm) != -1 || st.AckedRows != 2 || st.Verified != 5 {
		t.Errorf("acknowledged to %d, status %+v", r.j.Acked(event), st)
	}
	if out := r.act(0); len(out) != 0 {
		t.Errorf("sent %v again", leaves(out))
	}
}

// TestTelemetryLingers: it waits for company, but not when there is enough of it, too long, or when the agent stops.
func TestTelemetryLingers(t *testing.T) {
	for name, c := range map[string]struct {
		rows  int
		after time.Duration
		flush bool
		want  string
	}{
		"alone":           {rows: 1, want: "[]"},
		"not quite":       {rows: 1, after: defaultTelemetryDelay*3/4 - time.Second, want: "[]"},
		"for long enough": {rows: 1, after: defaultTelemetryDelay, want: "[t]"},
		"with company":    {rows: lingerRows, want: "[t]"},
		"one less":        {rows: lingerRows - 1, want: "[]"},
		"agent stops":     {rows: 1, flush: true, want: "[t]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.commit(telemetry, c.rows)
			r.greet()
			r.streams[telemetry].lingered = true // the first wait of a connection may be any
			if c.flush {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				r.Flush(ctx)
			}
			out := r.act(0)
			if c.after > 0 {
				out = append(out, r.act(c.after)...)
			}
			if got := fmt.Sprint(leaves(out)); got != c.want {
				t.Errorf("sent %s, want %s", got, c.want)
			}
		})
	}
}

// TestTelemetryIsSpread: agents that connect at one moment do not send their telemetry at one moment, and no agent
// keeps it for longer than it may.
func TestTelemetryIsSpread(t *testing.T) {
	r := newRig(t)
	const agents = 1000
	early, late := 0, 0
	for range agents {
		st := &stream{}
		if first := r.drawLinger(st); first < defaultTelemetryDelay/2 {
			early++
		} else if first <= defaultTelemetryDelay {
			late++
		}
		if next := r.drawLinger(st); next < defaultTelemetryDelay*3/4 || next > defaultTelemetryDelay {
			t.Fatalf("the second wait of a connection is %s", next)
		}
	}
	if early < agents/3 || late < agents/3 || early+late != agents {
		t.Errorf("of %d agents %d send in the first half of the time, %d in the second", agents, early, late)
	}
}

// TestGoBack: the hub asks for rows again, and only an answer to what is on the way now counts.
func TestGoBack(t *testing.T) {
	for name, c := range map[string]struct {
		cursor *wire.Cursor
		again  bool
	}{
		"of this epoch":         {&wire.Cursor{Class: event, Idx: 1, Epoch: 1, GoBack: true}, true},
		"of an earlier epoch":   {&wire.Cursor{Class: event, Idx: 1, Epoch: 0, GoBack: true}, false},
		"beyond the journal":    {&wire.Cursor{Class: event, Idx: 99, Epoch: 1, GoBack: true}, false},
		"more than was sent":    {&wire.Cursor{Class: event, Idx: 99, Epoch: 1}, false},
		"a class that is none":  {&wire.Cursor{Class: 99, Idx: 1, Epoch: 1, GoBack: true}, false},
		"an acknowledgement":    {&wire.Cursor{Class: event, Idx: 1, Epoch: 1}, false},
		"back to the beginning": {&wire.Cursor{Class: event, Idx: -1, Epoch: 1, GoBack: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.commit(event, 4)
			r.greet()
			r.act(0)
			r.ack(&wire.Ack{Cursors: []*wire.Cursor{c.cursor}})
			out := r.act(time.Millisecond)
			if (len(out) == 1) != c.again {
				t.Fatalf("sent %v", leaves(out))
			}
			if !c.again {
				return
			}
			if b := decode(r, &wire.Batch{}, out[0]); b.Prev != c.cursor.Idx || b.Epoch != 2 {
				t.Errorf("again from %d, epoch %d", b.Prev, b.Epoch)
			}
			if r.window.inFlight != len(out[0].payload) || r.Status().GoBacks != 1 {
				t.Errorf("%d bytes in flight, %d go-backs", r.window.inFlight, r.Status().GoBacks)
			}
		})
	}
}

// TestHubRestoredFromBackup: a hub that holds less than it had acknowledged gets the rows again.
func TestHubRestoredFromBackup(t *testing.T) {
	r := newRig(t)
	r.commit(event, 4)
	r.greet()
	b := decode(r, &wire.Batch{}, r.act(0)[0])
	r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: event, Idx: 3, Epoch: b.Epoch}}})
	r.greet(&wire.Cursor{Class: event, Idx: 1}, &wire.Cursor{Class: alarm, Idx: 50})
	if r.j.Acked(event) != 1 || r.j.Acked(alarm) != -1 {
		t.Errorf("cursors %d and %d", r.j.Acked(event), r.j.Acked(alarm))
	}
	out := r.act(0)
	if len(out) != 1 || decode(r, &wire.Batch{}, out[0]).Prev != 1 {
		t.Errorf("sent %v", leaves(out))
	}
}

func TestRefusalIsToldAndRetried(t *testing.T) {
	r := newRig(t)
	r.greet()
	r.ack(&wire.Ack{Refusal: wire.Refusal_REFUSAL_KEY, RefusalText: "another key"})
	st := r.Status()
	if !st.Refused || st.Ready || st.Message.Code != "link.refused" || !strings.Contains(st.Message.FR, "another key") {
		t.Errorf("status %+v", st)
	}
	r.ack(&wire.Ack{Refusal: wire.Refusal_REFUSAL_KEY, RefusalText: "another key", RefusalTextFr: "une autre clé"})
	if st := r.Status(); !strings.Contains(st.Message.FR, "une autre clé") || !strings.Contains(st.Problem, "another key") {
		t.Errorf("of a hub that says it in French too: %+v", st)
	}
	if out := r.act(refusedPause / 2); len(out) != 0 {
		t.Errorf("sent %v to a hub that refuses", leaves(out))
	}
	if out := r.act(refusedPause); len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Errorf("sent %v", leaves(out))
	}
	r.ack(&wire.Ack{HelloEpoch: r.helloEpoch})
	if st := r.Status(); st.Refused || !st.Ready || st.Problem != "" {
		t.Errorf("status after the hub's change of mind %+v", st)
	}
}

func TestHelloIsAskedFor(t *testing.T) {
	r := newRig(t)
	r.greet()
	r.ack(&wire.Ack{Refusal: wire.Refusal_REFUSAL_HELLO_NEEDED})
	if r.ready || r.Status().Refused {
		t.Error("the session goes on")
	}
	if out := r.act(2 * helloMin); len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Errorf("sent %v", leaves(out))
	}
	r.ack(&wire.Ack{}) // the hub is back and greets: a hello at once
	if out := r.act(0); len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Errorf("sent %v after a greeting", leaves(out))
	}
}

// TestHubFallsSilent: what is not acknowledged in time counts as lost; the session says hello anew.
func TestHubFallsSilent(t *testing.T) {
	r := newRig(t)
	r.commit(event, 1)
	r.greet()
	r.act(0)
	wait := r.window.timeout()
	if r.act(wait); !r.ready {
		t.Fatal("given up too early")
	}
	out := r.act(time.Millisecond)
	if st := r.Status(); r.ready || st.Ready || st.GoBacks != 1 || st.Message.Code != "link.hub-silent" {
		t.Errorf("status %+v", st)
	}
	r.ack(&wire.Ack{HelloEpoch: r.helloEpoch, Cursors: []*wire.Cursor{{Class: event, Idx: -1}}})
	if len(out) != 1 || r.window.inFlight != 0 {
		t.Errorf("sent %v, %d bytes in flight after the answer", leaves(out), r.window.inFlight)
	}
	if out := r.act(0); len(out) != 1 || out[0].leaf != "e" {
		t.Errorf("sent %v after the answer", leaves(out))
	}
}

// TestSlowHub: an acknowledgement that comes late, while the answer to a hello is awaited, counts, and brings no other
// hello, which would void that answer. The pauses between hellos follow what acknowledgements take.
func TestSlowHub(t *testing.T) {
	r := newRig(t)
	r.commit(event, 1)
	r.greet()
	r.act(0)
	const slow = 10 * time.Second
	if out := r.act(slow); len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Fatalf("sent %v", leaves(out))
	}
	awaited := r.helloEpoch
	r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: event, Idx: 0}}})
	if r.j.Acked(event) != 0 || r.window.inFlight != 0 || r.window.lastTrip == 0 {
		t.Errorf("acknowledged up to %d, %d bytes in flight, %v", r.j.Acked(event), r.window.inFlight, r.window.lastTrip)
	}
	r.window.lastTrip = slow // which handleAck measures by the clock, not by the test's time
	if out := r.act(0); len(out) > 0 {
		t.Errorf("sent %v after a late acknowledgement", leaves(out))
	}
	if out := r.act(r.helloWait); len(out) != 1 || out[0].leaf != wire.LeafHello {
		t.Fatalf("sent %v when the hello was not answered in its time", leaves(out))
	}
	if out := r.act(r.window.lastTrip / 2); len(out) > 0 || r.helloWait < r.window.lastTrip*3/4 {
		t.Errorf("sent %v before an answer can be there, after %v", leaves(out), r.helloWait)
	}
	r.ack(&wire.Ack{HelloEpoch: awaited + 1, Cursors: []*wire.Cursor{{Class: event, Idx: 0}}})
	if !r.ready {
		t.Error("the answer does not count")
	}
}

// TestCredit: no more than the hub grants is in flight, and one batch of alarms goes all the same.
func TestCredit(t *testing.T) {
	r := newRig(t)
	r.commit(event, 400)
	r.greet()
	r.ack(&wire.Ack{CreditBytes: 600})
	r.act(0)
	full := r.window.inFlight
	if full < 600 || full > 1800 {
		t.Errorf("%d bytes in flight of 600", full)
	}
	r.commit(alarm, 1)
	if got := fmt.Sprint(leaves(r.act(0))); got != "[a]" {
		t.Errorf("sent %s", got)
	}
	r.commit(alarm, 1)
	if got := fmt.Sprint(leaves(r.act(0))); got != "[]" {
		t.Errorf("sent %s: only one batch of alarms goes over the window", got)
	}
	if st := r.Status(); st.Credit != 600 || st.InFlight != r.window.inFlight {
		t.Errorf("status %+v", st)
	}
}

func TestStateMessage(t *testing.T) {
	r := newRig(t)
	many := make([]*wire.DeviceTrouble, maxTrouble+1)
	for i := range many {
		many[i] = &wire.DeviceTrouble{}
	}
	r.opts.Trouble = func() []*wire.DeviceTrouble { return many }
	r.opts.Inventory = &observation.Inventory{Devices: []*observation.Device{{}, {}}}
	r.commit(alarm, 2)
	r.commit(event, 3)
	r.act(0)
	var st wire.State
	if err := protojson.Unmarshal(r.hub.sent[0].payload, &st); err != nil {
		t.Fatal(err)
	}
	if !st.Online || st.WaitingAlarms != 2 || st.WaitingEvents != 3 || st.Devices != 2 || len(st.Trouble) != maxTrouble || st.Size != 5 {
		t.Errorf("state %v", &st)
	}
	if r.act(statePeriod - time.Second); r.hub.retains != 1 {
		t.Error("again too early")
	}
	if r.act(time.Second); r.hub.retains != 2 {
		t.Error("not again in time")
	}
	r.hub.stateErr = errors.New("refused")
	if r.act(statePeriod); r.hub.retains != 3 {
		t.Error("not a third time")
	}
	if _, err := r.session.act(t.Context(), r.now.Add(statePeriod)); err == nil {
		t.Error("a broker that refuses the state went unnoticed")
	}
}

// TestSayOffline: the retained state says offline when the agent stops, not when the connection is lost: then the
// broker publishes the will.
func TestSayOffline(t *testing.T) {
	r := newRig(t)
	r.sayOffline(context.Background())
	if r.hub.retains != 0 {
		t.Error("offline though the agent goes on")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.sayOffline(ctx)
	var st wire.State
	if err := protojson.Unmarshal(r.hub.sent[0].payload, &st); err != nil || st.Online || st.Journal == "" {
		t.Errorf("state %v, %v", &st, err)
	}
}

// store puts an artifact of some bytes into the journal, named by an event.
func (r *rig) store(size int) (*observation.Artifact, []byte) {
	r.t.Helper()
	data := bytes.Repeat([]byte{byte(size), 1, 2, 3, 5, 7, 11}, size/7+1)[:size]
	for i := range data {
		data[i] ^= byte(i * i >> 3)
	}
	a, err := r.j.StoreArtifact(r.t.Context(), bytes.NewReader(data), "image/png", "x")
	if err != nil {
		r.t.Fatal(err)
	}
	r.commit(event, 1, a)
	return a, data
}

// deliverRows acknowledges all rows that are on their way.
func (r *rig) deliverRows() {
	r.t.Helper()
	r.act(0)
	r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: event, Idx: r.j.Last(event), Epoch: r.streams[event].epoch}}})
	r.j.SetAcked(event, r.j.Last(event))
}

// chunks lets the session send until the artifact is complete, and returns what the hub would hold of it; held is what
// it holds before.
func (r *rig) chunks(a *observation.Artifact, held []byte) []byte {
	r.t.Helper()
	for range 400 {
		held = r.receive(r.act(artifactNews), a, held)
		if r.artifacts.open[string(a.Sha256)] == nil && int64(len(held)) == a.Size {
			return held
		}
	}
	r.t.Fatalf("%d of %d bytes came", len(held), a.Size)
	return nil
}

// receive acknowledges the chunks of an artifact among messages as the hub does, and returns what it holds then.
func (r *rig) receive(messages []sent, a *observation.Artifact, held []byte) []byte {
	r.t.Helper()
	for _, m := range messages {
		c := decode(r, &wire.Chunk{}, m)
		if !bytes.Equal(c.Sha256, a.Sha256) {
			continue
		}
		h := &wire.Held{Sha256: a.Sha256, Epoch: c.Epoch}
		switch {
		case c.Offset == int64(len(held)):
			held = append(held, c.Data...)
		case c.Offset > int64(len(held)):
			h.GoBack = true
		}
		h.Bytes, h.Complete = int64(len(held)), int64(len(held)) == a.Size
		r.ack(&wire.Ack{Artifacts: []*wire.Held{h}})
	}
	return held
}

func TestArtifactsGoInChunks(t *testing.T) {
	for name, c := range map[string]struct {
		size, has int // bytes; has is what the hub holds before
	}{
		"empty":                {0, 0},
		"small":                {900, 0},
		"large":                {300_000, 0},
		"the hub has a part":   {300_000, 123_456},
		"just not asked for":   {askFrom, 0},
		"the hub has it whole": {300_000, 300_000},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.greet()
			a, data := r.store(c.size)
			r.deliverRows()
			if got := r.chunks(a, bytes.Clone(data[:c.has])); !bytes.Equal(got, data) {
				t.Errorf("%d bytes came, not those of the artifact", len(got))
			}
			if st := r.Status(); st.AckedArtifacts != 1 || st.Artifact != nil || r.window.inFlight != 0 {
				t.Errorf("status %+v, %d in flight", st, r.window.inFlight)
			}
			if c.has > 0 && r.Status().SentBytes > uint64(c.size-c.has)+20_000 {
				t.Errorf("%d bytes were sent", r.Status().SentBytes)
			}
		})
	}
}

// TestArtifactAnswers: what the hub may say of an artifact, and what the session makes of it.
func TestArtifactAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		held  *wire.Held
		check func(r *rig, a *sending) bool
	}{
		"negative": {&wire.Held{Bytes: -1}, func(_ *rig, a *sending) bool { return a.acked == 0 && !a.ready }},
		"too much": {&wire.Held{Bytes: 1 << 40}, func(_ *rig, a *sending) bool { return a.acked == 0 && !a.ready }},
		"of an earlier epoch": {&wire.Held{Bytes: 5000, Epoch: 9},
			func(_ *rig, a *sending) bool { return a.acked == 0 && !a.ready }},
		"a part":  {&wire.Held{Bytes: 5000}, func(_ *rig, a *sending) bool { return a.sent == 5000 && a.ready }},
		"go back": {&wire.Held{Bytes: 0, GoBack: true}, func(r *rig, a *sending) bool { return a.epoch == 1 && r.Status().GoBacks == 1 }},
		"unknown": {&wire.Held{Unknown: true}, func(r *rig, a *sending) bool {
			return r.artifacts.open[string(a.sum)] == nil && r.artifacts.refused[string(a.sum)]
		}},
		"complete, of an earlier epoch": {&wire.Held{Bytes: 100_000, Complete: true, Epoch: 9}, func(r *rig, a *sending) bool {
			return r.artifacts.open[string(a.sum)] == nil && r.Status().AckedArtifacts == 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.greet()
			a, _ := r.store(100_000)
			r.deliverRows()
			r.act(artifactNews)
			s := r.artifacts.open[string(a.Sha256)]
			if s == nil || !s.asked || s.ready {
				t.Fatalf("the artifact is not asked for: %+v", s)
			}
			c.held.Sha256 = a.Sha256
			r.ack(&wire.Ack{Artifacts: []*wire.Held{c.held}})
			if !c.check(r, s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestLostArtifact: one whose file is gone is left, and the next goes.
func TestLostArtifact(t *testing.T) {
	r := newRig(t)
	r.greet()
	lost, _ := r.store(200_000)
	next, data := r.store(150_000)
	r.deliverRows()
	if err := os.Remove(sqlog.ArtifactPath(r.dir, lost.Sha256)); err != nil {
		t.Fatal(err)
	}
	if got := r.chunks(next, nil); !bytes.Equal(got, data) {
		t.Error("the other artifact did not come")
	}
	if !r.artifacts.refused[string(lost.Sha256)] {
		t.Error("the lost one is not put aside")
	}
}

// TestPulledArtifactsGoFirst: somebody waits for the newest; it overtakes the others. Pulls have a bound.
func TestPulledArtifactsGoFirst(t *testing.T) {
	r := newRig(t)
	r.greet()
	first, _ := r.store(2000)
	last, _ := r.store(2000 + 1)
	r.deliverRows()
	r.ack(&wire.Ack{Pull: [][]byte{last.Sha256, last.Sha256}})
	out := r.act(artifactNews)
	if len(out) == 0 || !bytes.Equal(decode(r, &wire.Chunk{}, out[0]).Sha256, last.Sha256) {
		t.Fatalf("sent %v, not what was pulled first", leaves(out))
	}
	if len(r.artifacts.pulled) != 1 {
		t.Errorf("%d pulls of one artifact", len(r.artifacts.pulled))
	}
	r.ack(&wire.Ack{Artifacts: []*wire.Held{{Sha256: last.Sha256, Bytes: last.Size, Complete: true}}})
	if len(r.artifacts.pulled) != 0 {
		t.Error("the pull is not over")
	}
	r.chunks(first, r.receive(out, first, nil)) // how much goes at once depends on the measured rate
	var many [][]byte
	for i := range 2 * maxPulls {
		many = append(many, []byte(fmt.Sprint(i)))
	}
	r.ack(&wire.Ack{Pull: many})
	if len(r.artifacts.pulled) != maxPulls {
		t.Errorf("%d pulls", len(r.artifacts.pulled))
	}
}

// A hub that was restored from a backup asks for rows that the agent has removed: it gets their leaf hashes in their
// place, in order, and the rows that are left.
func TestRemovedRowsAreAGap(t *testing.T) {
	r := newRig(t)
	var all []*observation.Observation
	for i := range 12_000 {
		class := telemetry
		if i%50 == 0 {
			class = event
		}
		o := observation.New(class, time.Unix(int64(i), 0), &observation.DeviceFault{Reason: "x"})
		o.Device = "d"
		all = append(all, o)
	}
	if _, err := r.j.Commit(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	for _, class := range observation.Classes {
		r.j.SetAcked(class, r.j.Last(class))
	}
	for _, class := range []observation.Class{telemetry, event} {
		if n, err := r.j.PruneRows(t.Context(), class, 1000, 1); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	r.greet(&wire.Cursor{Class: telemetry, Idx: 700}, &wire.Cursor{Class: event, Idx: -1}, &wire.Cursor{Class: alarm, Idx: -1})
	at := map[observation.Class]int64{telemetry: 700, event: -1}
	gaps := 0
	for range 200 {
		for _, m := range r.act(time.Second) {
			b := decode(r, &wire.Batch{}, m)
			if b.Prev != at[b.Class] {
				t.Fatalf("class %s: a batch after %d follows row %d", b.Class.Name(), b.Prev, at[b.Class])
			}
			removed, err := b.Gap()
			if err != nil {
				t.Fatal(err)
			}
			if gaps += len(removed); len(removed) > 0 {
				at[b.Class] = removed[len(removed)-1].Idx
			} else if rows, err := b.Rows(); err == nil {
				at[b.Class] = rows[len(rows)-1].Idx
			}
			r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: b.Class, Idx: at[b.Class], Epoch: b.Epoch}}})
		}
	}
	if at[telemetry] != r.j.Last(telemetry) || at[event] != r.j.Last(event) || gaps < 300 {
		t.Errorf("reached %v of %d and %d, %d removed rows", at, r.j.Last(telemetry), r.j.Last(event), gaps)
	}
}

// A journal that was set aside is drained when all is there but what nobody can read any more.
func TestUnreadableArtifactsDoNotHoldUp(t *testing.T) {
	r := newRig(t)
	r.greet()
	a, _ := r.store(askFrom + 1)
	reader, _, err := r.j.OpenArtifact(a.Sha256)
	if err != nil {
		t.Fatal(err)
	}
	file := reader.(*os.File)
	if err := errors.Join(os.Remove(file.Name()), file.Close()); err != nil {
		t.Fatal(err)
	}
	r.deliverRows()
	r.act(artifactNews)
	waiting, _, err := r.j.Backlog()
	if err != nil || waiting != 1 || r.unreadable.Load() != 1 {
		t.Errorf("%d artifacts wait, %d cannot be read, %v", waiting, r.unreadable.Load(), err)
	}
}
