package clearance

import (
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/policy"
)

// checkDeclaredWeight compares the sum of the declared weights with the measured one. Where the lane has no
// scale, or nothing that is on the vehicle has a weight to compare with, there is nothing to say.
func (d *decider) checkDeclaredWeight() {
	declared, complete := d.declaredKg()
	scale, weighs := d.in.Vehicle.Stations[d.policy.Weight.Station]
	if d.policy.Weight.Station == "" || !weighs && d.in.Vehicle.WeightKg <= 0 || declared <= 0 && len(d.inTransit()) == 0 {
		return
	}
	if d.in.Vehicle.WeightKg <= 0 {
		station := message.String("station", d.policy.Weight.Station)
		if scale == SeenBlind {
			d.add(policy.WeightBlind, message.New("clearance.weight-blind", station))
		} else {
			d.add(policy.WeightMissing, message.New("clearance.weight-missing", station))
		}
		return
	}
	if declared > 0 {
		d.compareWeight(declared, complete)
	}
}

// declaredKg returns the sum of the declared weights; complete is false when goods without one are on the vehicle.
func (d *decider) declaredKg() (sum float64, complete bool) {
	complete = true
	for _, s := range d.shipments {
		if s.listed == nil || s.listed.DeclaredWeightKg <= 0 {
			complete = false
			continue
		}
		sum += s.listed.DeclaredWeightKg
	}
	return sum, complete
}

// compareWeight adds a weight that is over or under the declared one.
func (d *decider) compareWeight(declared float64, complete bool) {
	least, most := d.goodsKg()
	off := d.tolerance(declared)
	said := message.Quantity("declared", declared, 0, "kg")
	switch {
	case complete && least > declared+off:
		d.add(policy.WeightOver, message.New("clearance.weight-over", said, message.Quantity("measured", least, 0, "kg")))
	case most < declared-off:
		d.add(policy.WeightUnder, message.New("clearance.weight-under", said, message.Quantity("measured", most, 0, "kg")))
	}
}

// goodsKg returns the least and the most that the goods can weigh: the empty vehicle's weight may not be known.
func (d *decider) goodsKg() (least, most float64) {
	v, w := d.in.Vehicle, d.policy.Weight
	if v.TareKg > 0 {
		return v.WeightKg - v.TareKg, v.WeightKg - v.TareKg
	}
	return max(0, v.WeightKg-w.TareMostKg), max(0, v.WeightKg-w.TareLeastKg)
}
