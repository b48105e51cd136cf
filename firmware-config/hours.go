package firmwareconfig

import (
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// Hours are the times of day at which something may be sent. The zero Hours are always.
type Hours struct {
	never   bool
	periods []period
}

// period is a part of a day, in minutes from midnight. One that ends before it begins goes over midnight.
type period struct{ begin, end int }

// ParseHours reads "always" or nothing, "never", or periods such as "22:00-06:00" or "12:00-13:00,22:00-06:00".
func ParseHours(text string) (Hours, error) {
	switch text {
	case "", "always":
		return Hours{}, nil
	case "never":
		return Hours{never: true}, nil
	}
	var h Hours
	for one := range strings.SplitSeq(text, ",") {
		begin, end, _ := strings.Cut(strings.TrimSpace(one), "-")
		from, err := time.Parse("15:04", begin)
		if err != nil {
			return Hours{}, message.Errorf("config.no-hours", message.Quoted("value", text))
		}
		to, err := time.Parse("15:04", end)
		if err != nil || to.Equal(from) {
			return Hours{}, message.Errorf("config.no-hours", message.Quoted("value", text))
		}
		h.periods = append(h.periods, period{minuteOf(from), minuteOf(to)})
	}
	return h, nil
}

func minuteOf(t time.Time) int { return 60*t.Hour() + t.Minute() }

// Include reports whether a time is one of the hours, by its own zone. A period's last minute is the one before its
// end.
func (h Hours) Include(t time.Time) bool {
	if h.never || len(h.periods) == 0 {
		return !h.never
	}
	minute := minuteOf(t)
	for _, p := range h.periods {
		within := minute >= p.begin && minute < p.end
		if p.begin > p.end {
			within = minute >= p.begin || minute < p.end
		}
		if within {
			return true
		}
	}
	return false
}
