package firmwareconfig

import (
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	for _, c := range []struct {
		text string
		in   []string
		out  []string
	}{
		{"", []string{"00:00", "12:00"}, nil},
		{"always", []string{"00:00", "23:59"}, nil},
		{"never", nil, []string{"00:00", "12:00"}},
		{"08:00-09:30", []string{"08:00", "09:29"}, []string{"07:59", "09:30", "00:00"}},
		{"22:00-06:00", []string{"22:00", "23:59", "00:00", "05:59"}, []string{"06:00", "21:59", "12:00"}},
		{"12:00-13:00, 22:00-06:00", []string{"12:00", "23:00"}, []string{"13:00", "06:00"}},
	} {
		h, err := ParseHours(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for want, list := range map[bool][]string{true: c.in, false: c.out} {
			for _, at := range list {
				clock, err := time.Parse("15:04", at)
				if err != nil {
					t.Fatal(err)
				}
				if h.Include(clock) != want {
					t.Errorf("%q at %s: %v", c.text, at, !want)
				}
			}
		}
	}
	for _, bad := range []string{"night", "22:00", "22:00-", "-06:00", "25:00-26:00", "08:00-08:00", "08:00-09:00,", "8-9"} {
		if _, err := ParseHours(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
