package uplink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

const (
	maxBatchBodies  = 1 << 20 // bytes of bodies in one batch; brokers take payloads of a megabyte
	minBatchBodies  = 1 << 10
	maxBatchRows    = 4096
	batchesInWindow = 4 // so that acknowledgements come several times a window
	lingerRows      = 64
	helloMin        = time.Second
	helloMax        = 15 * time.Second
	refusedPause    = time.Minute
	statePeriod     = time.Minute
	checkpointEvery = 30 * time.Second // and with every checkpointRows
	checkpointRows  = 1 << 14
)

// stream is the state of one class. Its batches in flight are in the order in which they were sent.
type stream struct {
	sent   int64 // idx of the last row sent
	epoch  uint32
	flying []flight
	oldest time.Time // when the oldest row that lingers was seen first
}

// session is one connection. The goroutine of serve owns it; enqueueAck alone is called by the
// client's.
type session struct {
	*Uplink
	id     journal.Identity
	client mqtt.Client
	acks   chan []byte
	lost   <-chan error

	ready      bool // the hub answered the last hello
	helloEpoch uint32
	helloAt    time.Time
	helloWait  time.Duration
	refused    bool
	window     window
	streams    map[observation.Class]*stream
	ratio      float64 // bytes of bodies per byte of payload
	artifacts  artifacts

	checkpointAt   time.Time
	checkpointSize int64
	stateAt        time.Time
	stateToken     mqtt.Token // of the last state message; nil for none
}

// newSession returns the state of a new connection: each class continues where the hub acknowledged
// last.
func newSession(u *Uplink, id journal.Identity) *session {
	s := &session{
		Uplink: u, id: id, acks: make(chan []byte, ackQueue),
		window: window{credit: creditDefault}, streams: map[observation.Class]*stream{}, ratio: 2, helloWait: helloMin,
		artifacts: newArtifacts(),
	}
	for _, class := range observation.Classes {
		s.streams[class] = &stream{sent: u.journal.Acked(class)}
	}
	return s
}

// serve speaks with the hub until the connection is lost or ctx ends, and returns why. It sends and
// handles answers in turn, so that no lock is needed.
func (s *session) serve(ctx context.Context) error {
	token := s.client.Subscribe(wire.Topic(s.id.Site, s.id.Agent, wire.LeafAck), 0, s.enqueueAck)
	if err := wire.Await(token, connectWait); err != nil {
		return fmt.Errorf("subscribing to acknowledgements: %w", err)
	}
	defer s.sayOffline(ctx)
	defer s.closeArtifacts()
	flushing := s.flushing
	for {
		changed := s.journal.Changed()
		wait, err := s.act(ctx, time.Now())
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errStopped
		case err := <-s.lost:
			return err
		case payload := <-s.acks:
			s.handleAck(payload)
		case <-changed:
		case <-flushing:
			flushing = nil // once is enough to look
		case <-time.After(wait):
		}
	}
}

// connectWait bounds the wait for the broker's answer to the subscription.
const connectWait = 10 * time.Second

// enqueueAck hands a message over to the session's loop. A full queue drops it: acknowledgements
// are cumulative, and the client's goroutine must not be held up.
func (s *session) enqueueAck(_ mqtt.Client, m mqtt.Message) {
	select {
	case s.acks <- m.Payload():
	default:
	}
}

// act does what is due now and returns how long to wait at most before the next look. An overdue
// acknowledgement makes it begin again with a hello.
func (s *session) act(ctx context.Context, now time.Time) (time.Duration, error) {
	if err := s.publishStateWhenDue(ctx, now); err != nil {
		return 0, err
	}
	if s.ready && s.overdue(now) {
		s.update(func(st *api.Link) {
			st.GoBacks++
			st.Ready = false
			st.SetProblem(message.New("link.hub-silent"))
		})
		s.ready = false
	}
	if !s.ready {
		return s.sayHello(now)
	}
	return s.fill(now)
}

// overdue reports whether an acknowledgement is missing for longer than the link explains.
func (s *session) overdue(now time.Time) bool {
	oldest := s.oldestFlight()
	return !oldest.IsZero() && now.Sub(oldest) > s.window.timeout()
}

// oldestFlight returns when the oldest message in flight was sent; the zero time when there is none.
func (s *session) oldestFlight() (oldest time.Time) {
	consider := func(flying []flight) {
		if len(flying) > 0 && (oldest.IsZero() || flying[0].sent.Before(oldest)) {
			oldest = flying[0].sent
		}
	}
	for _, st := range s.streams {
		consider(st.flying)
	}
	for _, a := range s.artifacts.open {
		consider(a.flying)
	}
	return oldest
}

// sayHello sends a hello when one is due, and returns when the next one is. The pause between them
// doubles up to helloMax, with jitter, so that the agents of a hub that comes back do not speak all
// at once.
func (s *session) sayHello(now time.Time) (time.Duration, error) {
	if due := s.helloAt.Add(s.helloWait); now.Before(due) && !s.helloAt.IsZero() {
		return due.Sub(now), nil
	}
	if !s.helloAt.IsZero() {
		s.helloWait = min(2*s.helloWait, helloMax)
	}
	if s.refused {
		s.helloWait = refusedPause
	}
	s.helloWait = s.helloWait*3/4 + rand.N(s.helloWait/2)
	s.helloAt = now
	s.helloEpoch++
	_, checkpoint := s.journal.Checkpoint()
	_, err := s.publish(wire.LeafHello, &wire.Hello{
		Journal: s.id.ID, Size: s.journal.Size(), Checkpoint: checkpoint, BlindKey: s.id.BlindKey, Verifier: s.id.Verifier,
		Software: s.opts.Software, Inventory: s.opts.Inventory, Epoch: s.helloEpoch,
		Instance: s.instance, Box: boxName(s.opts.Broker.URL),
	})
	return s.helloWait, err
}

// publish encodes a message and sends it. It returns the payload's size in bytes.
func (s *session) publish(leaf string, m proto.Message) (int, error) {
	payload, err := s.codec.Encode(m)
	if err != nil {
		return 0, err
	}
	return len(payload), s.send(wire.Topic(s.id.Site, s.id.Agent, leaf), payload)
}

// send hands a payload to the client. QoS 0: the hub's acknowledgement is the only one that counts, and it covers more.
func (s *session) send(topic string, payload []byte) error {
	s.update(func(st *api.Link) { st.SentBytes += uint64(len(payload)) })
	token := s.client.Publish(topic, 0, false, payload)
	select {
	case <-token.Done():
		return token.Error()
	default:
		return nil
	}
}

// fill sends while the window has room: alarms first, then events, then telemetry, then artifacts.
// One batch of alarms goes even when others have used the window up. It returns how long to wait
// before the next look.
func (s *session) fill(now time.Time) (time.Duration, error) {
	next := min(s.window.timeout(), statePeriod)
	for {
		room := !s.window.full(s.oldestFlight(), now)
		if !room && len(s.streams[observation.Class_CLASS_ALARM].flying) > 0 {
			break
		}
		sent, err := s.sendRows(room, now, &next)
		if err == nil && !sent && room {
			sent, err = s.sendChunk(now)
		}
		if err != nil {
			return 0, err
		}
		if !sent {
			break
		}
	}
	s.update(func(st *api.Link) {
		st.InFlight, st.Window, st.Rate, st.RTTMs, st.Credit = s.window.inFlight, s.window.limit(), int(s.window.rate), int(s.window.trip.Milliseconds()), s.window.credit
	})
	return next, nil
}

// sendRows sends a batch of the first class that has rows to send; only of alarms when there is no room. next becomes
// the time at which rows that linger are due, when that is earlier.
func (s *session) sendRows(room bool, now time.Time, next *time.Duration) (bool, error) {
	for _, class := range observation.Classes {
		if !room && class != observation.Class_CLASS_ALARM {
			return false, nil
		}
		linger, err := s.lingers(class, now)
		if err != nil {
			return false, err
		}
		if linger > 0 {
			*next = min(*next, linger)
			continue
		}
		if sent, err := s.sendBatch(class, now); sent || err != nil {
			return sent, err
		}
	}
	return false, nil
}

// lingers returns how much longer telemetry shall wait for company, so that a quiet lane does not pay a whole message
// for each observation.
func (s *session) lingers(class observation.Class, now time.Time) (time.Duration, error) {
	st := s.streams[class]
	if class != observation.Class_CLASS_TELEMETRY || s.journal.Last(class) <= st.sent {
		st.oldest = time.Time{}
		return 0, nil
	}
	if st.oldest.IsZero() {
		st.oldest = now
	}
	select {
	case <-s.flushing:
		return 0, nil
	default:
	}
	left := st.oldest.Add(s.opts.TelemetryDelay).Sub(now)
	if left <= 0 || s.journal.Last(class)-st.sent >= lingerRows {
		return 0, nil
	}
	return left, nil
}

// sendBatch sends the next rows of a class, if there are any. Its size is a share of the window, by
// what rows have compressed to lately.
func (s *session) sendBatch(class observation.Class, now time.Time) (bool, error) {
	st := s.streams[class]
	if s.journal.Last(class) <= st.sent {
		return false, nil
	}
	batch, f, err := s.nextBatch(class)
	if err != nil || batch == nil {
		return false, err
	}
	batch.Epoch = st.epoch
	s.attachCheckpoint(batch, now)
	payload, err := s.codec.Encode(batch)
	if err != nil {
		return false, err
	}
	if len(batch.Bodies) > 0 {
		s.ratio += (float64(len(batch.Bodies))/float64(len(payload)) - s.ratio) / 4
	}
	f.bytes, f.sent, f.idle = len(payload), now, f.last == s.journal.Last(class)
	s.window.reserve(&f)
	st.flying, st.sent, st.oldest = append(st.flying, f), f.last, time.Time{}
	s.update(func(st *api.Link) { st.SentRows += uint64(f.rows) })
	return true, s.send(wire.ClassTopic(s.id.Site, s.id.Agent, class), payload)
}

// nextBatch returns the next rows of a class as a batch, nil when there are none, and what is known of its flight. Rows
// that were removed, which only a hub that was restored from a backup lacks, are a batch of their own.
func (s *session) nextBatch(class observation.Class) (*wire.Batch, flight, error) {
	sent, limit := s.streams[class].sent, s.window.limit()/batchesInWindow
	size := min(max(int(float64(limit)*s.ratio), minBatchBodies), maxBatchBodies)
	next, err := s.journal.Next(class, sent, journal.Limits{
		Rows: maxBatchRows, Bytes: size, Removed: min(max(limit/gapRowBytes, minGapRows), maxBatchRows),
	})
	if err != nil {
		return nil, flight{}, err
	}
	if n := len(next.Removed); n > 0 {
		return wire.NewGap(s.id.ID, class, sent, wireRemoved(next.Removed)), flight{last: next.Removed[n-1].Idx, rows: n}, nil
	}
	n := len(next.Rows)
	if n == 0 {
		return nil, flight{}, nil
	}
	return wire.NewBatch(s.id.ID, class, sent, wireRows(next.Rows)), flight{last: next.Rows[n-1].Idx, rows: n}, nil
}

// Bounds on a batch of removed rows: each is a hash, which cannot be compressed, and some bytes.
const (
	gapRowBytes = 34
	minGapRows  = 32
)

func wireRemoved(rows []journal.RemovedRow) []wire.RemovedRow {
	out := make([]wire.RemovedRow, len(rows))
	for i, r := range rows {
		out[i] = wire.RemovedRow(r)
	}
	return out
}

// wireRows converts rows of the journal to those of a batch. Bodies are shared.
func wireRows(rows []journal.Row) []wire.Row {
	out := make([]wire.Row, len(rows))
	for i, r := range rows {
		out[i] = wire.Row{Idx: r.Idx, Time: r.Time, Device: r.Device, Kind: r.Kind, Body: r.Body}
	}
	return out
}

// attachCheckpoint puts the newest checkpoint on a batch every checkpointEvery or checkpointRows:
// each costs its signature in bytes, and a later one covers all that an earlier one does.
func (s *session) attachCheckpoint(b *wire.Batch, now time.Time) {
	size, signed := s.journal.Checkpoint()
	if size == s.checkpointSize || now.Sub(s.checkpointAt) < checkpointEvery && size-s.checkpointSize < checkpointRows {
		return
	}
	b.Checkpoint, s.checkpointAt, s.checkpointSize = signed, now, size
}

// handleAck handles a message from the hub. One that cannot be decoded is counted, one of another
// journal is ignored.
func (s *session) handleAck(payload []byte) {
	var ack wire.Ack
	if err := s.codec.Decode(payload, &ack); err != nil {
		s.update(func(st *api.Link) { st.Undecodable++; st.MalformedErr = err.Error() })
		return
	}
	if string(ack.Journal) != string(s.id.ID) {
		return
	}
	now := time.Now()
	s.update(func(st *api.Link) {
		st.LastAck, st.Verified = now.UTC(), max(st.Verified, ack.Verified)
	})
	if ack.CreditBytes > 0 {
		s.window.credit = int(ack.CreditBytes)
	}
	switch {
	case ack.Refusal == wire.Refusal_REFUSAL_HELLO_NEEDED:
		s.ready, s.helloWait = false, helloMin
		return
	case ack.Refusal != wire.Refusal_REFUSAL_NONE:
		s.refuse(&ack)
		return
	case ack.HelloEpoch != 0:
		s.onHelloAck(&ack)
		return
	case !s.ready: // the hub is back: it greets every agent that it knows
		s.helloAt, s.helloWait = time.Time{}, helloMin
		return
	}
	for _, c := range ack.Cursors {
		s.advance(c, now)
	}
	for _, h := range ack.Artifacts {
		s.onArtifactProgress(h, now)
	}
	s.pull(ack.Pull)
}

// refusal returns why the hub refuses, in the hub's words. Hubs of older versions have English
// alone.
func refusal(ack *wire.Ack) message.Message {
	if ack.RefusalTextFr == "" {
		return message.Verbatim(ack.RefusalText)
	}
	return message.Text{EN: ack.RefusalText, FR: ack.RefusalTextFr}.Message()
}

// refuse stops sending until the hub accepts a hello, which is tried every refusedPause: an
// administrator has to act.
func (s *session) refuse(ack *wire.Ack) {
	if !s.refused {
		s.opts.Log.Error("the hub refuses this journal", "why", ack.RefusalText, "code", ack.Refusal.String())
	}
	s.refused, s.ready = true, false
	s.helloWait = refusedPause
	s.update(func(st *api.Link) {
		st.Refused, st.Ready = true, false
		st.SetProblem(message.New("link.refused", message.Nested("why", refusal(ack))))
	})
}

// onHelloAck begins sending where the hub says. An answer to an earlier hello is ignored: its
// cursors may be old.
func (s *session) onHelloAck(ack *wire.Ack) {
	if ack.HelloEpoch != s.helloEpoch {
		return
	}
	s.ready, s.refused, s.helloWait = true, false, helloMin
	for _, st := range s.streams {
		for _, f := range st.flying {
			s.window.drop(f)
		}
		st.flying = nil
		st.epoch++
	}
	s.restartArtifacts()
	s.pull(ack.Pull)
	for _, c := range ack.Cursors {
		if st := s.streams[c.Class]; st != nil && c.Idx >= -1 && c.Idx <= s.journal.Last(c.Class) {
			st.sent = c.Idx
			s.setCursor(c)
		}
	}
	s.update(func(st *api.Link) {
		st.Ready, st.Refused = true, false
		st.SetProblem(message.Message{})
	})
}

// advance handles the acknowledgement of a class: batches up to the cursor are delivered. A go-back
// of the present epoch drops the others and sends again from the cursor.
func (s *session) advance(c *wire.Cursor, now time.Time) {
	st := s.streams[c.Class]
	if st == nil || c.Idx > st.sent && !c.GoBack {
		return
	}
	for len(st.flying) > 0 && st.flying[0].last <= c.Idx {
		f := st.flying[0]
		st.flying = st.flying[1:]
		s.window.deliver(&f, now)
		s.update(func(st *api.Link) { st.AckedRows += uint64(f.rows) })
	}
	if c.Idx > s.journal.Acked(c.Class) {
		s.journal.SetAcked(c.Class, c.Idx)
	}
	if !c.GoBack || c.Epoch != st.epoch || c.Idx > s.journal.Last(c.Class) {
		return
	}
	for _, f := range st.flying {
		s.window.drop(f)
	}
	st.flying, st.sent = nil, c.Idx
	st.epoch++
	s.setCursor(c)
	s.update(func(st *api.Link) { st.GoBacks++ })
}

// setCursor sets the journal's cursor to what the hub says. One that went back is of a hub that was
// restored from a backup: artifacts went with the rows, and are queued again.
func (s *session) setCursor(c *wire.Cursor) {
	if c.Idx < s.journal.Acked(c.Class) {
		s.journal.RequeueArtifacts(c.Class, c.Idx)
	}
	s.journal.SetAcked(c.Class, c.Idx)
}

// publishStateWhenDue publishes the agent's state, retained, once in statePeriod.
func (s *session) publishStateWhenDue(ctx context.Context, now time.Time) error {
	if s.opts.Beside != nil || !s.stateAt.IsZero() && now.Sub(s.stateAt) < statePeriod {
		return nil
	}
	s.stateAt = now
	waiting, err := s.journal.Waiting(ctx)
	if err != nil {
		return err
	}
	artifacts, bytes, err := s.journal.Backlog()
	if err != nil {
		return err
	}
	var trouble []*wire.DeviceTrouble
	if s.opts.Trouble != nil {
		trouble = s.opts.Trouble()
		trouble = trouble[:min(len(trouble), maxTrouble)]
	}
	return s.publishState(&wire.State{
		Trouble: trouble, Devices: uint32(len(s.opts.Inventory.GetDevices())),
		WaitingArtifacts: artifacts, WaitingArtifactBytes: bytes,
		Online: true, Journal: fmt.Sprintf("%x", s.id.ID), Software: s.opts.Software, Size: s.journal.Size(), TimeNs: now.UnixNano(),
		WaitingAlarms: waiting[observation.Class_CLASS_ALARM], WaitingEvents: waiting[observation.Class_CLASS_EVENT],
		WaitingTelemetry: waiting[observation.Class_CLASS_TELEMETRY],
	})
}

// maxTrouble is the number of devices that a state message names at most, as the hub bounds its
// size.
const maxTrouble = 100

// publishState publishes a state with QoS 1, without waiting. That the one before was refused by
// the broker is an error, which ends the connection; one that was not answered yet is only logged.
func (s *session) publishState(st *wire.State) error {
	text, err := protojson.Marshal(st)
	if err != nil {
		return err
	}
	if said := s.stateToken; said != nil {
		select {
		case <-said.Done():
			if err := said.Error(); err != nil {
				return fmt.Errorf("the broker does not accept the state message: %w", err)
			}
		default:
			s.opts.Log.Warn("the broker has not answered the last state message: the centre may show an old state")
		}
	}
	s.stateToken = s.client.Publish(wire.Topic(s.id.Site, s.id.Agent, wire.LeafState), 1, true, text)
	return nil
}

// sayOffline does what the last will would do, when the agent stops in order: a broker sends no
// will then.
func (s *session) sayOffline(ctx context.Context) {
	if ctx.Err() != nil && s.opts.Beside == nil {
		s.publishState(&wire.State{Journal: fmt.Sprintf("%x", s.id.ID), Software: s.opts.Software, Size: s.journal.Size(), TimeNs: time.Now().UnixNano()})
	}
}
