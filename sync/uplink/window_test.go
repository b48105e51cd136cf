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

// drive saturates a link with chunks through a window for some seconds, as a session does, and returns the longest
// queue of the second half that a chunk left behind, and the share of the link that was used in it.
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
		for !w.full(oldest, now) && w.pace.wait(now) == 0 {
			f := flight{bytes: max(w.chunk(), 200), sent: now}
			if w.probeDue(now) {
				if w.inFlight > 0 {
					break
				}
				f.bytes, f.probe = 100, true
			}
			w.reserve(&f)
			flying = append(flying, due{f, l.send(now, f.bytes)})
			if oldest.IsZero() {
				oldest = now
			}
			if q := l.free.Sub(now); now.After(half) && q > queue {
				queue = q
			}
			if f.probe {
				break
			}
		}
	}
	for _, d := range flying {
		w.drop(d.f)
	}
	return queue, float64(bytes) / (l.rate * (span / 2).Seconds()), end
}

func TestWindowFillsTheLinkAndKeepsItsQueueShort(t *testing.T) {
	for name, c := range map[string]struct {
		link
		queue time.Duration
	}{
		"9.6 kbit/s, satellite": {link{rate: 1_200, trip: 600 * time.Millisecond}, 1200 * time.Millisecond}, // a chunk alone takes 0.85 s
		"64 kbit/s, near":       {link{rate: 8_000, trip: 20 * time.Millisecond}, 240 * time.Millisecond},
		"64 kbit/s, satellite":  {link{rate: 8_000, trip: 600 * time.Millisecond}, 240 * time.Millisecond},
		"512 kbit/s, satellite": {link{rate: 64_000, trip: 600 * time.Millisecond}, 260 * time.Millisecond},
		"1 Mbit/s, far":         {link{rate: 125_000, trip: 150 * time.Millisecond}, 3 * queueTime},
		"100 Mbit/s, near":      {link{rate: 12_500_000, trip: 2 * time.Millisecond}, 3 * queueTime},
	} {
		t.Run(name, func(t *testing.T) {
			w, l := &window{credit: 64 << 20}, c.link
			queue, used, _ := drive(&l, w, time.Unix(1000, 0), 60*time.Second)
			t.Logf("queue %s, %.0f %% used, window %d bytes", queue.Round(time.Millisecond), used*100, w.limit())
			if queue > c.queue || used < 0.7 {
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
