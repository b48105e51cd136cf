package driver

import (
	"testing"
	"time"
)

func TestZone(t *testing.T) {
	at := time.Date(2027, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]int{
		"": 0, "UTC": 0, "America/Toronto": -4 * 3600, "-05:00": -5 * 3600, "+0530": 5*3600 + 1800, "+01": 3600,
	} {
		zone, err := Zone(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if _, got := at.In(zone).Zone(); got != want {
			t.Errorf("%q is %d s from UTC, want %d", text, got, want)
		}
	}
	for _, text := range []string{"Local", "Mars/Olympus", "5", "+99:00x"} {
		if _, err := Zone(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
