package clearance

import (
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// flaw is why an approval does not hold; the zero flaw is none.
type flaw int

const (
	sound flaw = iota
	notYet
	expired
	suspended // and every state that is not known
	revoked
)

// flawOf returns the worst that is wrong with an approval at a time.
func flawOf(status lists.Status, valid lists.Period, now time.Time) flaw {
	switch {
	case status == lists.Revoked:
		return revoked
	case status != lists.Active:
		return suspended
	case !valid.To.IsZero() && !now.Before(valid.To):
		return expired
	case !valid.Holds(now):
		return notYet
	}
	return sound
}

// unusable returns a code that could have been of a role, if it had been read well or were not ambiguous.
func (s *shown) unusable(r role) (c Code, found bool) {
	for _, u := range s.ambiguous {
		if _, can := u.canBe(r); can {
			return u.code, true
		}
	}
	for _, c := range s.misread {
		if roleOf[c.Kind] == r {
			return c, true
		}
	}
	return Code{}, false
}

// missing adds that an element of a shipment is missing, or what became of the code that may have been it.
func (d *decider) missing(s *shipment, r role, code policy.Code, text message.Message) {
	c, found := d.shown.unusable(r)
	if !found {
		d.addTo(s, code, text)
		return
	}
	code, text = unusableCode(&d.shown, c)
	d.addTo(s, code, text, c.Row)
}

// checkDriver checks that a driver was shown, and each that was.
func (d *decider) checkDriver(s *shipment) {
	if len(d.shown.drivers) == 0 {
		d.missing(s, asDriver, policy.DriverMissing, message.New("clearance.driver-missing"))
		return
	}
	if d.cannotTell(s, lists.Drivers) {
		return
	}
	for _, one := range d.shown.drivers {
		d.checkOneDriver(s, one)
	}
}

func (d *decider) checkOneDriver(s *shipment, one driver) {
	number := message.String("number", one.value)
	var counted, inForce []lists.Driver
	for _, row := range one.listed {
		if len(d.policy.DriverPrograms) == 0 || slices.Contains(d.policy.DriverPrograms, row.Program) {
			counted = append(counted, row)
			if flawOf(row.Status, row.Valid, d.in.Now) == sound {
				inForce = append(inForce, row)
			}
		}
	}
	switch {
	case len(one.listed) == 0:
		d.addTo(s, policy.DriverUnknown, message.New("clearance.driver-unknown", number), one.row)
	case len(counted) == 0:
		d.addTo(s, policy.DriverProgram, message.New("clearance.driver-program", number,
			message.Names("programs", programsOf(one.listed))), one.row)
	case len(inForce) == 0:
		d.addDriverFlaw(s, one, counted)
	case len(inForce) < len(counted):
		d.addTo(s, policy.DriverAmbiguous, message.New("clearance.driver-ambiguous", number,
			message.Names("programs", programsOf(counted)), message.Names("good", programsOf(inForce))), one.row)
	case len(d.shown.carriers) > 0 && !slices.ContainsFunc(inForce, d.mayDrive):
		d.addTo(s, policy.DriverCarrier, message.New("clearance.driver-carrier", number,
			message.Names("carriers", values(d.shown.carriers))), one.row)
	}
}

// mayDrive reports whether a driver may drive for all carriers that were shown.
func (d *decider) mayDrive(row lists.Driver) bool {
	return len(row.Carriers) == 0 || !slices.ContainsFunc(d.shown.carriers, func(c named) bool {
		return !slices.Contains(row.Carriers, c.value)
	})
}

// addDriverFlaw adds the worst that is wrong with a driver's approvals, none of which is in force.
func (d *decider) addDriverFlaw(s *shipment, one driver, counted []lists.Driver) {
	row := slices.MaxFunc(counted, func(a, b lists.Driver) int {
		return int(flawOf(a.Status, a.Valid, d.in.Now)) - int(flawOf(b.Status, b.Valid, d.in.Now))
	})
	number, program := message.String("number", one.value), message.String("program", row.Program)
	switch flawOf(row.Status, row.Valid, d.in.Now) {
	case revoked:
		d.addTo(s, policy.DriverRevoked, message.New("clearance.driver-revoked", number, program), one.row)
	case expired:
		d.addTo(s, policy.DriverExpired, message.New("clearance.driver-expired", number, program,
			message.Date("to", row.Valid.To)), one.row)
	case notYet:
		d.addTo(s, policy.DriverNotYet, message.New("clearance.driver-not-yet", number, program,
			message.Date("from", row.Valid.From)), one.row)
	default:
		d.addTo(s, policy.DriverSuspended, message.New("clearance.driver-suspended", number, program), one.row)
	}
}

// programsOf returns the programs of a driver's rows, in alphabetical order.
func programsOf(rows []lists.Driver) (out []string) {
	for _, r := range rows {
		out = append(out, r.Program)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkCarrier checks that a carrier was shown, and each that was.
func (d *decider) checkCarrier(s *shipment) {
	if len(d.shown.carriers) == 0 {
		d.missing(s, asCarrier, policy.CarrierMissing, message.New("clearance.carrier-missing"))
		return
	}
	if d.cannotTell(s, lists.Carriers) {
		return
	}
	for _, n := range d.shown.carriers {
		carrier := message.String("carrier", n.value)
		row, found := d.book.carrier(n.value)
		switch f := flawOf(row.Status, row.Valid, d.in.Now); {
		case !found:
			d.addTo(s, policy.CarrierUnknown, message.New("clearance.carrier-unknown", carrier), n.row)
		case f == revoked:
			d.addTo(s, policy.CarrierRevoked, message.New("clearance.carrier-revoked", carrier), n.row)
		case f == suspended:
			d.addTo(s, policy.CarrierSuspended, message.New("clearance.carrier-suspended", carrier), n.row)
		case f == expired, f == notYet:
			d.addTo(s, policy.CarrierExpired, message.New("clearance.carrier-expired", carrier,
				message.Date("to", row.Valid.To)), n.row)
		case !inProgram(row.Programs, d.policy.CarrierProgram):
			d.addTo(s, policy.CarrierProgram, message.New("clearance.carrier-program", carrier,
				message.String("program", d.policy.CarrierProgram)), n.row)
		}
	}
}

// checkImporter checks the importer of a CSA shipment.
func (d *decider) checkImporter(s *shipment) {
	if s.importer == "" {
		d.missing(s, asImporter, policy.ImporterMissing, message.New("clearance.importer-missing"))
		return
	}
	if d.cannotTell(s, lists.Importers) {
		return
	}
	importer := message.String("importer", s.importer)
	row, found := d.book.importer(s.importer)
	switch f := flawOf(row.Status, row.Valid, d.in.Now); {
	case !found:
		d.addTo(s, policy.ImporterUnknown, message.New("clearance.importer-unknown", importer))
	case f == revoked:
		d.addTo(s, policy.ImporterRevoked, message.New("clearance.importer-revoked", importer))
	case f == suspended:
		d.addTo(s, policy.ImporterSuspended, message.New("clearance.importer-suspended", importer))
	case f == expired, f == notYet:
		d.addTo(s, policy.ImporterExpired, message.New("clearance.importer-expired", importer,
			message.Date("to", row.Valid.To)))
	case !inProgram(row.Programs, d.policy.ImporterProgram):
		d.addTo(s, policy.ImporterProgram, message.New("clearance.importer-program", importer,
			message.String("program", d.policy.ImporterProgram)))
	}
}

// checkPair checks that the carriers may bring the importer's goods. Where either is not known, its own reason says so.
func (d *decider) checkPair(s *shipment) {
	if s.importer == "" || len(d.shown.carriers) == 0 || d.cannotTell(s, lists.Pairs) {
		return
	}
	if _, known := d.book.importer(s.importer); !known {
		return
	}
	for _, n := range d.shown.carriers {
		if _, known := d.book.carrier(n.value); !known {
			continue
		}
		carrier, importer := message.String("carrier", n.value), message.String("importer", s.importer)
		switch pair, found := d.book.pair(n.value, s.importer); {
		case !found:
			d.addTo(s, policy.PairUnknown, message.New("clearance.pair-unknown", carrier, importer), n.row)
		case !pair.Valid.Holds(d.in.Now):
			d.addTo(s, policy.PairExpired, message.New("clearance.pair-expired", carrier, importer,
				message.Date("to", pair.Valid.To)), n.row)
		}
	}
}
