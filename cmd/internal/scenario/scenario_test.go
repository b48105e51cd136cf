package scenario

import (
	"os"
	"testing"

	"lanewarden/drivers/driver"
	firmwareconfig "lanewarden/firmware-config"
)

func load(t testing.TB, name string) *Scenario {
	var ref driver.Ref[Scenario]
	if err := firmwareconfig.LoadDocument(&ref, firmwareconfig.Scenarios, name); err != nil {
		t.Fatal(err)
	}
	return ref.Value
}

func TestDays(t *testing.T) {
	for _, name := range firmwareconfig.Builtin(firmwareconfig.Scenarios) {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			sum := &Score{Cases: map[string]*Tally{}}
			vehicles := 0
			for seed := range 3 {
				d := Make(s, uint64(seed))
				vehicles += len(d.Vehicles)
				one := Judge(s, d)
				sum.Add(one)
				if os.Getenv("WRONG") != "" {
					for _, w := range one.Wrong {
						t.Log(w)
					}
				}
			}
			t.Logf("%d passages of %d vehicles\n%s", sum.Passages, vehicles, sum.Table())
		})
	}
}
