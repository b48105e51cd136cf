package uplink

import (
	"fmt"
	"math"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/documented"
)

var epoch = time.Unix(1000, 0)

// TestWindowLimit: bytes in flight are what the link delivers in a round trip and the time that an alarm may wait.
func TestWindowLimit(t *testing.T) {
	for name, c := range map[string]struct {
		w    window
		want int
	}{
		"nothing is known":       {window{credit: 1 << 20}, 4096},
		"credit below the start": {window{credit: 1000}, 1000},
		"rate and trip":          {window{credit: 1 << 20, rate: 100_000, trip: 150 * time.Millisecond}, 40_000},
		"very thin":              {window{credit: 1 << 20, rate: 10, trip: time.Second}, 2048},
		"a byte a second":        {window{credit: 1 << 20, rate: 1, trip: time.Second}, 2048},
		"credit below the rate":  {window{credit: 5000, rate: 1e6, trip: time.Second}, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.w.limit(); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}

func TestWindowFull(t *testing.T) {
	w := func(inFlight int) *window {
		return &window{credit: 1 << 20, rate: 100_000, trip: 150 * time.Millisecond, inFlight: inFlight} // limit 40,000
	}
	for name, c := range map[string]struct {
		w    *window
		late time.Duration // age of the oldest batch
		want bool
	}{
		"empty":                      {w(0), 0, false},
		"empty, nothing since long":  {w(0), time.Hour, false},
		"one byte left":              {w(39_999), 0, false},
		"used up":                    {w(40_000), 0, true},
		"over":                       {w(50_000), 0, true},
		"as old as it may be":        {w(1), 400 * time.Millisecond, false},
		"older: the link is thinner": {w(1), 401 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.w.full(epoch, epoch.Add(c.late)); got != c.want {
				t.Errorf("full is %v", got)
			}
		})
	}
}

// TestWindowMeasures: what an acknowledgement says of trip and rate.
func TestWindowMeasures(t *testing.T) {
	known := window{credit: 1 << 20, rate: 10_000, trip: 100 * time.Millisecond, rateAt: epoch, tripAt: epoch, inFlight: 2000, delivered: 5000}
	for name, c := range map[string]struct {
		flight flight        // sent at epoch+at
		at     time.Duration // sent
		took   time.Duration
		rate   float64
		trip   time.Duration
	}{
		"slower, soon":            {flight{bytes: 500, delivered: 5000}, time.Second, 200 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"faster":                  {flight{bytes: 2000, delivered: 5000}, time.Second, 100 * time.Millisecond, 20_000, 100 * time.Millisecond},
		"as fast":                 {flight{bytes: 1000, delivered: 5000}, time.Second, 100 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"shorter trip":            {flight{bytes: 100, delivered: 5000}, time.Second, 50 * time.Millisecond, 10_000, 50 * time.Millisecond},
		"no time at all":          {flight{bytes: 1, delivered: 5000}, time.Second, 0, 10_000, time.Millisecond},
		"slower, after memory":    {flight{bytes: 500, delivered: 5000}, 10 * time.Second, 200 * time.Millisecond, 2500, 100 * time.Millisecond},
		"idle, after memory":      {flight{bytes: 500, delivered: 5000, idle: true}, 10 * time.Second, 200 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"long trip, after memory": {flight{bytes: 500, delivered: 5000}, time.Minute, 500 * time.Millisecond, 1000, 500 * time.Millisecond},
		"slower, as old": {flight{bytes: 500, delivered: 5000},
			9800 * time.Millisecond, 200 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"long trip, as old": {flight{bytes: 500, delivered: 5000, idle: true},
			59_500 * time.Millisecond, 500 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"queued for long":        {flight{bytes: 700, delivered: 5000}, time.Second, 700 * time.Millisecond, 1000, 100 * time.Millisecond},
		"queued, but not longer": {flight{bytes: 600, delivered: 5000}, time.Second, 600 * time.Millisecond, 10_000, 100 * time.Millisecond},
		"others came meanwhile":  {flight{bytes: 1000, delivered: 3000}, time.Second, 200 * time.Millisecond, 15_000, 100 * time.Millisecond},
		"a probe sets the trip":  {flight{bytes: 2000, delivered: 5000, probe: true}, time.Second, 150 * time.Millisecond, 10_000, 150 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			w, f := known, c.flight
			f.sent = epoch.Add(c.at)
			f.ackedAt, f.ackedOf = f.sent, f.sent // nothing was on its way before it
			now := f.sent.Add(c.took)
			w.deliver(&f, now)
			if math.Abs(w.rate-c.rate) > 1e-6 || w.trip != c.trip {
				t.Errorf("%g bytes/s and %s, want %g and %s", w.rate, w.trip, c.rate, c.trip)
			}
			if w.inFlight != known.inFlight-f.bytes || w.delivered != known.delivered+f.bytes {
				t.Errorf("%d in flight, %d delivered", w.inFlight, w.delivered)
			}
			if want := max(c.took, time.Millisecond); w.lastTrip != want {
				t.Errorf("last trip %s", w.lastTrip)
			}
			if (w.tripAt == now) != (c.trip != known.trip || c.took == known.trip) {
				t.Errorf("the trip is of %s", w.tripAt.Sub(epoch))
			}
			if changed := c.rate != known.rate || name == "as fast"; (w.rateAt == now) != changed {
				t.Errorf("the rate is of %s", w.rateAt.Sub(epoch))
			}
		})
	}
}

// TestWindowFigures: the document states what bounds the bytes in flight before and after anything is measured.
func TestWindowFigures(t *testing.T) {
	documented.Require(t, "wire.md",
		fmt.Sprintf("%d KiB until a rate is known", windowStart>>10),
		fmt.Sprintf("%d KiB at the least", windowMin>>10),
		fmt.Sprintf("never more than the credit, which is %g KiB until the hub grants another",
			float64(creditDefault)/1024),
	)
	documented.Require(t, "decisions/0003-window.md",
		fmt.Sprintf("delivery rate of the last %g s", rateMemory.Seconds()),
		fmt.Sprintf("of the last minute + %d ms", queueTime.Milliseconds()),
		fmt.Sprintf("(every %g s)", tripProbe.Seconds()),
		fmt.Sprintf("below %d kB/s", paceBelow/1000),
		fmt.Sprintf("every eighth turn of %d ms", paceTurn.Milliseconds()),
	)
}

// TestWindowMeasuresBehindOthers: the span in which bytes were delivered begins with the acknowledgement before the
// flight was sent, so that the way there and back is not counted once for each; and it is never shorter than the span
// in which they were sent, as acknowledgements may come in a bunch.
func TestWindowMeasuresBehindOthers(t *testing.T) {
	ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
	for name, c := range map[string]struct {
		sent, acked [3]int // ms
		want        float64
	}{
		"one after the other without a pause": {[3]int{0, 70, 170}, [3]int{130, 230, 330}, 10_000},
		"acknowledged in a bunch":             {[3]int{0, 100, 300}, [3]int{299, 310, 400}, 2000 / 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			w := &window{credit: 1 << 20}
			flights, next := [3]flight{}, 0
			for now := 0; now <= 400; now++ {
				for k := range flights {
					if c.acked[k] == now {
						w.deliver(&flights[k], ms(now))
					}
				}
				if next < 3 && c.sent[next] == now {
					flights[next] = flight{bytes: 1000, sent: ms(now)}
					w.reserve(&flights[next])
					next++
				}
			}
			if math.Abs(w.rate/c.want-1) > 0.01 {
				t.Errorf("%g bytes/s, want %g", w.rate, c.want)
			}
		})
	}
}

func TestWindowChunk(t *testing.T) {
	for name, c := range map[string]struct {
		rate float64
		want int
	}{
		"nothing is known": {0, 1365},
		"thin":             {8000, 1000},
		"fast":             {1e6, 116_666},
	} {
		t.Run(name, func(t *testing.T) {
			w := &window{credit: 1 << 20, rate: c.rate, trip: 100 * time.Millisecond}
			if c.rate == 8000 {
				w.trip = time.Second // a third of the window is 3,333 bytes
			}
			if got := w.chunk(); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}

func TestWindowFirstMeasurement(t *testing.T) {
	w := &window{credit: 1 << 20}
	f := flight{bytes: 1000, sent: epoch}
	w.reserve(&f)
	if w.inFlight != 1000 || f.delivered != 0 {
		t.Errorf("%d in flight, %d delivered before", w.inFlight, f.delivered)
	}
	w.deliver(&f, epoch.Add(time.Second))
	if w.trip != time.Second || w.rate != 1000 || w.inFlight != 0 {
		t.Errorf("%+v", w)
	}
	g := flight{bytes: 10, sent: epoch}
	w.reserve(&g)
	if g.delivered != 1000 {
		t.Errorf("%d delivered before", g.delivered)
	}
	w.drop(g)
	if w.inFlight != 0 || w.delivered != 1000 {
		t.Errorf("%+v after a batch was given up", w)
	}
}

func TestProbeDue(t *testing.T) {
	for name, c := range map[string]struct {
		trip time.Duration
		age  time.Duration
		want bool
	}{
		"nothing is known": {0, time.Hour, false},
		"lately":           {time.Second, 25 * time.Second, false},
		"long ago":         {time.Second, 25*time.Second + 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := window{trip: c.trip, tripAt: epoch}
			if got := w.probeDue(epoch.Add(c.age)); got != c.want {
				t.Errorf("due is %v", got)
			}
		})
	}
}

func TestWindowTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		w    window
		want time.Duration
	}{
		"nothing is known": {window{}, 2 * time.Second},
		"a trip":           {window{lastTrip: 500 * time.Millisecond}, 4 * time.Second},
		"and a queue":      {window{lastTrip: 500 * time.Millisecond, rate: 1000, inFlight: 3000}, 7 * time.Second},
		"no rate":          {window{inFlight: 3000}, 2 * time.Second},
		"at most a minute": {window{rate: 1, inFlight: 3000}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.w.timeout(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
