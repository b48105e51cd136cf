package power

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// vars makes variables of "name: value" lines, as NUT's dumps have them.
func vars(text string) map[string]string {
	out := map[string]string{}
	for in := bufio.NewScanner(strings.NewReader(text)); in.Scan(); {
		if name, v, ok := strings.Cut(in.Text(), ":"); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(v)
		}
	}
	return out
}

// TestStatusWords: what each word of ups.status means.
func TestStatusWords(t *testing.T) {
	for _, c := range []struct{ dump, want string }{
		{"ups.status: OL", ""},
		{"ups.status: OL CHRG", ""},
		{"ups.status: OB DISCHRG", "on-battery"},
		{"ups.status: OB LB", "on-battery low-battery!"},
		{"ups.status: OB DISCHRG\nbattery.charge: 12", "on-battery low-battery!"},
		{"ups.status: OL CHRG\nbattery.charge: 12", ""},
		{"ups.status: OL RB", "replace-battery"},
		{"ups.status: OL HB", "high-battery"},
		{"ups.status: OL BYPASS", "bypass"},
		{"ups.status: OB CAL DISCHRG\ninput.voltage: 230", "calibration"},
		{"ups.status: OB CAL DISCHRG", "calibration"},
		{"ups.status: OB CAL DISCHRG\ninput.voltage: 0.0", "on-battery calibration"},
		{"ups.status: OFF", "output-off!"},
		{"ups.status: OL OVER", "overload!"},
		{"ups.status: OL TRIM", "mains-high"},
		{"ups.status: OL BOOST", "mains-low"},
		{"ups.status: FSD OB LB", "on-battery low-battery! forced-shutdown!"},
		{"ups.status: ALARM OL\nups.alarm: Fan failure!", "ups-alarm!"},
		{"ups.status: OL\nups.alarm: Fan failure!", "ups-alarm!"},
		{"ups.status: OL\ninput.L1-N.voltage: 231\ninput.L2-N.voltage: 4\ninput.L3-N.voltage: 229", "phase-lost"},
		{"ups.status: OB\ninput.L1-N.voltage: 1\ninput.L2-N.voltage: 0\ninput.L3-N.voltage: 2", "on-battery"},
	} {
		var got []string
		for _, f := range findings(body(vars(c.dump)), 30) {
			if f.on && f.alarm {
				f.condition += "!"
			}
			if f.on {
				got = append(got, f.condition)
			}
			if f.text.IsZero() {
				t.Errorf("%s has no text", f.condition)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %s, want %s", c.dump, s, c.want)
		}
	}
}

func TestPhases(t *testing.T) {
	for _, c := range []struct{ dump, want string }{
		{"input.voltage: 119.8", "119.8 []"},
		{"input.L1-N.voltage: 231\ninput.L2-N.voltage: 224\ninput.L3-N.voltage: 229\ninput.L1-L2.voltage: 398",
			"224 [L1-N 231 L2-N 224 L3-N 229 L1-L2 398]"},
		{"input.L1.voltage: 231\ninput.L2.voltage: 224", "224 [L1-N 231 L2-N 224]"},
		{"input.voltage: 230\ninput.L1-N.voltage: 231", "230 [L1-N 231]"},
		{"input.L1-L2.voltage: 398", "none [L1-L2 398]"},
		{"input.voltage: n/a", "none []"},
	} {
		p := body(vars(c.dump))
		volts := "none"
		if p.InputVolts != nil {
			volts = fmt.Sprint(*p.InputVolts)
		}
		var each []string
		for _, v := range p.InputPhases {
			each = append(each, fmt.Sprint(v.Phase, " ", v.Volts))
		}
		if got := fmt.Sprint(volts, " ", each); got != c.want {
			t.Errorf("%q: %s, want %s", c.dump, got, c.want)
		}
	}
	if p := body(vars("output.L1.power.percent: 20\noutput.L2.power.percent: 61")); p.GetLoadPercent() != 61 {
		t.Errorf("%v", p)
	}
}

// TestCase reads the dump that was found to be read wrongly, where it is.
func TestCase(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/findings/cases/nut-01.dev")
	if err != nil {
		t.Skip("the cases are not here")
	}
	if p := body(vars(string(text))); p.GetInputVolts() != 224 || len(p.InputPhases) != 3 {
		t.Errorf("%v", p)
	}
}

// TestContactLostOnBattery: a UPS that was last on its battery and cannot be reached is an alarm, once, also when the
// agent has restarted meanwhile; and it is over when it is reached.
func TestContactLostOnBattery(t *testing.T) {
	ctx := context.Background()
	sink := drivertest.NewSink()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	start := func() *ups {
		u := &ups{Config: *settings("").(*Config)}
		if err := u.restore(ctx, sink); err != nil {
			t.Fatal(err)
		}
		return u
	}
	say := func(u *ups, at time.Time, status string) {
		if err := driver.CommitAny(ctx, sink, u.answer(at, 30, body(map[string]string{"ups.status": status}),
			time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	gone := errors.New("connection refused")
	u := start()
	say(u, at, "OL")
	if err := u.contactLost(ctx, sink, at, gone); !errors.Is(err, gone) || strings.Contains(err.Error(), "battery") {
		t.Errorf("on mains: %v", err)
	}
	say(u, at.Add(time.Minute), "OB DISCHRG")
	for range 2 {
		if err := u.contactLost(ctx, sink, at.Add(4*time.Minute), gone); !errors.Is(err,
			gone) || !strings.Contains(err.Error(), "last seen on battery, 3\u00a0min ago") {
			t.Errorf("on battery: %v", err)
		}
	}
	u = start()
	if err := u.contactLost(ctx, sink, at.Add(3*time.Hour), gone); !strings.Contains(err.Error(),
		"last seen on battery, 2\u00a0h\u00a059 ago") {
		t.Errorf("after a restart: %v", err)
	}
	u = start()
	say(u, at.Add(4*time.Hour), "OL CHRG")
	var got []string
	for _, o := range sink.Of(observation.Kind_KIND_DEVICE_CONDITION) {
		c := o.Body.GetDeviceCondition()
		got = append(got, fmt.Sprintf("%s %v %s", c.Condition, !c.Cleared, o.Class.Name()))
	}
	want := "on-battery true event, contact-lost true alarm, contact-lost false event, on-battery false event"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// TestRefusedConditions: an alarm that the journal refused is reported when the UPS says it again, once.
func TestRefusedConditions(t *testing.T) {
	ctx := t.Context()
	journal := drivertest.NewSink()
	u := &ups{Config: *settings("").(*Config)}
	sink := rollbackSink{journal, u}
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	connect := func(status string) error {
		if err := u.restore(ctx, sink); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
		return driver.CommitAny(ctx, sink, u.answer(at, 30, body(map[string]string{"ups.status": status}), time.Hour))
	}
	if err := connect("OL"); err != nil {
		t.Fatal(err)
	}
	journal.Refuse(true)
	if connect("OL OVER") == nil {
		t.Fatal("the journal took it")
	}
	journal.Refuse(false)
	for range 2 {
		if err := connect("OL OVER"); err != nil {
			t.Fatal(err)
		}
	}
	conditions := journal.Of(observation.Kind_KIND_DEVICE_CONDITION)
	if len(conditions) != 1 || conditions[0].Class != observation.Class_CLASS_ALARM {
		t.Errorf("%v", conditions)
	}
	if rows := journal.Of(observation.Kind_KIND_SITE_POWER); len(rows) != 2 || rows[1].Class != observation.Class_CLASS_EVENT {
		t.Errorf("%v", rows)
	}
}

// TestUnreachable runs the driver against an address where nobody listens, after a UPS on battery was journalled.
func TestUnreachable(t *testing.T) {
	links, err := transport.NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Spec.New(settings(drivertest.FreeAddress(t)), driver.Env{Device: "ups", Links: links})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.SitePower{Status: "OB DISCHRG"})
	if _, err := sink.Commit(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	err = d.Run(context.Background(), sink)
	all := sink.Of(observation.Kind_KIND_DEVICE_CONDITION)
	if err == nil || !strings.Contains(err.Error(),
		"last seen on battery") || len(all) != 1 || all[0].Class != observation.Class_CLASS_ALARM {
		t.Errorf("%v, %v", err, all)
	}
}

func TestStatusInWords(t *testing.T) {
	for status, want := range map[string]string{
		"OL": "on mains", "OL CHRG": "on mains, charging", "OB DISCHRG": "on battery",
		"OB LB DISCHRG": "on battery, nearly empty",
		"OB LB FSD":     "shutting down", "OL BYPASS": "on bypass", "OFF": "output off", "XYZ": "XYZ", "": "",
	} {
		if got := inWords(status).English(); got != want {
			t.Errorf("%q: %q, expected %q", status, got, want)
		}
	}
}
