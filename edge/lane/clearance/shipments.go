package clearance

import (
	"cmp"
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// makeShipments makes shipments of what is shown: announced ones, containers, importers of their own, and an empty
// truck or one whose goods are not declared.
func (d *decider) makeShipments() []*shipment {
	announced := d.announced()
	csa := d.ownImporters(announced)
	out := slices.Concat(csa, announced, d.containers())
	if len(out) == 0 && len(d.shown.trips) == 0 && (len(d.shown.drivers) > 0 || len(d.shown.carriers) > 0) {
		out = append(out, d.withoutGoods())
	}
	if len(out) == 0 && d.misreadImporter() {
		out = append(out, &shipment{class: policy.CSA})
	}
	slices.SortStableFunc(out, func(a, b *shipment) int {
		return cmp.Or(strings.Compare(string(a.class), string(b.class)), strings.Compare(a.ccn, b.ccn),
			strings.Compare(a.importer, b.importer), strings.Compare(a.container, b.container))
	})
	return out
}

// announced returns the shipments of the cargo control numbers and trips that are shown.
func (d *decider) announced() (out []*shipment) {
	add := func(s *shipment) {
		if i := slices.IndexFunc(out, func(o *shipment) bool { return o.ccn == s.ccn }); i >= 0 {
			out[i].rows = append(out[i].rows, s.rows...)
			return
		}
		out = append(out, s)
	}
	for _, n := range d.shown.ccns {
		s := &shipment{class: policy.Manifest, ccn: n.value, rows: []int64{n.row}}
		if row, found := d.book.shipment(n.value); found {
			s.listed, s.importer = &row, row.Importer
		}
		add(s)
	}
	for _, n := range d.shown.trips {
		for _, row := range d.book.shipmentsOfTrip(n.value) {
			add(&shipment{class: policy.Manifest, ccn: row.CCN, importer: row.Importer, listed: &row, rows: []int64{n.row}})
		}
	}
	return out
}

// ownImporters returns the CSA shipments: importers that are not those of announced goods. One without CSA beside goods
// whose own importer was not shown is the one that differs: it has no shipment.
func (d *decider) ownImporters(announced []*shipment) (out []*shipment) {
	hidden := slices.ContainsFunc(announced, d.importerHidden)
	for _, n := range d.shown.importers {
		if slices.ContainsFunc(announced, func(s *shipment) bool { return s.importer == n.value }) {
			continue
		}
		if hidden && !d.hasCSA(n.value) {
			continue
		}
		out = append(out, &shipment{class: policy.CSA, importer: n.value, rows: []int64{n.row}})
	}
	return out
}

// importerHidden reports whether the importer of announced goods was not shown.
func (d *decider) importerHidden(s *shipment) bool {
	return s.listed != nil && s.importer != "" && !has(d.shown.importers, s.importer)
}

// hasCSA reports whether an importer is in the program, whether or not that is in force.
func (d *decider) hasCSA(bn15 string) bool {
	i, found := d.book.importer(bn15)
	return found && inProgram(i.Programs, d.policy.ImporterProgram)
}

// inProgram reports whether one of several programs is the one that is asked for; "" asks for none.
func inProgram(programs []string, want string) bool {
	return want == "" || slices.Contains(programs, want)
}

// containers returns the shipments in transit: containers that are listed, and all where containers are expected.
func (d *decider) containers() (out []*shipment) {
	for _, n := range d.shown.containers {
		s := &shipment{class: policy.InTransit, container: n.value, rows: []int64{n.row}}
		if row, found := d.book.transit(n.value); found {
			s.transit, s.ccn = &row, row.InBondOrCCN
		} else if !d.policy.Expect(policy.ExpectContainer) {
			continue
		}
		out = append(out, s)
	}
	return out
}

// withoutGoods returns the shipment of a vehicle that shows a driver or a carrier and no goods.
func (d *decider) withoutGoods() *shipment {
	v := d.in.Vehicle
	switch {
	case v.WeightKg <= 0 || v.TareKg <= 0:
		return &shipment{class: policy.CSA}
	case v.WeightKg-v.TareKg <= d.policy.Weight.EmptyKg:
		return &shipment{class: policy.EmptyUnit}
	}
	return &shipment{class: policy.CSA, undeclared: true}
}

// misreadImporter reports whether a code is, or may be, that of goods, and could not be used.
func (d *decider) misreadImporter() bool {
	_, found := d.shown.unusable(asImporter)
	return found
}

// checkShipments adds what is found of each shipment, and that it is in order when nothing is wrong with it.
func (d *decider) checkShipments() {
	for _, s := range d.shipments {
		switch s.class {
		case policy.CSA:
			d.checkCSA(s)
		case policy.EmptyUnit:
			d.checkDriver(s)
			d.checkCarrier(s)
			d.inOrder(s, policy.Empty, message.New("clearance.empty"))
		case policy.Manifest:
			d.checkAnnounced(s)
		case policy.InTransit:
			d.checkTransit(s)
		}
	}
}

// inOrder adds what is said of a shipment in which nothing is wrong.
func (d *decider) inOrder(s *shipment, c policy.Code, text message.Message) {
	if worst(s.reasons) == Release {
		d.addTo(s, c, text)
	}
}

// checkCSA checks the three elements of Customs Self Assessment, and the pair of carrier and importer.
func (d *decider) checkCSA(s *shipment) {
	d.checkDriver(s)
	d.checkCarrier(s)
	if s.undeclared {
		d.addTo(s, policy.CargoUndeclared, message.New("clearance.cargo-undeclared",
			message.Quantity("net", d.in.Vehicle.WeightKg-d.in.Vehicle.TareKg, 0, "kg")))
		return
	}
	d.checkImporter(s)
	d.checkPair(s)
	d.inOrder(s, policy.CSAApproved, message.New("clearance.csa-approved"))
}

// checkAnnounced holds announced goods against what is shown and against the time.
func (d *decider) checkAnnounced(s *shipment) {
	switch {
	case s.listed != nil:
	case d.cannotTell(s, lists.Manifest):
		return
	default:
		d.addTo(s, policy.ManifestUnknown, message.New("clearance.manifest-unknown", message.String("ccn", s.ccn)))
		return
	}
	ccn := message.String("ccn", s.ccn)
	if len(d.shown.carriers) > 0 && !has(d.shown.carriers, s.listed.Carrier) {
		d.addTo(s, policy.ManifestCarrier, message.New("clearance.manifest-carrier", ccn,
			message.String("carrier", s.listed.Carrier), message.Names("shown", values(d.shown.carriers))),
			rowsOf(d.shown.carriers)...)
	}
	if wrong := d.strangers(); len(wrong) > 0 && d.importerHidden(s) {
		d.addTo(s, policy.ManifestImporter, message.New("clearance.manifest-importer", ccn,
			message.String("importer", s.importer), message.Names("shown", values(wrong))), rowsOf(wrong)...)
	}
	if len(d.shown.trips) > 0 && s.listed.CRN != "" && !has(d.shown.trips, s.listed.CRN) {
		d.addTo(s, policy.ManifestTrip, message.New("clearance.manifest-trip", ccn,
			message.String("trip", s.listed.CRN)), rowsOf(d.shown.trips)...)
	}
	if from := s.listed.Arrival.From; !from.IsZero() && d.in.Now.Before(from) {
		d.addTo(s, policy.ManifestEarly, message.New("clearance.manifest-early", ccn, message.Time("from", from)))
	}
	if to := s.listed.Arrival.To; !to.IsZero() && !d.in.Now.Before(to) {
		d.addTo(s, policy.ManifestLate, message.New("clearance.manifest-late", ccn, message.Time("to", to)))
	}
	d.inOrder(s, policy.ManifestMatch, message.New("clearance.manifest-match", ccn))
}

// strangers are the importers that were shown, are of no shipment and have no CSA.
func (d *decider) strangers() (out []named) {
	for _, n := range d.shown.importers {
		if !slices.ContainsFunc(d.shipments, func(s *shipment) bool { return s.importer == n.value }) {
			out = append(out, n)
		}
	}
	return out
}

// cannotTell adds the reason why nothing can be said of a list's rows: it is missing or cannot be read. It reports
// whether that is so.
func (d *decider) cannotTell(s *shipment, k lists.Kind) bool {
	r, broken := d.brokenList(k)
	if broken && !slices.ContainsFunc(s.reasons, func(o Reason) bool { return o.Text.Equal(r.Text) }) {
		s.reasons = append(s.reasons, r)
	}
	return broken
}
