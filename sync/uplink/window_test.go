package uplink

import (
	"testing"
	"time"
)

// link is a simulated link: a rate, a round trip, and a queue.
type link struct {
	rate float64 // bytes/s
	trip time.Duration
	free time.Time // when the queue is empty
}

// send returns when the acknowledgement of so many bytes comes.
func (l *link) send(now time.Time, bytes int) time.Time {
	begin := now
	if l.free.After(begin) {
		begin = l.free
	}
	l.free = begin.Add(time.Duration(float64(bytes) / l.rate * float64(time.Second)))
	return l.free.Add(l.trip)
}

// drive saturates a link through a window for some seconds and returns the longest queue of the second half, and the share
// of the link that was used in it.
func drive(l *link, w *window, now time.Time, span time.Duration) (queue time.Duration, used float64, end time.Time) {
	type due struct {
		f  flight
		at time.Time
	}
	var flying []due
	half, end := now.Add(span/2), now.Add(span)
	bytes := 0
	for ; now.Before(end); now = now.Add(time.Millisecond) {
		for len(flying) > 0 && !flying[0].at.After(now) {
			w.deliver(&flying[0].f, now)
			if now.After(half) {
				bytes += flying[0].f.bytes
			}
			flying = flying[1:]
		}
		oldest := time.Time{}
		if len(flying) > 0 {
			oldest = flying[0].f.sent
		}
		for !w.full(oldest, now) {
			f := flight{bytes: max(w.limit()/batchesInWindow, 200), sent: now}
			w.reserve(&f)
			flying = append(flying, due{f, l.send(now, f.bytes)})
			if oldest.IsZero() {
				oldest = now
			}
			if q := l.free.Sub(now); now.After(half) && q > queue {
				queue = q
			}
		}
	}
	for _, d := range flying {
		w.drop(d.f)
	}
	return queue, float64(bytes) / (l.rate * (span / 2).Seconds()), end
}

func TestWindowFillsTheLinkAndKeepsItsQueueShort(t *testing.T) {
	for name, l := range map[string]link{
		"64 kbit/s, satellite": {rate: 8_000, trip: 600 * time.Millisecond},
		"1 Mbit/s, far":        {rate: 125_000, trip: 150 * time.Millisecond},
		"100 Mbit/s, near":     {rate: 12_500_000, trip: 2 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := &window{credit: 64 << 20}
			queue, used, _ := drive(&l, w, time.Unix(1000, 0), 20*time.Second)
			t.Logf("queue %s, %.0f %% used, window %d bytes", queue.Round(time.Millisecond), used*100, w.limit())
			if queue > 3*queueTime || used < 0.7 {
				t.Errorf("queue of %s, %.0f %% of the link used", queue, used*100)
			}
		})
	}
}

func TestWindowFollowsALinkThatBecomesThin(t *testing.T) {
	w := &window{credit: 64 << 20}
	l := link{rate: 1_000_000, trip: 20 * time.Millisecond}
	_, _, now := drive(&l, w, time.Unix(1000, 0), 10*time.Second)
	l.rate = 8_000
	queue, used, _ := drive(&l, w, now, 2*time.Minute) // what was in flight takes half a minute
	t.Logf("queue %s, %.0f %% used, window %d bytes", queue.Round(time.Millisecond), used*100, w.limit())
	if queue > 3*queueTime || used < 0.6 {
		t.Errorf("queue of %s, %.0f %% of the link used", queue, used*100)
	}
}

func TestWindowKeepsToTheCredit(t *testing.T) {
	w := &window{credit: 1000, rate: 1e9, trip: time.Second}
	if w.limit() != 1000 {
		t.Errorf("limit %d", w.limit())
	}
}
