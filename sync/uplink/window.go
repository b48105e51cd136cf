package uplink

import "time"

// The window follows what the link delivers, as BBR does (Cardwell et al. 2016): the largest
// delivery rate of the last ten seconds, times the smallest round trip of the last minute plus what
// may stand in queues on the way.
const (
	queueTime     = 250 * time.Millisecond // how long an alarm may wait behind what is in flight
	windowStart   = 4 << 10                // bytes, until a rate is known
	windowMin     = 2 << 10
	rateMemory    = 10 * time.Second
	tripMemory    = time.Minute
	tripProbe     = 25 * time.Second // a bulk sender, whose queue never empties, measures the trip anew so often
	creditDefault = 256 << 10        // until the hub says otherwise
)

// window decides how many bytes may be in flight. It has no clock of its own and belongs to the
// session's goroutine.
type window struct {
	inFlight  int
	delivered int // bytes acknowledged in this connection
	credit    int

	rate     float64 // bytes/s
	rateAt   time.Time
	ackedAt  time.Time // of the last acknowledgement; of the first flight since nothing was under way, when none came since
	ackedOf  time.Time // when what was acknowledged then had been sent
	pace     pacer
	trip     time.Duration // smallest round trip
	tripAt   time.Time
	lastTrip time.Duration
}

// flight is a batch or chunk under way.
type flight struct {
	last      int64 // idx of its last row
	rows      int
	bytes     int
	sent      time.Time
	delivered int       // window.delivered when it was sent
	ackedAt   time.Time // window.ackedAt and ackedOf then
	ackedOf   time.Time
	idle      bool // nothing more was waiting when it was sent: its rate says little
	probe     bool // sent alone, to measure the trip
}

// limit returns the bytes that may be in flight: never more than the hub's credit.
func (w *window) limit() int {
	n := windowStart
	if w.rate > 0 {
		n = max(windowMin, int(w.rate*(w.trip+queueTime).Seconds()))
	}
	return min(n, w.credit)
}

// chunk returns the bytes of a chunk of an artifact: a share of the window, so that rows find room between two, and on
// a thin link no more than passes in paceTime.
func (w *window) chunk() int {
	n := w.limit() / chunkShare
	if w.rate > 0 && w.rate < paceBelow {
		n = min(n, int(w.rate*paceTime.Seconds()))
	}
	return n
}

// reserve accounts for a batch that is sent.
func (w *window) reserve(f *flight) {
	if w.inFlight == 0 {
		w.ackedAt, w.ackedOf = f.sent, f.sent
	}
	f.delivered, f.ackedAt, f.ackedOf = w.delivered, w.ackedAt, w.ackedOf
	w.inFlight += f.bytes
	w.pace.sent(f.bytes, w.rate, f.sent)
}

// deliver accounts for a batch that was acknowledged now, and learns trip and rate from it. A trip
// that is the smallest for a minute is dropped: the way may have become longer.
func (w *window) deliver(f *flight, now time.Time) {
	w.inFlight -= f.bytes
	w.delivered += f.bytes
	trip := max(now.Sub(f.sent), time.Millisecond)
	w.lastTrip = trip
	if w.trip == 0 || trip <= w.trip || f.probe || now.Sub(w.tripAt) > tripMemory {
		w.trip, w.tripAt = trip, now
	}
	w.ackedAt, w.ackedOf = now, f.sent
	if !f.probe { // which is too small to say anything of the rate
		w.learnRate(f, trip, now)
	}
	w.pace.acked(w.inFlight, w.rate, now)
}

// learnRate learns the rate from a batch that was acknowledged now, after trip.
func (w *window) learnRate(f *flight, trip time.Duration, now time.Time) {
	span := max(now.Sub(f.ackedAt), f.sent.Sub(f.ackedOf), time.Millisecond)
	rate := float64(w.delivered-f.delivered) / span.Seconds()
	slower := trip > w.trip+2*queueTime // it queued for long: the link delivers less than it did
	if rate >= w.rate || slower || !f.idle && now.Sub(w.rateAt) > rateMemory {
		w.rate, w.rateAt = rate, now
	}
}

// full reports whether nothing more may be sent: the window is used up, or what is in flight has been so for longer
// than it should, which is how a link that has become thin shows first.
func (w *window) full(oldest, now time.Time) bool {
	return w.inFlight >= w.limit() || w.inFlight > 0 && now.Sub(oldest) > w.trip+queueTime
}

// probeDue reports whether the trip is known from long ago only, so that what was measured since may be one's own
// queue.
func (w *window) probeDue(now time.Time) bool {
	return w.trip > 0 && now.Sub(w.tripAt) > tripProbe
}

// drop accounts for a batch that was given up: it is neither delivered nor in flight.
func (w *window) drop(f flight) { w.inFlight -= f.bytes }

// timeout returns the time after which batches without an acknowledgement count as lost: what the
// trip and the queue of our own bytes explain, and a minute at most.
func (w *window) timeout() time.Duration {
	t := 2*time.Second + 4*w.lastTrip
	if w.rate > 0 {
		t += time.Duration(float64(w.inFlight) / w.rate * float64(time.Second))
	}
	return min(t, time.Minute)
}
