package uplink

import "time"

// On a thin link a whole window stands in a queue, and an alarm behind it. All messages but alarms are therefore spaced
// by the rate that is known, as BBR does (Cardwell et al. 2016): one is sent when the link has nearly carried the one
// before it, so that an alarm waits behind one of them. Every eighth turn is faster, to find out whether the link can
// do more, and the next one slower, so that the queue of it is gone again.
const (
	paceBelow  = 100_000                // bytes/s; a faster link carries a whole window of small chunks in no time
	paceTime   = 125 * time.Millisecond // what a chunk may take on the link, if it is larger than minChunk
	paceAhead  = 30 * time.Millisecond  // how long before the link is free the next message is sent
	paceTurn   = 250 * time.Millisecond
	paceFaster = 1.25
	paceSlower = 0.75
	paceGrowth = 1.1 // a rate that rose by so much lately is not the link's yet
	paceStart  = 2.0 // faster by so much while it rises
)

// pacer says when the next message that is no alarm may be sent. It has no clock of its own and belongs to the session's goroutine.
type pacer struct {
	free   time.Time // when the link will have carried what was sent
	rate   float64   // largest rate lately, bytes/s
	riseAt time.Time // when it rose last
}

// sent accounts for bytes that are sent now, on a link of that many bytes/s; 0 for one that is not known yet.
func (p *pacer) sent(bytes int, rate float64, now time.Time) {
	if rate > p.rate*paceGrowth {
		p.riseAt = now
	}
	p.rate = rate
	if rate == 0 {
		return
	}
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(bytes) / (rate * p.gain(now)) * float64(time.Second)))
}

// acked accounts for an acknowledgement: the link has no more to carry than what is still in flight. Without it the
// pause that a rate of long ago asked for would outlast that rate: a hub that stood still for ten seconds looks like a
// link of 30 bytes/s, and what is sent to it next, like half a minute's load.
func (p *pacer) acked(inFlight int, rate float64, now time.Time) {
	if rate == 0 {
		return
	}
	left := now.Add(time.Duration(float64(inFlight) / (rate * paceSlower) * float64(time.Second)))
	if p.free.After(left) {
		p.free = left
	}
}

// gain returns how many times the known rate is tried now.
func (p *pacer) gain(now time.Time) float64 {
	if now.Sub(p.riseAt) < 4*paceTurn {
		return paceStart
	}
	switch now.UnixMilli() / paceTurn.Milliseconds() % 8 {
	case 0:
		return paceFaster
	case 1:
		return paceSlower
	}
	return 1
}

// wait returns how long the next message has to wait; 0 when it may go.
func (p *pacer) wait(now time.Time) time.Duration {
	if p.rate == 0 || p.rate > paceBelow {
		return 0
	}
	return max(0, p.free.Sub(now)-paceAhead)
}
