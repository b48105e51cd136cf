package driver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
)

func TestFaultsAreFoldedNotDropped(t *testing.T) {
	var f Faults
	at := time.Unix(1000, 0)
	const flood = 5000
	for i := range flood {
		f.Add(at.Add(time.Duration(i)*time.Millisecond), message.Quote("bad"), int64(i), make([]byte, 1000))
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

// TestFoldedFaultsKeepTheirReasons: a count is that of one reason, and the reasons of a period are bounded.
func TestFoldedFaultsKeepTheirReasons(t *testing.T) {
	var f Faults
	at := time.Unix(1000, 0)
	for range faultsInPeriod {
		f.Add(at, message.Quote("first"), 0, nil)
	}
	for i := range 40 {
		f.Add(at, message.Quote("parity"), 0, []byte("p"))
		f.Add(at, message.Quote(fmt.Sprintf("odd %d", i)), 0, []byte("o"))
	}
	f.Flush()
	folded := f.Take()[faultsInPeriod:]
	if len(folded) != maxFolded+1 {
		t.Fatalf("%d folded faults", len(folded))
	}
	total := uint32(0)
	for _, o := range folded {
		total += o.Body.GetDeviceFault().Count
	}
	first, second, last := folded[0].Body.GetDeviceFault(), folded[1].Body.GetDeviceFault(), folded[8].Body.GetDeviceFault()
	if first.Reason != "parity" || first.Count != 40 || second.Reason != "odd 0" || second.Count != 1 ||
		string(second.Excerpt) != "o" || last.Count != 33 || total != 80 ||
		last.Reason != "and 33 faults of other reasons, the first: odd 7" {
		t.Errorf("%v\n%v\n%v\ntotal %d", first, second, last, total)
	}
}

// TestFaultOfCutText: half of a character, cut out of what a device sent, keeps no fault out of the journal.
func TestFaultOfCutText(t *testing.T) {
	const half = "\xe4\xba"
	var f Faults
	f.Add(time.Unix(1_800_000_000, 0), message.New("line.no-time", message.String("text", "2026"+half),
		message.String("forms", half)), 0, []byte(half))
	for _, o := range f.Take() {
		if _, err := proto.Marshal(o.Body); err != nil {
			t.Error(err)
		}
		if got := o.Body.GetDeviceFault().Reason; !strings.Contains(got, "2026\uFFFD") {
			t.Errorf("reason %q", got)
		}
	}
}
