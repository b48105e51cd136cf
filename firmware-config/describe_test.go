package firmwareconfig

import (
	"testing"
	"time"
)

// TestDurationText: times are shown as a person writes them, and a lane file takes them.
func TestDurationText(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "10s": 10 * time.Second, "1m": time.Minute, "1m10s": 70 * time.Second,
		"10m": 10 * time.Minute, "1h": time.Hour, "1h10m": 70 * time.Minute, "20h": 20 * time.Hour, "168h": 168 * time.Hour,
		"1h0m5s": time.Hour + 5*time.Second,
	} {
		got := durationText(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%v is %q, want %q: %v", d, got, want, err)
		}
	}
}
