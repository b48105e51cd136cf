package journal

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
)

// Rows of passages, whose time is that of a reading long before, do not lead the search for a time of arrival astray.
func TestArrivedBesidePassages(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		j, err := Open(test.TempDir(), Options{Site: "s", Agent: "a"})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		begin := time.Unix(1_800_000_000, 0)
		now := begin
		arrived := map[int64]time.Time{} // of rows of devices
		for range rapid.IntRange(1, 30).Draw(t, "vehicles") {
			now = now.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "pause")) * time.Second)
			delay := time.Duration(rapid.IntRange(0, 20).Draw(t, "delay")) * time.Second
			o := observation.New(observation.Class_CLASS_EVENT, now.Add(-delay), &observation.RadiationTamper{Tripped: true})
			o.Device, o.Body.AgentDelayNs = "rpm-1", delay.Nanoseconds()
			arrived[j.Size()] = now
			all := []*observation.Observation{o}
			for range rapid.IntRange(0, 10).Draw(t, "passages") {
				before := time.Duration(rapid.IntRange(0, 300).Draw(t, "before")) * time.Second
				p := observation.New(observation.Class_CLASS_EVENT, now.Add(-before), &observation.PassageUpdated{})
				p.Device = observation.AgentDevice
				all = append(all, p)
			}
			if _, err := j.Commit(test.Context(), all...); err != nil {
				t.Fatal(err)
			}
		}
		at := begin.Add(time.Duration(rapid.IntRange(-5, 300).Draw(t, "at")) * time.Second)
		first, err := j.Arrived(at)
		if err != nil {
			t.Fatal(err)
		}
		for idx, when := range arrived {
			if (idx < first) != when.Before(at) {
				t.Errorf("row %d arrived %v after the beginning; from %v on it is row %d and later", idx,
					when.Sub(begin), at.Sub(begin), first)
			}
		}
	})
}
