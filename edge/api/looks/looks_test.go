package looks

import (
	"testing"
	"time"
)

// TestFresh: a look is fresh once in its time, for each person and thing; a clock that was set back makes it fresh again.
func TestFresh(t *testing.T) {
	var r Recent
	now := time.Unix(1_000_000, 0)
	a, b := Look{"anna", "10.0.0.1", "passage 1"}, Look{"bert", "10.0.0.1", "passage 1"}
	for i, c := range []struct {
		one   Look
		after time.Duration
		want  bool
	}{
		{a, 0, true}, {a, time.Minute, false}, {b, time.Minute, true}, {a, Every, true},
		{a, Every + time.Minute, false}, {a, 0, true},
	} {
		if got := r.Fresh(c.one, now.Add(c.after)); got != c.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
	r.Forget(a)
	if !r.Fresh(a, now) {
		t.Error("a look that was not recorded is not fresh")
	}
	for i := range 3 * maxLooks {
		r.Fresh(Look{"anna", "", time.Duration(i).String()}, now)
	}
	if len(r.last) > maxLooks {
		t.Errorf("%d looks are remembered", len(r.last))
	}
}
