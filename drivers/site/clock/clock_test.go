package clock

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

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func texts(all []*observation.Observation) (out []string) {
	for _, o := range all {
		if c := o.Body.GetDeviceCondition(); c != nil {
			out = append(out, fmt.Sprint(c.Condition, " ", c.Cleared))
		}
	}
	return out
}

func TestConditions(t *testing.T) {
	w := watch{Config: Config{GPSD: "x", Report: time.Hour, Error: 500 * time.Millisecond, Patient: time.Minute}}
	var all []*observation.Observation
	step := func(second int, k kernelState, gps string) {
		at := begin.Add(time.Duration(second) * time.Second)
		w.feed(at, []byte(gps))
		all = append(all, w.report(at, k)...)
	}
	good := kernelState{synchronised: true, errorMs: 2}
	fix := func(second int) string {
		return fmt.Sprintf("{\"class\":\"TPV\",\"mode\":3,\"time\":%q}\r\n",
			begin.Add(time.Duration(second)*time.Second).Format(time.RFC3339Nano))
	}
	step(0, good, fix(0)+"{\"class\":\"SKY\",\"satellites\":[{\"used\":true},{\"used\":false},{\"used\":true}]}\n")
	step(10, kernelState{}, fix(10))
	step(40, kernelState{}, fix(40))
	step(71, kernelState{}, fix(71))
	step(72, good, fix(72))
	step(73, kernelState{synchronised: true, errorMs: 900}, fix(73))
	step(74, good, fix(94))
	step(75, good, fix(75))
	step(76, good, "{\"class\":\"TPV\",\"mode\":1}\n")
	step(140, good, "{\"class\":\"TPV\",\"mode\":1}\n")
	want := []string{"unsynchronised false", "unsynchronised true", "clock-error false", "clock-error true",
		"gps-offset false", "gps-offset true", "gps-no-fix false"}
	if got := texts(all); strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("%v, want %v", got, want)
	}
	for _, o := range all {
		if c := o.Body.GetSiteClock(); c != nil && (c.Satellites != 2 || c.GpsMode != "3d" || !c.Synchronised) {
			t.Errorf("%v", c)
		}
	}
}

func TestKernel(t *testing.T) {
	if _, err := adjtimex(); err != nil {
		t.Error(err)
	}
	run(t.Context(), t, &Config{Report: time.Second, Error: time.Second, Patient: time.Hour},
		func(s *drivertest.Sink) bool {
			return len(s.Of(observation.Kind_KIND_SITE_CLOCK)) > 0
		})
}

func run(ctx context.Context, t *testing.T, c *Config, until func(*drivertest.Sink) bool) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute) // machines are slow at times
	defer cancel()
	_, sink, stop := drivertest.Supervise(ctx, t, Spec, c)
	defer stop()
	if !sink.Wait(ctx, func() bool { return until(sink) }) {
		t.Fatalf("waited in vain: %v", sink.Observations())
	}
}

// TestGpsfake listens to Debian's gpsd, fed by gpsfake with sentences that we write.
func TestGpsfake(t *testing.T) {
	peer.Need(t, peer.Gpsfake)
	_, port, _ := net.SplitHostPort(drivertest.FreeAddress(t))
	var log strings.Builder
	for i := range 30 {
		for _, s := range []string{
			fmt.Sprintf("GPGGA,12%02d%02d.00,4217.0000,N,08304.0000,W,1,08,1.0,180.0,M,-34.0,M,,", i/60, i%60),
			fmt.Sprintf("GPRMC,12%02d%02d.00,A,4217.0000,N,08304.0000,W,0.0,0.0,251126,,", i/60, i%60),
			"GPGSA,A,3,01,02,03,04,05,06,07,08,,,,,1.5,1.0,1.1",
		} {
			sum := byte(0)
			for _, c := range []byte(s) {
				sum ^= c
			}
			fmt.Fprintf(&log, "$%s*%02X\r\n", s, sum)
		}
	}
	file := filepath.Join(t.TempDir(), "fix.nmea")
	if err := os.WriteFile(file, []byte(log.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	fake := exec.Command("gpsfake", "-P", port, "-c", "0.1", file)
	fake.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin") // where Debian has gpsd
	ctx := peer.Start(t.Context(), t, fake)
	run(ctx, t, &Config{GPSD: "127.0.0.1:" + port, Report: time.Second, Error: time.Hour, Patient: time.Hour},
		func(s *drivertest.Sink) bool {
			for _, o := range s.Of(observation.Kind_KIND_SITE_CLOCK) {
				if o.Body.GetSiteClock().GpsMode == "3d" {
					return true
				}
			}
			return false
		})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(
		"{\"class\":\"TPV\",\"mode\":3,\"time\":\"2026-11-25T12:00:00Z\"}\n{\"class\":\"SKY\",\"satellites\":[{\"used\":true}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := watch{Config: Config{GPSD: "x", Error: time.Second}}
		for i := 0; i < len(data); i += 13 {
			w.feed(begin, data[i:min(i+13, len(data))])
			w.report(begin, kernelState{})
		}
		if len(w.buf) > maxLine {
			t.Error("too much is kept")
		}
	})
}
