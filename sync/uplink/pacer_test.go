package uplink

import (
	"testing"
	"time"
)

// evenTurn is a moment in a turn that is neither faster nor slower.
var evenTurn = time.Unix(1001, 0)

func TestPacerWait(t *testing.T) {
	for name, c := range map[string]struct {
		rate  float64
		bytes int
		after time.Duration // since they were sent
		want  time.Duration
	}{
		"nothing is known":    {0, 1000, 0, 0},
		"just sent":           {8000, 1000, 0, 95 * time.Millisecond},
		"half is gone":        {8000, 1000, 60 * time.Millisecond, 35 * time.Millisecond},
		"nearly gone":         {8000, 1000, 95 * time.Millisecond, 0},
		"gone":                {8000, 1000, time.Second, 0},
		"a fast link":         {1e6, 1 << 20, 0, 0},
		"the slowest of fast": {paceBelow + 1, 1 << 20, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := pacer{rate: c.rate, riseAt: evenTurn.Add(-time.Hour)}
			p.sent(c.bytes, c.rate, evenTurn)
			if got := p.wait(evenTurn.Add(c.after)); got.Round(time.Microsecond) != c.want {
				t.Errorf("waits %s, want %s", got, c.want)
			}
		})
	}
}

// TestPacerGain: the mean over eight turns is the known rate, and a rate that has just risen is tried much faster.
func TestPacerGain(t *testing.T) {
	p := pacer{riseAt: evenTurn.Add(-time.Hour)}
	sum := 0.0
	for k := range 8 {
		sum += p.gain(evenTurn.Add(time.Duration(k) * paceTurn))
	}
	if sum != 8 {
		t.Errorf("eight turns are %g times the rate", sum)
	}
	p.sent(1, 1000, evenTurn)
	if got := p.gain(evenTurn); got != paceStart {
		t.Errorf("gain %g after the rate rose", got)
	}
	p.sent(1, 1050, evenTurn.Add(time.Minute))
	if got := p.gain(evenTurn.Add(time.Minute)); got == paceStart {
		t.Error("a small rise counts as one")
	}
}

// TestPacerForgetsAStall: a hub that answers late, as its database stood still, leaves a rate of some bytes a second
// behind. As soon as alarms, which are never paced, are acknowledged in good time, events and telemetry may follow.
func TestPacerForgetsAStall(t *testing.T) {
	for name, alarmsUnderWay := range map[string]int{"one alarm at a time": 0, "always an alarm under way": 71} {
		t.Run(name, func(t *testing.T) {
			w, now := &window{credit: creditDefault}, evenTurn
			send := func(bytes int) *flight {
				f := &flight{bytes: bytes, sent: now}
				w.reserve(f)
				return f
			}
			for range 20 { // a link of 20 kB/s and more
				f := send(350)
				now = now.Add(10 * time.Millisecond)
				w.deliver(f, now)
			}
			late := send(350)
			now = now.Add(12 * time.Second)
			w.deliver(late, now)
			if w.rate > 100 {
				t.Fatalf("%.0f bytes/s after the stall: the case is not the one that is meant", w.rate)
			}
			alarms := send(580) // what has gathered meanwhile
			if w.pace.wait(now) < time.Second {
				t.Fatal("the rest does not wait: the case is not the one that is meant")
			}
			if now = now.Add(3 * time.Millisecond); alarmsUnderWay > 0 {
				send(alarmsUnderWay)
			}
			now = now.Add(3 * time.Millisecond)
			w.deliver(alarms, now)
			if wait := w.pace.wait(now); wait > 50*time.Millisecond {
				t.Errorf("the rest waits for another %s", wait)
			}
		})
	}
}
