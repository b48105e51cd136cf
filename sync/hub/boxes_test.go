package hub

import (
	"strings"
	"testing"
	"time"
)

func TestTwoBoxesOfOneName(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b := newBoxes()
	b.now = func() time.Time { return now }
	hello := func(instance uint64, box string) string {
		now = now.Add(time.Second)
		return b.noteHello("demo", "lane-1", instance, box).English()
	}
	for i, instance := range []uint64{1, 2, 3, 3, 4} { // an agent that is restarted has a new number each time
		if why := hello(instance, "old (10.0.0.5)"); why != "" {
			t.Errorf("start %d: refused: %s", i, why)
		}
	}
	if why := hello(3, "old (10.0.0.5)"); why != "" {
		t.Errorf("one message that was delivered late: refused: %s", why)
	}
	why := hello(4, "new (10.0.0.6)")
	if !strings.Contains(why, "old (10.0.0.5)") || !strings.Contains(why, "new (10.0.0.6)") || !strings.Contains(why, "demo/lane-1") {
		t.Errorf("two boxes that take turns: %q", why)
	}
	if why := b.noteHello("demo", "lane-2", 9, "other"); !why.IsZero() {
		t.Errorf("another agent: refused: %s", why.English())
	}
	now = now.Add(contestWindow)
	if why := hello(4, "new (10.0.0.6)"); why != "" {
		t.Errorf("after the other was switched off: refused: %s", why)
	}
	if why := hello(0, ""); why != "" {
		t.Errorf("an agent that does not say its number: refused: %s", why)
	}
}
