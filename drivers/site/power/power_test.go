package power

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
)

func settings(address string) any {
	return &Config{Address: address, UPS: "lane", Poll: 200 * time.Millisecond, Report: time.Hour, Low: 30}
}

const answer = "BEGIN LIST VAR lane\nVAR lane ups.status \"OL CHRG\"\nVAR lane battery.charge \"85\"\nVAR lane " +
	"battery.runtime \"1200\"\nVAR lane ups.model \"Smart \\\"X\\\"\"\nEND LIST VAR lane\n"

func TestConforms(t *testing.T) {
	drivertest.Stream{Spec: Spec, Settings: settings,
		Input: []byte(answer + strings.Replace(answer, "OL CHRG", "OB DISCHRG", 1)), Cut: len(answer) - 30,
		Normal: func(o *observation.Observation) {
			if c := o.Body.GetDeviceCondition(); c.GetCondition() == contactLost {
				c.Text = "" // it has a time
			}
		}}.Run(t)
}

func TestStates(t *testing.T) {
	s := session{ups: &ups{Config: *settings("").(*Config)}, vars: map[string]string{}}
	at := time.Unix(1000, 0)
	say := func(status, charge string) (out []string) {
		at = at.Add(time.Second)
		for _, o := range s.Feed(at,
			[]byte("BEGIN LIST VAR lane\nVAR lane ups.status \""+status+"\"\nVAR lane battery.charge \""+
				charge+"\"\nEND LIST VAR lane\n")) {
			if c := o.Body.GetDeviceCondition(); c != nil {
				out = append(out, fmt.Sprint(c.Condition, " ", c.Cleared))
			} else {
				out = append(out, o.Class.Name())
			}
		}
		return out
	}
	for i, c := range []struct{ status, charge, want string }{
		{"OL", "100", "[event]"}, {"OL", "100", "[]"}, {"OB DISCHRG", "80", "[on-battery false event]"},
		{"OB DISCHRG", "20", "[low-battery false]"},
		{"OL CHRG", "25", "[on-battery true low-battery true event]"},
		{"OL RB", "100", "[replace-battery false event]"},
	} {
		if got := fmt.Sprint(say(c.status, c.charge)); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	s.Feed(at, []byte("ERR DATA-STALE\n"))
	if err := s.talk(nil); err == nil || !strings.Contains(err.Error(), "its driver has lost the UPS") {
		t.Error(err)
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte("ERR X\nVAR lane \"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := session{ups: &ups{Config: *settings("").(*Config)}, vars: map[string]string{}}
		for i := 0; i < len(data); i += 11 {
			s.Feed(time.Unix(int64(i), 0), data[i:min(i+11, len(data))])
		}
		if len(s.buf) > maxLine {
			t.Error("too much is kept")
		}
	})
}

// TestNUT asks Debian's upsd, with dummy-ups as the UPS: mains fail and come back.
func TestNUT(t *testing.T) {
	upsd, driverBin := "/lib/nut/upsd", "/lib/nut/dummy-ups"
	peer.Need(t, peer.NUT)
	if os.Getuid() != 0 {
		t.Skip("upsd must be started by root")
	}
	_, port, _ := net.SplitHostPort(drivertest.FreeAddress(t))
	dir := t.TempDir()
	state := func(status, charge string) {
		text := "ups.status: " + status + "\nbattery.charge: " + charge +
			"\nbattery.runtime: 1800\nups.mfr: Maker\nups.model: Lane\n"
		if err := os.WriteFile(filepath.Join(dir, "lane.new"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "lane.new"), filepath.Join(dir, "lane.dev")); err != nil {
			t.Fatal(err)
		}
	}
	state("OL", "100")
	for name, text := range map[string]string{
		"ups.conf":  "[lane]\n driver = dummy-ups\n port = lane.dev\n mode = dummy-once\n desc = \"test\"\n",
		"upsd.conf": "LISTEN 127.0.0.1 " + port + "\nMAXAGE 60\n", "upsd.users": "", "nut.conf": "MODE=standalone\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "NUT_CONFPATH="+dir, "NUT_STATEPATH="+dir, "NUT_ALTPIDPATH="+dir)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // machines are slow at times
	defer cancel()
	start := func(name string, args ...string) {
		c := exec.Command(name, args...)
		c.Env = env
		ctx = peer.Start(ctx, t, c)
	}
	start(driverBin, "-a", "lane", "-u", "root", "-D")
	start(upsd, "-u", "root", "-D")
	_, sink, stop := drivertest.Supervise(ctx, t, Spec, settings("127.0.0.1:"+port))
	defer stop()
	powers := func() []*observation.Observation { return sink.Of(observation.Kind_KIND_SITE_POWER) }
	var first *observation.SitePower
	if !sink.Wait(ctx, func() bool { // upsd may say WAIT before it has heard of its driver
		for _, o := range powers() {
			if p := o.Body.GetSitePower(); p.Status == "OL" {
				first = p
			}
		}
		return first != nil
	}) {
		t.Fatalf("upsd did not say OL: %v", powers())
	}
	if first.GetChargePercent() != 100 || first.Model != "Maker Lane" {
		t.Errorf("%v", first)
	}
	state("OB DISCHRG", "60")
	if !sink.Wait(ctx, func() bool { return len(sink.Of(observation.Kind_KIND_DEVICE_CONDITION)) > 0 }) {
		t.Fatal("mains failed, and nothing was said")
	}
	if c := sink.Of(observation.Kind_KIND_DEVICE_CONDITION)[0].Body.GetDeviceCondition(); c.Condition != "on-battery" || !strings.Contains(c.Text, "30\u00a0min left") {
		t.Errorf("%v", c)
	}
}
