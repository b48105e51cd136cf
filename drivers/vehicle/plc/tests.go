package plc

import "lanewarden/drivers/driver"

var tests = driver.IOTests(func(settings any) (names []string) {
	for _, p := range settings.(*Config).Profile.Value.Points {
		if p.Vehicle {
			names = append(names, p.Name)
		}
	}
	return names
}, func(settings any) (names []string) {
	for _, o := range settings.(*Config).Profile.Value.Outputs {
		if o.Table == "coil" {
			names = append(names, o.Name)
		}
	}
	return names
})
