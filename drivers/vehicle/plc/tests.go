package plc

import (
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

var tests = []driver.Test{
	{
		ID: "detectors", Title: driver.Words{EN: "Loops and beams", FR: "Boucles et barrières optiques"}, Every: 7 * 24 * time.Hour,
		Steps: func(settings any) (out []driver.Step) {
			for _, p := range settings.(*Config).Profile.Value.Points {
				if !p.Vehicle {
					continue
				}
				out = append(out, driver.Step{
					Do:    driver.Words{EN: fmt.Sprintf("Drive over %s, or hold a metal plate over it, and away again.", p.Name), FR: fmt.Sprintf("Roulez sur %s, ou tenez-y une plaque de métal, puis éloignez-vous.", p.Name)},
					Limit: 3 * time.Minute,
					Judge: driver.WaitFor(p.Name, "no pulse came: loop, amplifier, wire to the input", func(r driver.Row) *observation.TestCheck {
						if d := r.Body.GetVehicleDetection(); d != nil && d.Station == p.Name && d.EndNs != 0 {
							return driver.Passed(p.Name, fmt.Sprintf("on for %.1f s", float64(d.EndNs-d.StartNs)/1e9), r.Idx)
						}
						return nil
					}),
				})
			}
			return out
		},
	},
	{
		ID: "outputs", Title: driver.Words{EN: "Barrier and lights, one cycle", FR: "Barrière et feux, un cycle"}, Every: 7 * 24 * time.Hour,
		Steps: func(settings any) (out []driver.Step) {
			for _, o := range settings.(*Config).Profile.Value.Outputs {
				if o.Table != "coil" {
					continue
				}
				for value, words := range []driver.Words{{EN: "off", FR: "éteint ou fermé"}, {EN: "on", FR: "allumé ou ouvert"}, {EN: "off", FR: "éteint ou fermé"}} {
					out = append(out, driver.Step{
						Do:  driver.Words{EN: fmt.Sprintf("Stand clear. %s is set to %s.", o.Name, words.EN), FR: fmt.Sprintf("Tenez-vous à l’écart. %s est mis : %s.", o.Name, words.FR)},
						Set: &driver.SetOutput{Output: o.Name, Value: map[bool]string{true: "on", false: "off"}[value == 1]}, Limit: 2 * time.Minute,
						Ask: &driver.Words{EN: fmt.Sprintf("Is %s %s?", o.Name, words.EN), FR: fmt.Sprintf("%s est-il %s ?", o.Name, words.FR)},
					})
				}
			}
			return out
		},
	},
}
