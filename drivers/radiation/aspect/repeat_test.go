package aspect

import (
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// TestRepeats plays recorded blocks again and again: an occupancy with an alarm, and everything that can be wrong at
// a time.
func TestRepeats(t *testing.T) {
	quiet := Block{GammaStatus: StReady, NeutronStatus: StReady, Gamma: 900, GammaBackground: 900,
		GammaVariance: 900, NeutronBackground: 1}
	loaded := quiet
	loaded.Inputs, loaded.Gamma, loaded.Objects, loaded.GammaStatus = 1|InForward, 5000, 7, StReady|1
	broken := quiet
	broken.Inputs, broken.GammaStatus = InPowerFail|InBattery|InCabinet|InError, StLow|StHigh|StOverload
	bad := make([]uint16, blockLength)
	bad[7], bad[9], bad[14] = 0xffff, 0xffff, 0xffff // three numbers that are none
	drivertest.Repeat(t, func() (out []*observation.Observation) {
		w := watch{Config: Config{Poll: 200 * time.Millisecond, Background: time.Second, NSigma: 7}}
		at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		for _, b := range []Block{quiet, quiet, loaded, loaded, quiet, broken, quiet} {
			at = at.Add(time.Second)
			out = append(out, w.handleBlock(at, b)...)
		}
		_, err := ParseBlock(bad)
		w.faults.Add(at, message.Of(err), 0, nil)
		return append(out, w.faults.Take()...)
	})
}
