package clock

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// TestReceivers: what gpsd says, second by second, and what a technician is told.
func TestReceivers(t *testing.T) {
	fix := func(second int, off time.Duration) string {
		return fmt.Sprintf(`{"class":"TPV","mode":3,"time":%q}`,
			begin.Add(time.Duration(second)*time.Second+off).Format(time.RFC3339Nano))
	}
	const weeks1024 = 1024 * week
	type said struct {
		second int
		text   string
	}
	for _, c := range []struct {
		name  string
		input []said
		until int // s
		want  string
		about string // at the end
	}{
		{"no receiver", []said{{0, `{"class":"DEVICES","devices":[]}`}}, 20, "gps-no-receiver", "gpsd has no receiver"},
		{"a receiver that comes late", []said{{0, `{"class":"DEVICES","devices":[]}`}, {5,
			`{"class":"DEVICE","path":"/dev/ttyACM0","activated":"2026-11-25T12:00:05Z"}`}, {6, fix(6, 0)}}, 20, "",
			"GPS fix 3d"},
		{"unplugged", []said{{0,
			`{"class":"DEVICES","devices":[{"path":"/dev/ttyACM0","activated":"2026-11-25T12:00:00Z"}]}`}, {1,
			fix(1, 0)}, {2, `{"class":"DEVICE","path":"/dev/ttyACM0","activated":0}`}}, 20,
			"gps-no-receiver", "gpsd has no receiver"},
		{"mute", []said{{0, `{"class":"DEVICES","devices":[{"path":"/dev/ttyS0"}]}`}}, 80, "gps-no-fix",
			"the GPS receiver says nothing"},
		{"mode 0 only", []said{{0, `{"class":"DEVICES","devices":[{"path":"/dev/ttyS0"}]}`}, {1,
			`{"class":"TPV","mode":0}`}}, 80, "gps-no-fix", "the GPS receiver says nothing"},
		{"mode 1 only", []said{{0, `{"class":"TPV","mode":1}`}, {10, `{"class":"TPV","mode":1}`}, {20,
			`{"class":"TPV","mode":1}`}, {30, `{"class":"TPV","mode":1}`}, {40, `{"class":"TPV","mode":1}`},
			{50, `{"class":"TPV","mode":1}`}, {60, `{"class":"TPV","mode":1}`}}, 65, "gps-no-fix", "GPS without fix"},
		{"a fix grows old", []said{{0, fix(0, 0)}}, 80, "gps-no-fix", "the GPS receiver says nothing"},
		{"no TPV ever, no list", nil, 80, "gps-no-fix", "the GPS receiver says nothing"},
		{"1,024 weeks behind", []said{{0, fix(0, -weeks1024)}}, 5,
			"gps-week-rollover: GPS time is 1,024 weeks (19.6 years) behind", "GPS week number has run over"},
		{"2,048 weeks behind, and leap seconds", []said{{0, fix(0, -2*weeks1024+18*time.Second)}}, 5,
			"gps-week-rollover: GPS time is 2,048 weeks (39.2 years) behind", "GPS week number has run over"},
		{"1,024 weeks ahead", []said{{0, fix(0, weeks1024)}}, 5,
			"gps-week-rollover: GPS time is 1,024 weeks (19.6 years) ahead of", ""},
		{"a week behind", []said{{0, fix(0, -week)}}, 5, "gps-offset: GPS time is not the clock's", ""},
		{"leap seconds", []said{{0, fix(0, 17500*time.Millisecond)}}, 5,
			"gps-offset: GPS time is about 18\u00a0s ahead", ""},
		{"right", []said{{0, fix(0, -300*time.Millisecond)}}, 5, "", "GPS fix 3d"},
	} {
		w := watch{Config: Config{GPSD: "x", Report: time.Hour, Error: 500 * time.Millisecond, Patient: time.Minute}}
		var got []string
		good := kernelState{synchronised: true}
		for second := 0; second <= c.until; second++ {
			at := begin.Add(time.Duration(second) * time.Second)
			for _, s := range c.input {
				if s.second == second {
					w.feed(at, []byte(s.text+"\n"))
				}
			}
			for _, o := range w.report(at, good) {
				if d := o.Body.GetDeviceCondition(); d != nil {
					got = append(got, d.Condition+": "+d.Text)
				}
			}
		}
		if len(got) > 1 || (c.want == "") != (len(got) == 0) || len(got) == 1 && !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
		if about := w.about(begin, good); !strings.Contains(about.English(), c.about) {
			t.Errorf("%s: %q, want %s", c.name, about, c.about)
		}
	}
}

func TestReceiversAreListed(t *testing.T) {
	w := watch{Config: Config{GPSD: "x", Error: time.Second}}
	w.feed(begin,
		[]byte(`{"class":"DEVICES","devices":[{"path":"/dev/ttyACM0"},{"path":"/dev/pps0"}]}`+
			"\n"+`{"class":"ERROR","message":"bad"}`+"\n"))
	all := w.report(begin, kernelState{})
	if c := all[len(all)-1].Body.GetSiteClock(); fmt.Sprint(c.GetGpsReceivers()) != "[/dev/ttyACM0 /dev/pps0]" {
		t.Errorf("%v", c)
	}
	if w.faults.Total != 1 {
		t.Error("gpsd's own error is no fault")
	}
	if o := observation.Class_CLASS_TELEMETRY; all[len(all)-1].Class != o {
		t.Error("class")
	}
}
