package uplink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

const (
	helloMin     = time.Second
	helloMax     = 15 * time.Second
	refusedPause = time.Minute
)

// stream is the state of one class. Its batches in flight are in the order in which they were sent.
type stream struct {
	sent   int64 // idx of the last row sent
	epoch  uint32
	flying []flight
	oldest time.Time // when the oldest row that lingers was seen first

	linger   time.Duration // how long that row waits
	lingered bool          // rows have waited on this connection
}

// session is one connection. The goroutine of serve owns it; enqueueAck alone is called by the
// client's.
type session struct {
	*Uplink
	id     journal.Identity
	forkOf []byte // of a fork: the id that it was written under, while id is the one that it is sent under
	client mqtt.Client
	acks   chan []byte
	lost   <-chan error

	index   int // of path
	path    *Path
	held    withheld // what waits for the path's hours, or for the next month
	probes  prober
	readyAt time.Time // when the hub answered first; zero for never
	quietAt time.Time // since when it does not answer

	ready      bool // the hub answered the last hello
	helloEpoch uint32
	helloAt    time.Time
	helloWait  time.Duration
	refused    bool
	window     window
	streams    map[observation.Class]*stream
	ratio      float64    // bytes of bodies per byte of payload
	rows       []wire.Row // of the last batch, for wireRows
	artifacts  artifacts
	regions    regions
	personal   bool // the hub takes personal values
	renewed    bool // the connection is to be made anew with another certificate

	checkpointAt   time.Time
	checkpointSize int64
	says           stateClock
	stateToken     mqtt.Token // of the last state message; nil for none
}

// newSession returns the state of a new connection: each class continues where the hub acknowledged
// last.
func newSession(u *Uplink, id journal.Identity, path int) *session {
	s := &session{
		Uplink: u, id: id, acks: make(chan []byte, ackQueue),
		window: window{credit: creditDefault}, streams: map[observation.Class]*stream{}, ratio: 2, helloWait: helloMin,
		artifacts: newArtifacts(), regions: newRegions(), index: path, path: &u.opts.Paths[path], quietAt: time.Now(),
		probes: prober{results: make(chan probe, 1)},
	}
	if u.opts.Fork {
		_, checkpoint := u.journal.Checkpoint()
		s.forkOf, s.id.ID = id.ID, wire.ForkID(id.ID, checkpoint)
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
	defer s.endRegions()
	s.attachDown()
	defer s.detachDown()
	probing, stopProbing := context.WithCancel(ctx)
	defer s.probes.running.Wait()
	defer stopProbing()
	flushing := s.flushing
	for {
		changed := s.journal.Changed()
		wait, err := s.act(ctx, time.Now())
		if err != nil {
			return err
		}
		wait = min(wait, s.lookForBetter(probing, time.Now()))
		select {
		case <-ctx.Done():
			return errStopped
		case err := <-s.lost:
			return err
		case payload := <-s.acks:
			if s.handleAck(payload); s.renewed {
				return errRenewed
			}
		case p := <-s.probes.results:
			s.probes.busy = false
			if s.chooser.probed(p.path, p.answered, time.Now()) {
				return errBetter
			}
		case a := <-s.regions.cut:
			s.onRegionCut(a)
		case sum := <-s.pulls:
			s.pull([][]byte{sum})
		case <-s.altered:
			s.says.change(time.Now())
		case <-changed:
		case <-flushing:
			flushing = nil // once is enough to look
		case <-time.After(wait):
		}
	}
}

// lookForBetter probes a more preferred path when one is due, and returns how long to wait at most before the next
// look.
func (s *session) lookForBetter(ctx context.Context, now time.Time) time.Duration {
	if s.index == 0 || s.opts.Beside != nil {
		return statePeriod
	}
	if i := s.chooser.candidate(s.index, now); i >= 0 && !s.probes.busy {
		s.probes.start(ctx, i, s.opts.Paths[i].Broker)
	}
	return s.chooser.probePause()
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
	again, err := s.publishStateWhenDue(ctx, now)
	if err != nil {
		return 0, err
	}
	s.cutNext(ctx)
	next, err := s.converse(now)
	return min(again, next), err
}

// converse does what is due of hellos, answers, rows and artifacts, and returns how long to wait at most before the next
// look.
func (s *session) converse(now time.Time) (time.Duration, error) {
	s.usage.save(now, false)
	if s.ready && s.overdue(now) {
		s.update(func(st *api.Link) {
			st.GoBacks++
			st.Ready = false
			st.SetProblem(message.New("link.hub-silent"))
		})
		s.ready, s.quietAt = false, now
	}
	if !s.ready && len(s.opts.Paths) > 1 && now.Sub(s.quietAt) > silentMost {
		return 0, message.Errorf("link.path-silent", message.String("path", s.path.ID))
	}
	if !s.ready {
		return s.sayHello(now)
	}
	if err := s.renewWhenDue(now); err != nil {
		return 0, err
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
	for _, a := range s.regions.ready {
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
	s.helloWait = max(s.helloWait, min(s.window.lastTrip, refusedPause)) // an answer takes as long as others lately
	s.helloWait = s.helloWait*3/4 + rand.N(s.helloWait/2)
	s.helloAt = now
	s.helloEpoch++
	_, checkpoint := s.journal.Checkpoint()
	_, err := s.publish(wire.LeafHello, &wire.Hello{
		Journal: s.id.ID, Size: s.journal.Size(), Checkpoint: checkpoint, BlindKey: s.id.BlindKey, Verifier: s.id.Verifier,
		Software: s.opts.Software, Inventory: s.opts.Inventory, Epoch: s.helloEpoch,
		Instance: s.instance, Box: boxName(s.path.Broker.URL), ForkOf: s.forkOf,
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

// fill sends while the window has room: alarms first, then events, then telemetry, then regions, then artifacts, all but alarms at
// the pace of the link. One batch of alarms goes even when others have used the window up. It returns how long to wait
// before the next look.
func (s *session) fill(now time.Time) (time.Duration, error) {
	next := min(s.window.timeout(), statePeriod)
	s.held = s.path.withholds(s.usage.of(s.path.ID, now), now)
	for {
		full, wait := s.window.full(s.oldestFlight(), now), s.window.pace.wait(now)
		if wait > 0 {
			next = min(next, wait)
		}
		if full && len(s.streams[observation.Class_CLASS_ALARM].flying) > 0 {
			break
		}
		room := !full && wait == 0
		sent, err := s.sendRows(room, now, &next)
		if err == nil && !sent && room {
			sent, err = s.sendRegion(now)
		}
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
	if ack.Renewed != nil {
		s.onRenewed(ack.Renewed)
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
		s.ready, s.quietAt, s.helloWait = false, now, helloMin
		return
	case ack.Refusal != wire.Refusal_REFUSAL_NONE:
		s.refuse(&ack)
		return
	case ack.HelloEpoch != 0:
		s.onHelloAck(&ack)
		return
	case !s.ready && len(ack.Cursors)+len(ack.Artifacts)+len(ack.Regions) == 0: // the hub is back: it greets every agent that it knows
		s.helloAt, s.helloWait = time.Time{}, helloMin
		return
	}
	// An acknowledgement that comes while the answer to a hello is awaited is late: the hub is slow, not gone. To say
	// hello again for it would make the hub slower still, and void the answer that is on its way.
	for _, c := range ack.Cursors {
		s.advance(c, now)
	}
	for _, h := range ack.Artifacts {
		if h.Region != 0 {
			s.onRegionProgress(h, now)
		} else {
			s.onArtifactProgress(h, now)
		}
	}
	s.pull(ack.Pull)
	s.askRegions(ack.Regions)
}

// words returns what the hub says in both languages. Hubs of older versions have English alone.
func words(english, french string) message.Message {
	if french == "" {
		return message.Verbatim(english)
	}
	return message.Text{EN: english, FR: french}.Message()
}

// refuse stops sending until the hub accepts a hello, which is tried every refusedPause: an
// administrator has to act.
func (s *session) refuse(ack *wire.Ack) {
	if !s.refused {
		s.opts.Log.Error("the hub refuses this journal", "why", ack.RefusalText, "code", ack.Refusal.String())
	}
	if s.ready {
		s.quietAt = time.Now()
	}
	s.refused, s.ready = true, false
	s.helloWait = refusedPause
	s.update(func(st *api.Link) {
		st.Refused, st.Ready = true, false
		st.SetProblem(message.New("link.refused", message.Nested("why", words(ack.RefusalText, ack.RefusalTextFr))))
	})
	contradicted := ack.Refusal == wire.Refusal_REFUSAL_ROLLED_BACK || ack.Refusal == wire.Refusal_REFUSAL_EVIDENCE
	if contradicted && s.opts.Contradicted != nil {
		s.opts.Contradicted(words(ack.RefusalText, ack.RefusalTextFr).Text())
	}
}

// onHelloAck begins sending where the hub says. An answer to an earlier hello is ignored: its
// cursors may be old.
func (s *session) onHelloAck(ack *wire.Ack) {
	if ack.HelloEpoch != s.helloEpoch {
		return
	}
	s.ready, s.refused, s.helloWait = true, false, helloMin
	if s.readyAt.IsZero() {
		s.readyAt = time.Now()
	}
	for _, st := range s.streams {
		for _, f := range st.flying {
			s.window.drop(f)
		}
		st.flying = nil
		st.epoch++
	}
	if ack.HubKey != "" && s.opts.HubKey != nil {
		s.opts.HubKey(ack.HubKey)
	}
	s.personal = ack.Personal
	s.restartArtifacts()
	s.dropRegions()
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
