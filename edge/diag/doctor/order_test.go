package doctor

import (
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers/message"
)

// finding is one of a cause.
func finding(cause string, subject []string) Finding {
	return Finding{Subject: subject, What: message.Message{Code: cause}}
}

// The fault comes before what follows from it, and a warning of the machine before no fault of a device.
func TestOrder(t *testing.T) {
	clock := finding("clock-unsynchronised", []string{"machine"})
	settings := finding("settings-changed", []string{"rpm-1"})
	unranked := finding("noise", []string{"rpm-2"})
	taken := finding("port-taken", []string{"lpr-1"})
	down := finding("device-down", []string{"lpr-1"})
	dns := finding("dns", []string{"a", "b"})
	route := finding("no-route", []string{"a"})
	for name, c := range map[string]struct {
		in   []Finding
		want string
	}{
		"a fault before warnings":    {[]Finding{clock, settings, unranked, down}, "device-down settings-changed noise clock-unsynchronised"},
		"the cause before an effect": {[]Finding{clock, down, taken}, "port-taken device-down clock-unsynchronised"},
		"more devices before fewer":  {[]Finding{taken, route, dns}, "dns no-route port-taken"},
	} {
		t.Run(name, func(t *testing.T) {
			for range len(c.in) { // from each beginning
				c.in = append(c.in[1:], c.in[0])
				var got []string
				for _, f := range order(slices.Clone(c.in)) {
					got = append(got, f.What.Code)
				}
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("%s, want %s", s, c.want)
				}
			}
		})
	}
}
