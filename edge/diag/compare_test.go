package diag

import (
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// TestCompareByName puts what has one name and other content side by side: it differs, it is not lost and found. Of two with one name each
// finds its like.
func TestCompareByName(t *testing.T) {
	of := func(name, value string) *observation.Observation {
		o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1000, 0), &observation.VehicleCode{Value: value})
		driver.SetKey(o, name)
		return o
	}
	r := &Recording{Observed: []*observation.Observation{of("a", "1"), of("b", "1"), of("b", "2")}}
	matches := r.Compare([]*observation.Observation{of("a", "9"), of("b", "2"), of("b", "1")})
	if len(matches) != 3 {
		t.Fatalf("%d matches: %v", len(matches), matches)
	}
	for _, m := range matches {
		if m.Recorded == nil || m.Replayed == nil || m.Same() != (driver.KeyName(m.Recorded.Key) == "b") {
			t.Errorf("%v", m)
		}
	}
}
