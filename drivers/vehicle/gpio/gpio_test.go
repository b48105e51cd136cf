package gpio

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"pgregory.net/rapid"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// lane is two loops two metres apart, each 1.8 m long.
func lane() *tracker {
	in := func(name string) Input {
		return Input{Name: name, Debounce: 20 * time.Millisecond, StuckAfter: 5 * time.Minute}
	}
	return newTracker([]Input{in("a"), in("b"), in("single"),
		{Name: "button", Button: true, Debounce: 20 * time.Millisecond}},
		[]Pair{{Name: "entry", First: "a", Second: "b", DistanceM: 2, LoopM: 1.8, Within: 5 * time.Second}})
}

// play runs levels at times, in ms: "a+" is on, "a-" off; between them time passes in steps of 10 ms.
func play(t *tracker, until int, events map[int][]string) (out []*observation.Observation) {
	for ms := 0; ms <= until; ms += 10 {
		at := begin.Add(time.Duration(ms) * time.Millisecond)
		for _, e := range events[ms] {
			out = append(out, t.edge(at, e[:len(e)-1], e[len(e)-1] == '+')...)
		}
		out = append(out, t.tick(at)...)
	}
	return out
}

func TestPairs(t *testing.T) {
	// 2 m/s: a vehicle of 6 m is over a loop of 1.8 m for 3.9 s, and reaches the second loop after 1 s.
	for name, c := range map[string]struct {
		events map[int][]string
		want   []string // direction, or "back"
	}{
		"forward": {map[int][]string{1000: {"a+"}, 2000: {"b+"}, 4900: {"a-"}, 5900: {"b-"}}, []string{"forward"}},
		"reverse": {map[int][]string{1000: {"b+"}, 2000: {"a+"}, 4900: {"b-"}, 5900: {"a-"}}, []string{"reverse"}},
		"tailgating": {map[int][]string{1000: {"a+"}, 2000: {"b+"}, 4900: {"a-"}, 5400: {"a+"},
			5900: {"b-"}, 6400: {"b+"}, 9300: {"a-"}, 10300: {"b-"}}, []string{"forward", "forward"}},
		"turns back": {map[int][]string{1000: {"a+"}, 2000: {"b+"}, 3000: {"b-"}, 4000: {"a-"}}, []string{"back"}},
		"first only": {map[int][]string{1000: {"a+"}, 2000: {"a-"}}, []string{""}},
		"bounces": {map[int][]string{1000: {"a+", "a-", "a+"}, 1010: {"a-", "a+"}, 2000: {"b+"},
			4900: {"a-"}, 5900: {"b-", "b+", "b-"}}, []string{"forward"}},
		"a spike": {map[int][]string{1000: {"a+"}, 1010: {"a-"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			all := play(lane(), 20000, c.events)
			if len(all) != len(c.want) {
				t.Fatalf("%d detections: %v", len(all), all)
			}
			for i, o := range all {
				d := o.Body.GetVehicleDetection()
				got := d.Direction
				if d.TurnedBack {
					got = "back"
				}
				if got != c.want[i] || d.Station != "entry" {
					t.Errorf("%v, want %q", d, c.want[i])
				}
				if (got == "forward" || got == "reverse") &&
					(math.Abs(float64(d.SpeedKph)-7.2) > 0.2 || math.Abs(float64(d.LengthM)-6) > 0.3) {
					t.Errorf("%v, want 7.2 km/h and 6 m", d)
				}
			}
		})
	}
}

func conditions(all []*observation.Observation) (out []string) {
	for _, o := range all {
		if c := o.Body.GetDeviceCondition(); c != nil {
			text := c.Condition + " " + c.Subject
			if c.Cleared {
				text += " over"
			}
			out = append(out, text)
		}
	}
	return out
}

func TestStuckAndChattering(t *testing.T) {
	all := play(lane(), 400_000, map[int][]string{1000: {"single+"}, 390_000: {"single-"}})
	if got := conditions(all); len(got) != 2 || got[0] != "stuck single" || got[1] != "stuck single over" {
		t.Errorf("%v", got)
	}
	events := map[int][]string{}
	for ms := 1000; ms < 3000; ms += 10 {
		events[ms] = []string{"single+", "single-"}
	}
	all = play(lane(), 20_000, events)
	if got := conditions(all); len(got) != 2 || got[0] != "chattering single" || got[1] != "chattering single over" {
		t.Errorf("%v", got)
	}
	all = play(lane(), 3000, map[int][]string{1000: {"button+"}, 1500: {"button-"}, 2000: {"single+"},
		2500: {"single-"}})
	if len(all) != 2 || all[0].Body.GetDeviceReading().Message != "button" || all[1].Body.GetVehicleDetection().
		Station != "single" {
		t.Errorf("%v", all)
	}
}

// Whatever the pins do, the tracker keeps little and every detection ends after it begins.
func TestAnyEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := lane()
		at := begin
		names := []string{"a", "b", "single", "button"}
		for range rapid.IntRange(1, 300).Draw(t, "edges") {
			at = at.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			obs := tr.edge(at, rapid.SampledFrom(names).Draw(t, "input"), rapid.Bool().Draw(t, "on"))
			for _, o := range append(obs, tr.tick(at)...) {
				if d := o.Body.GetVehicleDetection(); d != nil &&
					(d.EndNs < d.StartNs || d.SpeedKph < 0 || math.IsInf(float64(d.SpeedKph), 0)) {
					t.Fatalf("%v", d)
				}
			}
		}
	})
}

func TestBoard(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	pins := map[string]*gpiotest.Pin{}
	for _, n := range []string{"P1", "P2", "P3"} {
		pins[n] = &gpiotest.Pin{N: n, EdgesChan: make(chan gpio.Level, 16)}
	}
	b := &board{
		Config: Config{
			Inputs: []Input{{Name: "a", Pin: "P1", Pull: "down", Debounce: time.Millisecond},
				{Name: "b", Pin: "P2", Pull: "down", Debounce: time.Millisecond}},
			Pairs: []Pair{{Name: "entry", First: "a", Second: "b", DistanceM: 2, LoopM: 1.8,
				Within: 10 * time.Second}},
			Outputs: []Output{{Name: "barrier", Pin: "P3", Safe: "off"}},
		},
		Commands: driver.NewCommands(),
		pin: func(name string) (gpio.PinIO, error) {
			if p := pins[name]; p != nil {
				return p, nil
			}
			return nil, errors.New("no such pin")
		},
	}
	pins["P3"].L = gpio.High
	sink := drivertest.NewSink()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, sink) }()
	patience, give := context.WithTimeout(context.Background(), 20*time.Second)
	defer give()
	if !sink.Wait(patience, func() bool {
		return len(sink.Of(observation.Kind_KIND_LANE_OUTPUT)) == 1
	}) || pins["P3"].Read() != gpio.Low {
		t.Fatal("the barrier was not set to its safe state")
	}
	time.Sleep(300 * time.Millisecond) // the inputs are read
	for _, e := range []struct {
		pin string
		l   gpio.Level
	}{{"P1", gpio.High}, {"P2", gpio.High}, {"P1", gpio.Low}, {"P2", gpio.Low}} {
		pins[e.pin].EdgesChan <- e.l
		// the pins are watched side by side: on a slow machine one must not overtake the other
		time.Sleep(700 * time.Millisecond)
	}
	if !sink.Wait(patience, func() bool { return len(sink.Of(observation.Kind_KIND_VEHICLE_DETECTION)) == 1 }) {
		t.Fatalf("no vehicle: %v", sink.Observations())
	}
	if d := sink.Of(observation.Kind_KIND_VEHICLE_DETECTION)[0].Body.GetVehicleDetection(); d.Direction != "forward" {
		t.Errorf("%v", d)
	}
	if err := b.Command(ctx, "barrier", "on", "officer"); err != nil || pins["P3"].Read() != gpio.High {
		t.Errorf("%v", err)
	}
	if err := b.Command(ctx, "gate", "on", "x"); err == nil ||
		!strings.Contains(err.Error(), "no output “gate”; there is barrier") {
		t.Error(err)
	}
	cancel()
	<-done
	if pins["P3"].Read() != gpio.Low {
		t.Error("the barrier is not in its safe state after the end")
	}
}

func TestCheck(t *testing.T) {
	for want, c := range map[string]Config{
		"neither inputs": {},
		"is used by":     {Inputs: []Input{{Name: "a", Pin: "P1"}}, Outputs: []Output{{Name: "b", Pin: "P1"}}},
		"is given twice": {Inputs: []Input{{Name: "a", Pin: "P1"}, {Name: "a", Pin: "P2"}}},
		"is no loop": {Inputs: []Input{{Name: "a", Pin: "P1"}},
			Pairs: []Pair{{Name: "p", First: "a", Second: "c"}}},
		"are the same input": {Inputs: []Input{{Name: "a", Pin: "P1"}},
			Pairs: []Pair{{Name: "p", First: "a", Second: "a"}}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := hostPin("NO_SUCH_PIN"); err == nil || !strings.Contains(err.Error(), "NO_SUCH_PIN") {
		t.Error(err)
	}
}

func FuzzTracker(f *testing.F) {
	f.Add([]byte{1, 10, 5, 20, 0, 30, 4, 40})
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, at := lane(), begin
		names := []string{"a", "b", "single", "button"}
		for i := 0; i+1 < len(data); i += 2 {
			at = at.Add(time.Duration(data[i+1]) * 20 * time.Millisecond)
			tr.edge(at, names[data[i]>>1&3], data[i]&1 != 0)
			tr.tick(at)
		}
	})
}
