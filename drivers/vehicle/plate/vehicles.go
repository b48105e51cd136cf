package plate

import (
	"slices"
	"time"
)

const (
	// maxVehicles bounds the number of remembered vehicles: more than all cameras of a lane have in sight at once.
	maxVehicles = 64
	// rememberFor is the time for which a vehicle's number is remembered. Cameras count anew when they restart, so a
	// number is another vehicle's some day.
	rememberFor = time.Hour
)

// vehicle is a reader's number of a vehicle with the plate that was read.
type vehicle struct{ make, camera, id, plate string }

// seen is a vehicle with the time at which it was told of, by the agent's clock.
type seen struct {
	vehicle
	at time.Time
}

// vehicles are those that readers told of last, oldest first. Some readers tell of one vehicle several times: when it
// comes into sight, and when it leaves it, in the other direction then. The zero value is ready.
type vehicles []seen

// isRepeat reports whether a read only repeats an earlier one. Another plate under the same id is no repetition: it
// was read better. Of a reader that is set to tell of leaving vehicles only, none is known and each counts.
func (v vehicles) isRepeat(r Read) bool {
	return r.Again && slices.ContainsFunc(v, func(s seen) bool {
		return s.vehicle == named(r) && r.arrived.Sub(s.at).Abs() <= rememberFor
	})
}

// remember adds reads that were committed; beyond maxVehicles the oldest goes.
func (v *vehicles) remember(reads []Read) {
	for _, r := range reads {
		if r.ID == "" {
			continue
		}
		one := named(r)
		*v = slices.DeleteFunc(*v, func(s seen) bool { return s.vehicle == one })
		if len(*v) == maxVehicles {
			*v = slices.Delete(*v, 0, 1)
		}
		*v = append(*v, seen{one, r.arrived})
	}
}

// named returns the name under which a reader knows a vehicle.
func named(r Read) vehicle {
	return vehicle{make: r.Vendor, camera: r.Camera, id: r.ID[:min(len(r.ID), maxID)], plate: r.Normal}
}
