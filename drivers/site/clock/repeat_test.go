package clock

import (
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// TestRepeats plays recorded messages of gpsd again and again.
func TestRepeats(t *testing.T) {
	messages := []string{
		`{"class":"DEVICES","devices":[{"path":"/dev/ttyACM1"},{"path":"/dev/ttyACM0"}]}`,
		`{"class":"TPV","mode":3,"time":"2007-04-11T12:00:01Z"}`,
		`{"class":"SKY","satellites":[{"used":true},{"used":false}]}`, `nonsense`,
		`{"class":"DEVICE","path":"/dev/ttyACM1","activated":0}`, `{"class":"DEVICE","path":"/dev/ttyACM0"}`, ``, ``,
	}
	drivertest.Repeat(t, func() (out []*observation.Observation) {
		w := watch{Config: Config{GPSD: "x", Report: time.Second, Error: time.Second, Patient: time.Second}}
		for i, m := range messages {
			at := begin.Add(time.Duration(10*i) * time.Second)
			w.feed(at, []byte(m+"\n"))
			out = append(append(out, w.report(at, kernelState{synchronised: i%2 == 0, errorMs: 2000})...),
				w.faults.Take()...)
		}
		return out
	})
}
