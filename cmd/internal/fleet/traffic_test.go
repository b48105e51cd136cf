package fleet

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// A day is in order and has all that comes into a journal: what devices tell, alarms among it, passages, backgrounds
// every five seconds. The same seed gives the same one.
func TestDay(t *testing.T) {
	s, err := load("remote-post")
	if err != nil {
		t.Fatal(err)
	}
	d := makeDay(s, 3)
	if !slices.IsSortedFunc(d, func(a, b report) int { return int(a.after - b.after) }) {
		t.Error("it is not in order")
	}
	var classes observation.PerClass[int]
	kinds := map[observation.Kind]int{}
	for _, r := range d {
		if r.after < 0 || r.after >= dayLength {
			t.Fatalf("a report of %v", r.after)
		}
		classes[r.class]++
		kinds[r.body.Kind()]++
	}
	if n := classes[observation.Class_CLASS_TELEMETRY]; n != int(dayLength/backgroundEvery) {
		t.Errorf("%d backgrounds", n)
	}
	a, e := classes[observation.Class_CLASS_ALARM], classes[observation.Class_CLASS_EVENT]
	if a == 0 || e < 200 || a > e/20 {
		t.Errorf("%d alarms, %d events", a, e)
	}
	opened, closed := kinds[observation.Kind_KIND_PASSAGE_OPENED], kinds[observation.Kind_KIND_PASSAGE_CLOSED]
	if opened < 35 || closed < 35 {
		t.Errorf("%d passages opened, %d closed", opened, closed)
	}
	again := makeDay(s, 3)
	for i := range d {
		if len(again) != len(d) || !proto.Equal(again[i].body, d[i].body) || again[i].after != d[i].after {
			t.Fatalf("report %d of %d differs", i, len(again))
		}
	}
}
