package doctor

import (
	"slices"
	"strings"
	"testing"
)

// The fault comes before what follows from it, and a warning of the machine before no fault of a device.
func TestOrder(t *testing.T) {
	clock := Finding{Cause: "clock-unsynchronised", Subject: []string{"machine"}, Warning: true, Rank: rankWarning}
	settings := Finding{Cause: "settings-changed", Subject: []string{"rpm-1"}, Warning: true, Rank: rankChange}
	unranked := Finding{Cause: "noise", Subject: []string{"rpm-2"}, Warning: true} // as a device's are when nobody ranks them
	taken := Finding{Cause: "port-taken", Subject: []string{"lpr-1"}, Rank: rankDevice}
	down := Finding{Cause: "device-down", Subject: []string{"lpr-1"}, Rank: rankEffect}
	dns := Finding{Cause: "dns", Subject: []string{"a", "b"}, Rank: rankNetwork}
	route := Finding{Cause: "no-route", Subject: []string{"a"}, Rank: rankNetwork}
	for name, c := range map[string]struct {
		in   []Finding
		want string
	}{
		"a fault before warnings":    {[]Finding{clock, settings, unranked, down}, "device-down noise settings-changed clock-unsynchronised"},
		"the cause before an effect": {[]Finding{clock, down, taken}, "port-taken device-down clock-unsynchronised"},
		"more devices before fewer":  {[]Finding{taken, route, dns}, "dns no-route port-taken"},
	} {
		t.Run(name, func(t *testing.T) {
			for range len(c.in) { // from each beginning
				c.in = append(c.in[1:], c.in[0])
				var got []string
				for _, f := range order(slices.Clone(c.in)) {
					got = append(got, f.Cause)
				}
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("%s, want %s", s, c.want)
				}
			}
		})
	}
}
