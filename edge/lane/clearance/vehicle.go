package clearance

import (
	"slices"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/policy"
)

// checkShown adds what is wrong with what is shown as a whole.
func (d *decider) checkShown() {
	s := &d.shown
	for _, all := range [][]Code{s.misread, codesOf(s.ambiguous)} {
		for _, c := range all {
			code, text := unusableCode(s, c)
			d.add(code, text, c.Row)
		}
	}
	for _, c := range s.unknown {
		d.add(policy.CodeUnknown, message.New("clearance.code-unknown", message.Quoted("code", c.Value)), c.Row)
	}
	for _, codes := range [][]Code{d.in.Presented.Codes, d.in.Presented.Containers, d.in.Presented.Seals} {
		for _, c := range codes {
			if c.Manual {
				d.add(policy.CodeManual, message.New("clearance.code-manual", message.Quoted("code", c.Value)), c.Row)
			}
		}
	}
	for _, c := range s.cloned {
		d.add(policy.CardCloned, message.New("clearance.card-cloned", message.String("number", c.number)), c.row)
	}
	for _, c := range s.unreadTID {
		d.add(policy.CardTIDUnread, message.New("clearance.card-tid-unread", message.String("number", c.number)), c.row)
	}
	if drivers := numbers(s.drivers); len(drivers) > 1 {
		d.add(policy.DriversDiffer, message.New("clearance.drivers-differ", message.Names("numbers", values(drivers))),
			rowsOf(drivers)...)
	}
	if len(s.carriers) > 1 {
		d.add(policy.CarriersDiffer, message.New("clearance.carriers-differ", message.Names("carriers", values(s.carriers))),
			rowsOf(s.carriers)...)
	}
	d.checkTrips()
	d.checkExpected()
}

func codesOf(all []undecided) (out []Code) {
	for _, u := range all {
		out = append(out, u.code)
	}
	return out
}

// unusableCode says why a code cannot be used: misread or ambiguous.
func unusableCode(s *shown, c Code) (policy.Code, message.Message) {
	code := message.Quoted("code", c.Value)
	if c.Check == identifier.CheckWrong {
		return policy.CodeCheck, message.New("clearance.code-check", code)
	}
	return policy.CodeAmbiguous, message.New("clearance.code-ambiguous", code)
}

// checkTrips adds trips with which nothing is announced.
func (d *decider) checkTrips() {
	for _, n := range d.shown.trips {
		if len(d.book.shipmentsOfTrip(n.value)) == 0 {
			d.add(policy.TripUnknown, message.New("clearance.trip-unknown", message.String("trip", n.value)), n.row)
		}
	}
}

// checkExpected adds what every vehicle of the lane shows and this one does not.
func (d *decider) checkExpected() {
	s := &d.shown
	wantsContainer := d.policy.Expect(policy.ExpectContainer)
	if _, unusable := s.unusable(asContainer); wantsContainer && len(s.containers) == 0 && !unusable {
		d.add(policy.ContainerMissing, message.New("clearance.container-missing"))
	}
	nothing := len(d.shipments) == 0 && len(s.trips) == 0 && len(s.ambiguous) == 0 && len(s.misread) == 0
	if nothing && !wantsContainer {
		d.add(policy.NothingPresented, message.New("clearance.nothing-presented"))
	}
	if d.policy.Expect(policy.ExpectPlate) && !slices.ContainsFunc(d.in.Presented.Plates, func(p Plate) bool {
		return p.Normal != ""
	}) {
		d.add(policy.PlateMissing, message.New("clearance.plate-missing"))
	}
}

// checkStations adds the stations of the policy that have not seen the vehicle.
func (d *decider) checkStations() {
	for _, s := range d.policy.Stations {
		seen := d.in.Vehicle.Stations[s.ID]
		if s.Optional || seen == SeenYes {
			continue
		}
		station := message.String("station", s.ID)
		var r Reason
		switch seen {
		case SeenNothing:
			r = d.reason(policy.StationMissed, message.New("clearance.station-missed", station))
			r.Exams = append(r.Exams, s.Exam)
		case SeenNotYet:
			r = d.reason(policy.StationNotYet, message.New("clearance.station-not-yet", station))
		default:
			r = d.reason(policy.StationBlind, message.New("clearance.station-blind", station))
			r.Exams = append(r.Exams, s.Exam)
		}
		d.reasons = append(d.reasons, r)
	}
}

// checkAlarms adds alarms that no case explains, and cases.
func (d *decider) checkAlarms() {
	for _, c := range d.in.Vehicle.Cases {
		id, rows := message.String("case", c.ID), slices.Concat(c.Alarms, []int64{c.Row})
		switch {
		case c.Open:
			d.add(policy.CaseOpen, message.New("clearance.case-open", id), rows...)
		case d.innocent(c):
			d.add(policy.CaseInnocent, message.New("clearance.case-innocent", id), rows...)
		default:
			d.add(policy.CaseConfirmed, message.New("clearance.case-confirmed", id), rows...)
		}
	}
	for _, a := range d.in.Vehicle.Alarms {
		if !d.explained(a) {
			code, text := d.alarm(a)
			d.add(code, text, a.Row)
		}
	}
}

// innocent reports whether a case is closed, and its verdict one after which an alarm no longer counts.
func (d *decider) innocent(c Case) bool {
	return !c.Open && slices.Contains(d.policy.InnocentVerdicts, c.Result)
}

// explained reports whether an alarm has cases, and all are closed as innocent.
func (d *decider) explained(a Alarm) (yes bool) {
	for _, c := range d.in.Vehicle.Cases {
		if slices.Contains(c.Alarms, a.Row) {
			if !d.innocent(c) {
				return false
			}
			yes = true
		}
	}
	return yes
}

// alarm returns what an alarm means.
func (d *decider) alarm(a Alarm) (policy.Code, message.Message) {
	device := message.String("device", a.Device)
	nuclides := message.Names("nuclides", a.Nuclides)
	family, _, _ := strings.Cut(a.Kind, ".")
	switch {
	case family == "radiation" && d.natural(a):
		if goods := d.proneGoods(); goods != "" {
			return policy.NormCargo, message.New("clearance.norm-cargo", device, nuclides, message.String("hs", goods))
		}
		return policy.AlarmNatural, message.New("clearance.alarm-natural", device, nuclides)
	case a.Possible:
		return policy.AlarmPossible, message.New("clearance.alarm-possible", device)
	case family == "radiation" && len(a.Nuclides) > 0:
		return policy.AlarmRadiation, message.New("clearance.alarm-nuclides", device, nuclides)
	case family == "radiation":
		return policy.AlarmRadiation, message.New("clearance.alarm-radiation", device)
	case family == "xray":
		return policy.AlarmXray, message.New("clearance.alarm-xray", device)
	case family == "trace":
		return policy.AlarmTrace, message.New("clearance.alarm-trace", device)
	}
	return policy.AlarmOther, message.New("clearance.alarm-other", device)
}

// natural reports whether an instrument names nuclides, and only such as the policy counts as natural.
func (d *decider) natural(a Alarm) bool {
	return a.Natural && len(a.Nuclides) > 0 && !slices.ContainsFunc(a.Nuclides, func(n string) bool {
		return !slices.Contains(d.policy.Natural.Nuclides, n)
	})
}

// proneGoods returns the HS code of announced goods that are prone to natural radioactivity, "" for none.
func (d *decider) proneGoods() string {
	for _, s := range d.shipments {
		if s.listed == nil {
			continue
		}
		for _, hs := range s.listed.HS {
			if slices.ContainsFunc(d.policy.Natural.HS, func(p string) bool { return strings.HasPrefix(hs, p) }) {
				return hs
			}
		}
	}
	return ""
}
