package gpio

import (
	"slices"

	"lanewarden/drivers/driver"
)

// The guided tests: drive over each station (pairs, and detectors that are in none), and set each output.
var tests = driver.IOTests(func(settings any) (names []string) {
	c := settings.(*Config)
	for _, p := range c.Pairs {
		names = append(names, p.Name)
	}
	for _, i := range c.Inputs {
		paired := slices.ContainsFunc(c.Pairs, func(p Pair) bool { return p.First == i.Name || p.Second == i.Name })
		if !i.Button && !paired {
			names = append(names, i.Name)
		}
	}
	return names
}, func(settings any) (names []string) {
	for _, o := range settings.(*Config).Outputs {
		names = append(names, o.Name)
	}
	return names
})
