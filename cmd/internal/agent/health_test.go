package agent

import (
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/retention"
)

// Which tests are told as due, and from when on they are overdue.
func TestDueTests(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(1_780_000_000, 0)
	last := func(ago time.Duration, v observation.DeviceTest_Verdict) *observation.DeviceTest {
		return &observation.DeviceTest{StartedNs: now.Add(-ago).UnixNano(), Verdict: v}
	}
	const passed, failed = observation.DeviceTest_VERDICT_PASSED, observation.DeviceTest_VERDICT_FAILED
	for name, c := range map[string]struct {
		offer           guided.Offer
		due             int
		overdue, failed bool
		since           time.Duration // ago
	}{
		"done when somebody likes":     {offer: guided.Offer{Due: true}},
		"passed":                       {offer: guided.Offer{Every: day, Last: last(time.Hour, passed)}},
		"due for an hour":              {guided.Offer{Every: day, Due: true, Last: last(25*time.Hour, passed)}, 1, false, false, time.Hour},
		"due for more than a quarter":  {guided.Offer{Every: day, Due: true, Last: last(31*time.Hour, passed)}, 1, true, false, 7 * time.Hour},
		"failed":                       {guided.Offer{Every: day, Due: true, Last: last(time.Hour, failed)}, 1, false, true, time.Hour},
		"never done, since an hour":    {guided.Offer{Every: 10 * day, Due: true}, 1, false, false, 2 * day},
		"never done, and long overdue": {guided.Offer{Every: day, Due: true}, 1, true, false, 2 * day},
	} {
		c.offer.Device, c.offer.ID, c.offer.Title = "rpm-1", "background", message.Text{EN: "Background", FR: "Fond"}
		_, due := dueTests([]guided.Offer{c.offer}, now.Add(-2*day), now)
		if len(due) != c.due {
			t.Errorf("%s: %d are due", name, len(due))
			continue
		}
		if c.due == 0 {
			continue
		}
		if d := due[0]; d.Overdue != c.overdue || d.Failed != c.failed || d.SinceNs != now.Add(-c.since).UnixNano() || d.TitleFr != "Fond" {
			t.Errorf("%s: %v, since %v ago", name, d, now.Sub(time.Unix(0, d.SinceNs)))
		}
	}
}

func TestDiskPercent(t *testing.T) {
	for used, want := range map[int64]uint32{0: 0, 49: 45, 89: 85, 91: 91, 99: 99, 100_000: 999, -5: 0} {
		if got := diskPercent(retention.State{Budget: 100, Used: used}); got != want {
			t.Errorf("%d of 100 are used: %d %%, want %d", used, got, want)
		}
	}
	if got := diskPercent(retention.State{Used: 7}); got != 0 {
		t.Errorf("%d %% of a budget that is not known yet", got)
	}
}
