package driver

import (
	"testing"
	"time"
)

func TestFaultsAreFoldedNotDropped(t *testing.T) {
	var f Faults
	at := time.Unix(1000, 0)
	const flood = 5000
	for i := range flood {
		f.Add(at.Add(time.Duration(i)*time.Millisecond), "bad", int64(i), make([]byte, 1000))
	}
	f.Tick(at.Add(2 * time.Minute))
	total, keys := uint32(0), map[string]bool{}
	due := f.Take()
	for _, o := range due {
		d := o.Body.GetDeviceFault()
		total += d.Count
		keys[o.Key] = true
		if len(d.Excerpt) != excerptBytes {
			t.Errorf("excerpt of %d bytes", len(d.Excerpt))
		}
	}
	if total != flood || len(due) != faultsInPeriod+1 || len(keys) != len(due) {
		t.Errorf("%d faults became %d observations that stand for %d, with %d keys", flood, len(due), total, len(keys))
	}
	if f.Flush(); len(f.Take()) != 0 {
		t.Error("a fault was reported twice")
	}
}
