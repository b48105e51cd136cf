package views

import (
	"testing"
	"time"
)

// TestBehind: views that have not followed for a while say how far they are, and nothing once they have; rows that have just
// come are no delay.
func TestBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		now := time.Unix(1_800_000_000, 0)
		behind := func(after time.Duration) *Behind {
			t.Helper()
			now = now.Add(after)
			b, err := c.Behind(now)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if b := behind(0); b != nil {
			t.Fatalf("an empty ledger: %+v", b)
		}
		l := newLane(c, "emerson", "lane-1")
		l.send()
		if b := behind(2 * time.Second); b != nil {
			t.Errorf("rows that have just come: %+v", b)
		}
		b := behind(behindFor + time.Second)
		if b == nil || b.Done != 0 || b.All < 1 {
			t.Errorf("rows that were never folded: %+v", b)
		}
		if again := behind(behindEvery / 2); again != b {
			t.Errorf("asked again at once: %+v", again)
		}
		c.follow(batchRows)
		if b := behind(time.Second); b != nil {
			t.Errorf("after all is folded: %+v", b)
		}
		for range 5 { // rows come all the time, and are folded all the time
			l.now = l.now.Add(time.Second)
			l.alarm()
			l.send()
			if b := behind(behindFor); b != nil {
				t.Errorf("rows that come: %+v", b)
			}
			c.follow(batchRows)
		}
		if err := c.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		behind(time.Second)
		if b := behind(behindFor + time.Second); b == nil || b.Done != 0 {
			t.Errorf("while they are made anew: %+v", b)
		}
	})
}
