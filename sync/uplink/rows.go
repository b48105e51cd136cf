package uplink

import (
	"math/rand/v2"
	"time"

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
	checkpointEvery = 30 * time.Second // and with every checkpointRows
	checkpointRows  = 1 << 14
)

// sendRows sends a batch of the first class that has rows to send; only of alarms when there is no room, and none of
// what the path holds back. next becomes
// the time at which rows that linger are due, when that is earlier.
func (s *session) sendRows(room bool, now time.Time, next *time.Duration) (bool, error) {
	for _, class := range observation.Classes {
		if !room && class != observation.Class_CLASS_ALARM {
			return false, nil
		}
		if s.held.class(class) {
			continue
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
		st.oldest, st.linger = now, s.drawLinger(st)
	}
	select {
	case <-s.flushing:
		return 0, nil
	default:
	}
	left := st.oldest.Add(st.linger).Sub(now)
	if left <= 0 || s.journal.Last(class)-st.sent >= lingerRows {
		return 0, nil
	}
	return left, nil
}

// drawLinger returns how long telemetry waits for company: TelemetryDelay or up to a quarter less, and any part of it
// the first time on a connection. So the agents of a hub that came back, which all begin at one moment, do not send all
// at one moment for ever after.
func (s *session) drawLinger(st *stream) time.Duration {
	delay := s.opts.TelemetryDelay
	if !st.lingered {
		st.lingered = true
		return rand.N(delay + 1)
	}
	return delay - rand.N(delay/4+1)
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
	if n := batch.BodyBytes(); n > 0 {
		s.ratio += (float64(n)/float64(len(payload)) - s.ratio) / 4
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
	batch := wire.NewBatch(s.id.ID, class, sent, s.wireRows(next.Rows))
	clear(s.rows) // the batch has copies of the bodies
	return batch, flight{last: next.Rows[n-1].Idx, rows: n}, nil
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

// wireRows converts rows of the journal to those of a batch, with their personal values for a hub that takes these.
// Bodies are shared. What it returns is valid until the next call: a backlog would make megabytes of garbage a batch.
func (s *session) wireRows(rows []journal.Row) []wire.Row {
	s.rows = s.rows[:0]
	for i := range rows {
		s.rows = append(s.rows, wire.RowOf(&rows[i], s.personal))
	}
	return s.rows
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
