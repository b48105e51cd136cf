package scenario

import (
	"flag"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	firmwareconfig "lanewarden/firmware-config"
)

// Flags of the benchmark; `make scenarios` sets them from SEED, SCENARIO and DAYS.
var (
	wrong    = flag.Bool("wrong", false, "list what is in the wrong passage, with the reason")
	seed     = flag.Uint64("seed", 1, "seed of the first day; each further day has the next")
	only     = flag.String("scenario", "", "one scenario, by name or by a file's path; all that are built in by default")
	downDays = flag.Int("week", 1, "how many days the joint post is without a link; make scenarios has seven")
	ndays    = flag.Int("days", 0, "days of each scenario; by default as many as make some 3,000 vehicles")
)

// usualVehicles is how many make a run by default.
const usualVehicles = 3000

func load(t testing.TB, name string) *Scenario {
	var ref driver.Ref[Scenario]
	if err := firmwareconfig.LoadDocument(&ref, firmwareconfig.Scenarios, name); err != nil {
		t.Fatal(err)
	}
	return ref.Value
}

// days judges days of a scenario.
func days(t testing.TB, name string, first, n uint64) *Score {
	s := load(t, name)
	sum := newScore()
	for seed := first; seed < first+n; seed++ {
		one := Judge(s, Make(s, seed))
		sum.Add(one)
		if *wrong {
			for _, w := range one.Wrong {
				fmt.Println(w)
			}
		}
	}
	return sum
}

// TestDays holds the share of readings in the right passage for some seeds; `make scenarios` has more.
func TestDays(t *testing.T) {
	for name, least := range map[string]float64{
		"busy-lane": 0.995, "remote-post": 0.98, "rail": 0.99, "two-lanes": 0.99, "port": 0.99,
	} {
		t.Run(name, func(t *testing.T) {
			sum := days(t, name, 7, 1)
			t.Log(sum.Report())
			if got := sum.Total.Readings.Share(); got < least {
				t.Errorf("%.2f %% are in the right passage", 100*got)
			}
		})
	}
}

// TestSeeds: the same seed gives the same day of each scenario, another one another.
func TestSeeds(t *testing.T) {
	for name, s := range builtins(t) {
		t.Run(name, func(t *testing.T) {
			s.Vehicles = min(s.Vehicles, 100)
			if a, b, c := Make(s, 7), Make(s, 7), Make(s, 8); !sameDay(a, b) || sameDay(a, c) {
				t.Error("seeds do not make the day")
			}
		})
	}
}

func sameDay(a, b *Day) bool {
	if len(a.Told) != len(b.Told) || !reflect.DeepEqual(a.Vehicles, b.Vehicles) {
		return false
	}
	for i, x := range a.Told {
		y := b.Told[i]
		if !proto.Equal(x.Obs, y.Obs) || !x.At.Equal(y.At) || x.Vehicle != y.Vehicle || x.Case != y.Case {
			return false
		}
	}
	return true
}

// BenchmarkScenarios judges days of one scenario or of all, and prints the tables.
func BenchmarkScenarios(b *testing.B) {
	names := []string{*only}
	if *only == "" {
		names = firmwareconfig.Builtin(firmwareconfig.Scenarios)
	}
	for _, name := range names {
		n := uint64(*ndays)
		if n == 0 {
			n = uint64(max(1, usualVehicles/load(b, name).Vehicles))
		}
		sum := days(b, name, *seed, n)
		decided := decidedDays(b, name, *seed, n)
		fmt.Printf("\n## %s: days %d, seeds %d to %d\n\n%s%s", name, n, *seed, *seed+n-1, sum.Report(), decided)
	}
}
