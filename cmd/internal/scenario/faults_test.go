package scenario

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/identifier"
)

// TestClock: a clock is off, drifts and is set, each in the direction that its sign says.
func TestClock(t *testing.T) {
	for name, c := range map[string]struct {
		clock clock
		after time.Duration
		want  time.Duration // ahead
	}{
		"right":         {clock{}, 5 * time.Hour, 0},
		"ahead":         {clock{ahead: time.Minute}, time.Hour, time.Minute},
		"8.6 s a day":   {clock{ppm: 100}, 24 * time.Hour, 8640 * time.Millisecond},
		"slow":          {clock{ahead: -time.Minute, ppm: -100}, 24 * time.Hour, -time.Minute - 8640*time.Millisecond},
		"before a step": {clock{step: 3 * time.Minute, stepAt: Begin.Add(time.Hour)}, 59 * time.Minute, 0},
		"after a step":  {clock{step: -3 * time.Minute, stepAt: Begin.Add(time.Hour)}, time.Hour, -3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			at := Begin.Add(c.after)
			if got := c.clock.show(at, Begin).Sub(at); got != c.want {
				t.Errorf("ahead %v, want %v", got, c.want)
			}
		})
	}
}

// TestBurst: what is kept is sent with the next burst, never earlier.
func TestBurst(t *testing.T) {
	b := burst{10 * time.Minute, Begin.Add(3 * time.Minute)}
	for after, want := range map[time.Duration]time.Duration{
		0: 3 * time.Minute, 3 * time.Minute: 3 * time.Minute, 3*time.Minute + 1: 13 * time.Minute,
		22 * time.Minute: 23 * time.Minute,
	} {
		if got := b.next(Begin.Add(after)).Sub(Begin); got != want {
			t.Errorf("%v: sent after %v, want %v", after, got, want)
		}
	}
}

// TestBursts: a device that keeps its reports is heard of at few moments, each its interval after the one before.
func TestBursts(t *testing.T) {
	moments := map[time.Time]int{}
	n := 0
	for _, told := range Make(load(t, "bursts"), 2).Told {
		if told.Obs.Device == "lpr-2" {
			moments[told.At]++
			n++
			if wait := time.Duration(told.Obs.Body.AgentDelayNs); wait > 13*time.Minute || told.Obs.Body.DeviceTimeNs == 0 {
				t.Fatalf("kept for %v, device's time %d", wait, told.Obs.Body.DeviceTimeNs)
			}
		}
	}
	if n < 500 || len(moments) > 24*6+1 {
		t.Errorf("%d reports at %d moments", n, len(moments))
	}
}

// TestMisreadCode: exactly one character is wrong, and it is of the right sort.
func TestMisreadCode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for range 1000 {
		const code = "CSQU3054383"
		got := misreadCode(rng, code)
		wrong := 0
		for i := range code {
			if code[i] != got[i] {
				wrong++
				if (code[i] >= 'A') != (got[i] >= 'A') {
					t.Fatalf("%s: a letter for a digit, or the reverse", got)
				}
			}
		}
		if wrong != 1 {
			t.Fatalf("%s: %d characters are wrong", got, wrong)
		}
		if r, err := identifier.ParseContainer(got); err != nil || r.Check == identifier.CheckWrong {
			failed++
		}
	}
	if failed < 900 {
		t.Errorf("the check digit shows %d of 1000", failed)
	}
}

// TestPort: chassis carry one container or two, both places read each, and some reads are wrong.
func TestPort(t *testing.T) {
	d := Make(load(t, "port"), 5)
	loaded, twins, codes, wrong := 0, 0, 0, 0
	for _, v := range d.Vehicles {
		if v.Plate != "" {
			t.Fatal("a vehicle with a plate")
		}
		if len(v.Containers) > 0 {
			loaded++
		}
		if len(v.Containers) > 1 {
			twins++
		}
	}
	for _, told := range d.Told {
		if c := told.Obs.Body.GetVehicleCode(); c != nil {
			codes++
			if !strings.Contains(strings.Join(d.Vehicles[told.Vehicle].Containers, " "), c.Value) || c.CheckFailed {
				wrong++
			}
		}
	}
	if share := float64(twins) / float64(loaded); loaded < 600 || share < 0.1 || share > 0.2 {
		t.Errorf("%d of %d loaded chassis carry two containers", twins, loaded)
	}
	if share := float64(wrong) / float64(codes); codes < 1200 || share < 0.015 || share > 0.05 {
		t.Errorf("%d of %d container numbers are read wrongly", wrong, codes)
	}
}
