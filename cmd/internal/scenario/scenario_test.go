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

var wrong = flag.Bool("wrong", false, "log what is in the wrong passage")

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
	sum := &Score{Cases: map[string]*Tally{}}
	for seed := first; seed < first+n; seed++ {
		one := Judge(s, Make(s, seed))
		sum.Add(one)
		if *wrong {
			for _, w := range one.Wrong {
				t.Log(w)
			}
		}
	}
	return sum
}

// TestDays holds the share of observations in the right passage for some seeds; BenchmarkScenarios has ten days.
func TestDays(t *testing.T) {
	for name, least := range map[string]float64{"busy-lane": 0.997, "remote-post": 0.99, "rail": 0.97} {
		t.Run(name, func(t *testing.T) {
			sum := days(t, name, 1, 2)
			t.Logf("%d passages\n%s", sum.Passages, sum.Table())
			if sum.Total.Share() < least {
				t.Errorf("%.2f %% are in the right passage", 100*sum.Total.Share())
			}
		})
	}
}

// The same seed gives the same day, another one another.
func TestSeeds(t *testing.T) {
	s := load(t, "remote-post")
	same := func(a, b *Day) bool {
		return len(a.Told) == len(b.Told) && reflect.DeepEqual(len(a.Vehicles), len(b.Vehicles)) && func() bool {
			for i := range a.Told {
				if !proto.Equal(a.Told[i].Obs, b.Told[i].Obs) || a.Told[i].Vehicle != b.Told[i].Vehicle {
					return false
				}
			}
			return true
		}()
	}
	if a, b, c := Make(s, 7), Make(s, 7), Make(s, 8); !same(a, b) || same(a, c) {
		t.Error("seeds do not make the day")
	}
}

// BenchmarkScenarios is ten days: eight of the busy lane, two of the remote post, other seeds each time; and one of the rail portal.
func BenchmarkScenarios(b *testing.B) {
	for i := range b.N {
		first := uint64(i) * 100
		sum := days(b, "busy-lane", first, 8)
		sum.Add(days(b, "remote-post", first, 2))
		b.ReportMetric(100*sum.Total.Share(), "right-percent")
		b.ReportMetric(100*sum.Total.AlarmShare(), "alarms-right-percent")
		rail := days(b, "rail", first, 1)
		if i == 0 {
			fmt.Printf("seeds %d to %d, ten days\n%s\nrail\n%s", first, first+7, sum.Table(), rail.Table())
		}
	}
}
