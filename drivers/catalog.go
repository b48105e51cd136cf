// Package drivers is the one list of all drivers. A new device is one folder below and one line here.
package drivers

import (
	"lanewarden/drivers/driver"
	"lanewarden/drivers/radiation/n42"
	"lanewarden/drivers/radiation/tsa"
	"lanewarden/drivers/xray/dicos"
)

// Catalog lists all drivers.
var Catalog = []driver.Spec{
	dicos.Spec,
	n42.Spec,
	tsa.Spec,
}

// Find returns the Spec of a driver by its name.
func Find(name string) (driver.Spec, bool) {
	for _, s := range Catalog {
		if s.Name == name {
			return s, true
		}
	}
	return driver.Spec{}, false
}
