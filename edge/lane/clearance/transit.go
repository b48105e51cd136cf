package clearance

import (
	"math"
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// checkTransit compares a container with what its entry site said of it.
func (d *decider) checkTransit(s *shipment) {
	container := message.String("container", s.container)
	if s.transit == nil {
		if !d.cannotTell(s, lists.InTransit) {
			d.addTo(s, policy.TransitNotExpected, message.New("clearance.transit-not-expected", container))
		}
		return
	}
	if before := d.in.Vehicle.SeenBefore; !before.IsZero() {
		d.addTo(s, policy.TransitSeenTwice, message.New("clearance.transit-seen-twice", container, message.Time("at", before)))
	}
	d.checkSeals(s)
	d.checkEntryWeight(s)
	if due := s.transit.DueAt; !due.IsZero() && d.in.Now.After(due) {
		d.addTo(s, policy.TransitOverdue, message.New("clearance.transit-overdue", container, message.Time("due", due)))
	}
	if exam := Exam(s.transit.RequiredExam); exam != "" && !d.examined(exam) {
		d.addTo(s, policy.TransitExam, message.New("clearance.transit-exam", container,
			message.Nested("exam", d.policy.NameOfExam(exam).Message())))
		last := &s.reasons[len(s.reasons)-1]
		last.Exams = append(last.Exams, exam)
	}
	if s.transit.ExitSite == d.in.Site {
		d.inOrder(s, policy.TransitMatch, message.New("clearance.transit-match", container))
	} else {
		d.inOrder(s, policy.TransitOnward, message.New("clearance.transit-onward", container,
			message.String("site", s.transit.ExitSite)))
	}
}

// examined reports whether a station that makes an examination has seen the vehicle.
func (d *decider) examined(exam Exam) bool {
	return slices.ContainsFunc(d.policy.Stations, func(s policy.Station) bool {
		return s.Exam == exam && d.in.Vehicle.Stations[s.ID] == SeenYes
	})
}

// inTransit are the containers on the vehicle that are listed.
func (d *decider) inTransit() (out []*lists.Transit) {
	for _, s := range d.shipments {
		if s.transit != nil {
			out = append(out, s.transit)
		}
	}
	return out
}

// checkSeals compares the seals that were read with those of the list. Nothing says which container a seal is on, so all
// containers of a vehicle have theirs together.
func (d *decider) checkSeals(s *shipment) {
	var listed []named
	for _, t := range d.inTransit() {
		for _, seal := range t.Seals {
			listed = append(listed, named{value: seal})
		}
	}
	absent, extra := without(listed, d.shown.seals), without(d.shown.seals, listed)
	container, rows := message.String("container", s.container), rowsOf(extra)
	absentSeals, extraSeals := message.Names("listed", values(absent)), message.Names("read", values(extra))
	switch {
	case len(absent) > 0 && len(extra) > 0:
		d.addTo(s, policy.TransitSealDiffers, message.New("clearance.transit-seal-differs", container, absentSeals, extraSeals),
			rows...)
	case len(absent) > 0:
		d.addTo(s, policy.TransitSealMissing, message.New("clearance.transit-seal-missing", container, absentSeals))
	case len(extra) > 0:
		d.addTo(s, policy.TransitSealExtra, message.New("clearance.transit-seal-extra", container, extraSeals), rows...)
	}
}

// without returns the values of a that are not in b, in order.
func without(a, b []named) (out []named) {
	for _, n := range a {
		if !has(b, n.value) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, compareNamed)
	return out
}

// checkEntryWeight compares the measured weight with that of the containers at their entry, less that of the empty
// vehicle where it is known.
func (d *decider) checkEntryWeight(s *shipment) {
	measured := d.in.Vehicle.WeightKg
	if measured <= 0 {
		return
	}
	if tare := d.in.Vehicle.TareKg; tare > 0 {
		measured -= tare
	}
	entry, tolerance := 0.0, 0.0
	for _, t := range d.inTransit() {
		if t.WeightKg <= 0 {
			return
		}
		entry += t.WeightKg
		if t.ToleranceKg > 0 {
			tolerance += t.ToleranceKg
		} else {
			tolerance += d.tolerance(t.WeightKg)
		}
	}
	if math.Abs(measured-entry) > tolerance {
		d.addTo(s, policy.TransitWeight, message.New("clearance.transit-weight", message.String("container", s.container),
			message.Quantity("entry", entry, 0, "kg"), message.Quantity("measured", measured, 0, "kg")))
	}
}

// tolerance is how far a weight may be off by the policy.
func (d *decider) tolerance(kg float64) float64 {
	return max(d.policy.Weight.ToleranceKg, kg*d.policy.Weight.TolerancePercent/100)
}
