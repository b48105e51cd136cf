package plc

import "lanewarden/drivers/driver"

// The guided tests: drive over each detector, and set each coil. Registers are not tried, as only the profile's
// author knows which numbers are harmless.
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
