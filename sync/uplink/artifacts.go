package uplink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// Small artifacts are sent without being asked for: the question would cost as much as they do. Of
// larger ones few are open at a time, since each holds a file.
const (
	maxSmall     = 64      // small artifacts on their way at once
	maxFiles     = 4       // of the others: one is sent, the next ones are asked for
	minChunk     = 1 << 10 // bytes
	maxChunk     = wire.MaxChunk / 2
	askFrom      = 64 << 10 // larger artifacts are asked for before they are sent: the hub may hold them, or a part
	chunkShare   = 3        // a chunk is at most so much of the window
	maxPulls     = 64
	artifactNews = 5 * time.Second // how often the queue is read when nothing was committed
)

// sending is an artifact on its way. Offsets are in bytes; acked is what the hub holds, sent what
// it will hold when nothing is lost.
type sending struct {
	sum    []byte
	total  int64
	reader observation.ArtifactReader
	asked  bool
	ready  bool // answered, or not to be asked
	sent   int64
	acked  int64
	epoch  uint32
	flying []flight // last is the offset behind the chunk
}

// artifacts is the part of a session that sends artifacts, in the room that rows leave.
type artifacts struct {
	open       map[string]*sending
	pulled     []string // artifacts, by SHA-256, that the hub wants first
	queue      []journal.WaitingArtifact
	readAt     time.Time
	size       int64           // of the journal then
	acked      int64           // alarms and events that the hub had then, as the sum of their last indexes
	refused    map[string]bool // of this connection: lost files, and what the hub has no row for yet
	unreadable map[string]bool // of refused: those that cannot be read
	ratio      float64         // bytes of data per byte of payload
}

// newArtifacts returns the state of a new connection: nothing is on its way.
func newArtifacts() artifacts {
	return artifacts{open: map[string]*sending{}, refused: map[string]bool{}, unreadable: map[string]bool{}, ratio: 1}
}

// restartArtifacts forgets what is on its way, after a hello: the hub is asked anew for each
// artifact, as it may be another one, or restored from a backup. The epoch grows, so that answers
// from before are recognised.
func (s *session) restartArtifacts() {
	for _, a := range s.artifacts.open {
		for _, f := range a.flying {
			s.window.drop(f)
		}
		a.flying, a.sent, a.asked, a.ready = nil, a.acked, false, false
		a.epoch++
	}
	clear(s.artifacts.refused)
	clear(s.artifacts.unreadable)
	s.unreadable.Store(0)
	s.artifacts.readAt = time.Time{}
}

// closeArtifacts closes everything that is on its way, at the end of a connection.
func (s *session) closeArtifacts() {
	for sum := range s.artifacts.open {
		s.closeArtifact(sum)
	}
}

// closeArtifact stops sending an artifact and gives its room in the window back; nothing for one
// that is not open.
func (s *session) closeArtifact(sum string) {
	if a := s.artifacts.open[sum]; a != nil {
		for _, f := range a.flying {
			s.window.drop(f)
		}
		if err := a.reader.Close(); err != nil {
			s.opts.Log.Debug("artifact", "err", err)
		}
		delete(s.artifacts.open, sum)
	}
}

// sendChunk sends the next part of the first artifact that can go on: those that somebody waits for
// first. sent is false when there is nothing to send, or no room.
func (s *session) sendChunk(now time.Time) (sent bool, err error) {
	if s.held.Pulled {
		return false, nil
	}
	for _, sum := range s.artifacts.pulled {
		if sent, err = s.sendPart([]byte(sum), now); sent || err != nil {
			return sent, err
		}
	}
	if s.held.Artifacts {
		return false, nil
	}
	if err := s.readQueue(now); err != nil {
		return false, err
	}
	for _, w := range s.artifacts.queue {
		if s.artifacts.open[string(w.SHA256)] == nil && s.artifacts.crowded(w.Size) {
			continue
		}
		if sent, err = s.sendPart(w.SHA256, now); sent || err != nil {
			return sent, err
		}
	}
	return false, nil
}

// readQueue reads the beginning of the journal's queue when something was committed since, when the hub has got alarms or
// events, for which their artifacts wait, and at least every artifactNews.
func (s *session) readQueue(now time.Time) (err error) {
	q := &s.artifacts
	size := s.journal.Size()
	acked := s.journal.Acked(observation.Class_CLASS_ALARM) + s.journal.Acked(observation.Class_CLASS_EVENT)
	if size == q.size && acked == q.acked && now.Sub(q.readAt) < artifactNews {
		return nil
	}
	q.readAt, q.size, q.acked = now, size, acked
	q.queue, err = s.journal.WaitingArtifacts(2 * maxSmall)
	return err
}

// sendPart sends the next part of an artifact, or the question how much of it the hub holds; false
// when there is nothing of it that may be sent now. A chunk is a share of the window, so that rows
// find room between two.
func (s *session) sendPart(sum []byte, now time.Time) (bool, error) {
	room := s.window.chunk()
	if s.artifacts.refused[string(sum)] || s.window.inFlight > 0 && s.window.inFlight+room > s.window.limit() {
		return false, nil
	}
	a, err := s.openArtifact(sum)
	if err != nil || a == nil {
		return false, err
	}
	if !a.ready {
		if a.asked {
			return false, nil
		}
		a.asked = true
		return true, s.sendData(a, nil, now)
	}
	if a.sent >= a.total && a.total > 0 || a.total == 0 && len(a.flying) > 0 {
		return false, nil
	}
	if s.window.probeDue(now) {
		if s.window.inFlight > 0 {
			return false, nil
		}
		return true, s.sendProbe(a, now)
	}
	data := make([]byte, min(int64(min(max(int(float64(room)*s.artifacts.ratio), minChunk), maxChunk)), a.total-a.sent))
	if _, err := a.reader.ReadAt(data, a.sent); err != nil && !errors.Is(err, io.EOF) {
		s.giveUp(sum, err)
		return false, nil
	}
	return true, s.sendData(a, data, now)
}

// openArtifact returns an artifact on its way, opening it at first; nil when it is lost or too
// large, which is logged once a connection.
func (s *session) openArtifact(sum []byte) (*sending, error) {
	if a := s.artifacts.open[string(sum)]; a != nil {
		return a, nil
	}
	reader, total, err := s.journal.OpenArtifact(sum)
	if err == nil && total > wire.MaxArtifact {
		err = errors.Join(errTooLarge, reader.Close())
	}
	if errors.Is(err, journal.ErrNoArtifact) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTooLarge) {
		s.giveUp(sum, err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &sending{sum: bytes.Clone(sum), total: total, reader: reader, ready: total <= askFrom}
	s.artifacts.open[string(sum)] = a
	return a, nil
}

var errTooLarge = fmt.Errorf("it has more than %d bytes", int64(wire.MaxArtifact))

// crowded reports whether enough artifacts of the same order of size are on their way.
func (q *artifacts) crowded(size int64) bool {
	small, files := 0, 0
	for _, a := range q.open {
		if a.total > askFrom {
			files++
		} else {
			small++
		}
	}
	if size > askFrom {
		return files >= maxFiles
	}
	return small >= maxSmall
}

// giveUp leaves an artifact that cannot be read until the next hello; the others go on.
func (s *session) giveUp(sum []byte, err error) {
	s.opts.Log.Error("artifact cannot be sent", "sha256", fmt.Sprintf("%x", sum), "err", err)
	s.closeArtifact(string(sum))
	s.artifacts.refused[string(sum)] = true
	s.artifacts.unreadable[string(sum)] = true
	s.unreadable.Store(int64(len(s.artifacts.unreadable)))
}

// sendProbe asks how much the hub holds, with nothing else on the way: what then passes until the
// answer is the link's round trip, without queues.
func (s *session) sendProbe(a *sending, now time.Time) error {
	err := s.sendData(a, nil, now)
	a.flying[len(a.flying)-1].probe = true
	return err
}

// sendData sends a chunk from a.sent on; data may be empty, which only asks. It adapts ratio, the
// bytes of data that one byte on the wire carries, as images compress differently.
func (s *session) sendData(a *sending, data []byte, now time.Time) error {
	payload, err := s.codec.Encode(&wire.Chunk{Journal: s.id.ID, Sha256: a.sum, Total: a.total, Offset: a.sent, Data: data, Epoch: a.epoch})
	if err != nil {
		return err
	}
	if len(data) > minChunk/2 {
		s.artifacts.ratio += (min(float64(len(data))/float64(len(payload)), 8) - s.artifacts.ratio) / 8
	}
	a.sent += int64(len(data))
	f := flight{last: a.sent, bytes: len(payload), sent: now}
	s.window.reserve(&f)
	a.flying = append(a.flying, f)
	s.showArtifact(a)
	return s.send(wire.Topic(s.id.Site, s.id.Agent, wire.LeafChunk), payload)
}

// showArtifact puts what is on its way into the status.
func (s *session) showArtifact(a *sending) {
	s.update(func(st *api.Link) {
		st.Artifact = &api.Sending{SHA256: fmt.Sprintf("%x", a.sum), Size: a.total, Held: a.acked}
	})
}

// onArtifactProgress handles what the hub says that it holds of an artifact. Numbers that cannot
// be, and answers from before the last restart, are ignored.
func (s *session) onArtifactProgress(h *wire.Held, now time.Time) {
	sum := string(h.Sha256)
	a := s.artifacts.open[sum]
	if a == nil || h.Bytes < 0 || h.Bytes > a.total {
		return
	}
	if h.Unknown {
		s.artifacts.refused[sum] = true // until its row is at the hub
		s.closeArtifact(sum)
		return
	}
	if h.Epoch != a.epoch && !h.Complete {
		return
	}
	for len(a.flying) > 0 && a.flying[0].last <= h.Bytes {
		f := a.flying[0]
		a.flying = a.flying[1:]
		s.window.deliver(&f, now)
	}
	if h.Complete {
		s.complete(sum)
		return
	}
	if !a.ready || h.GoBack || h.Bytes > a.sent {
		if h.GoBack {
			s.update(func(st *api.Link) { st.GoBacks++ })
			a.epoch++
		}
		for _, f := range a.flying {
			s.window.drop(f)
		}
		a.flying, a.sent, a.ready = nil, h.Bytes, true
	}
	a.acked = h.Bytes
}

// complete is called for an artifact that the hub has whole: the journal need not keep it for the
// hub any longer.
func (s *session) complete(sum string) {
	s.closeArtifact(sum)
	s.journal.SetArtifactHeld([]byte(sum))
	s.update(func(st *api.Link) { st.AckedArtifacts++; st.Artifact = nil })
	s.artifacts.readAt = time.Time{}
	s.artifacts.pulled = slices.DeleteFunc(s.artifacts.pulled, func(p string) bool { return p == sum })
}

// pull puts artifacts that somebody waits for before the others. One that was given up is tried
// again.
func (s *session) pull(sums [][]byte) {
	for _, sum := range sums {
		if len(s.artifacts.pulled) < maxPulls && !slices.Contains(s.artifacts.pulled, string(sum)) {
			s.artifacts.pulled = append(s.artifacts.pulled, string(sum))
			delete(s.artifacts.refused, string(sum))
		}
	}
}
