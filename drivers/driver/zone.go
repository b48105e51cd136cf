package driver

import (
	"time"

	"lanewarden/drivers/message"
)

// Zone returns the time zone of a setting: a name of the IANA database (America/Toronto), or an offset from UTC
// (-05:00, +0530, +01). "" is UTC.
func Zone(text string) (*time.Location, error) {
	if text == "" {
		return time.UTC, nil
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if t, err := time.Parse(layout, text); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(text, offset), nil
		}
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" { // Local is the machine's, which nobody set for the device
		return nil, message.Errorf("settings.no-zone", message.Quoted("zone", text))
	}
	return zone, nil
}
