package main

import (
	"testing"
	"time"
)

func TestMaintenanceUntil(t *testing.T) {
	zone := time.FixedZone("EST", -5*3600)
	now := time.Date(2026, 12, 1, 14, 20, 30, 0, zone)
	for _, c := range []struct {
		until string
		lasts time.Duration
		want  string // RFC 3339; "" for a usage error
	}{
		{"", 2 * time.Hour, "2026-12-01T21:20:30Z"},
		{"15:30", 0, "2026-12-01T20:30:00Z"},
		{"14:20", 0, "2026-12-02T19:20:00Z"},
		{"2026-12-03T08:00", 0, "2026-12-03T13:00:00Z"},
		{"2026-12-03 08:00", 0, "2026-12-03T13:00:00Z"},
		{"2026-12-03T08:00:00Z", 0, "2026-12-03T08:00:00Z"},
		{"", 0, ""},
		{"tomorrow", 0, ""},
	} {
		got, err := maintenanceUntil(c.until, c.lasts, now)
		if (err != nil) != (c.want == "") || err == nil && got.Format(time.RFC3339) != c.want {
			t.Errorf("%q, %v: %v, %v", c.until, c.lasts, got, err)
		}
	}
}
