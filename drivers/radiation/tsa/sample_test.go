package tsa

import (
	"testing"
	"time"

	"lanewarden/drivers/driver"
)

// strip keeps live samples.
type strip struct {
	discard
	samples []driver.Sample
}

func (s *strip) Live(one driver.Sample) { s.samples = append(s.samples, one) }

// A sample says over how long it was counted, so that a background and a vehicle can be drawn on one axis.
func TestSampleIntervals(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"GB,000300,000301,000299,000300": time.Second,
		"GS,000060,000061,000059,000060": 200 * time.Millisecond,
		"GA,000160,000161,000159,000160": 200 * time.Millisecond,
		"NB,000001,000000,000002,000001": time.Second,
		"NS,000001,000000,000002,000001": time.Second,
	} {
		t.Run(text[:2], func(t *testing.T) {
			sink := &strip{}
			s := newSession(sink, alarmRule{nSigma: 7, intervals: 5}, 10*time.Second)
			s.live, s.at = true, time.Unix(1, 0)
			if !s.handleLine([]byte(text), 0) {
				t.Fatalf("%q was not understood", text)
			}
			if len(sink.samples) != 1 || sink.samples[0].Interval != want {
				t.Errorf("%+v, expected one over %s", sink.samples, want)
			}
		})
	}
}
