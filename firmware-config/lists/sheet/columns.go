package sheet

import (
	"strings"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// forms are the columns of each list, in the order of docs/lists.md.
var forms = map[lists.Kind]form{
	lists.Drivers: columnsOf[lists.Driver]{all: []column[lists.Driver]{
		{name: "program", need: true, set: func(d *lists.Driver, cell string) error {
			return oneOf(&d.Program, strings.ToUpper(cell), "CDRP", "FAST", "NEXUS")
		}},
		{name: "number", need: true,
			set: func(d *lists.Driver, cell string) error { return driver(&d.Number, cell) }},
		{name: "epc", set: func(d *lists.Driver, cell string) error { return chip(&d.EPC, cell) }},
		{name: "tid", set: func(d *lists.Driver, cell string) error { return chip(&d.TID, cell) }},
		{name: "valid_from", set: func(d *lists.Driver, cell string) error { return from(&d.Valid.From, cell) }},
		{name: "valid_to", set: func(d *lists.Driver, cell string) error { return until(&d.Valid.To, cell) }},
		{name: "status", need: true,
			set: func(d *lists.Driver, cell string) error { return status(&d.Status, cell) }},
		{name: "carriers",
			set: func(d *lists.Driver, cell string) error { return several(&d.Carriers, cell, carrier) }},
	}, whole: func(d *lists.Driver) (string, error) { return "valid_to", order(d.Valid) }},

	lists.Carriers: columnsOf[lists.Carrier]{all: []column[lists.Carrier]{
		{name: "code", need: true, set: func(c *lists.Carrier, cell string) error { return carrier(&c.Code, cell) }},
		{name: "scac", set: func(c *lists.Carrier, cell string) error { return scac(&c.SCAC, cell) }},
		{name: "name", set: func(c *lists.Carrier, cell string) error { return text(&c.Name, cell, 120) }},
		{name: "programs",
			set: func(c *lists.Carrier, cell string) error { return several(&c.Programs, cell, program) }},
		{name: "bonded", set: func(c *lists.Carrier, cell string) error { return yes(&c.Bonded, cell) }},
		{name: "status", need: true,
			set: func(c *lists.Carrier, cell string) error { return status(&c.Status, cell) }},
		{name: "valid_to", set: func(c *lists.Carrier, cell string) error { return until(&c.Valid.To, cell) }},
	}},

	lists.Importers: columnsOf[lists.Importer]{all: []column[lists.Importer]{
		{name: "bn15", need: true,
			set: func(i *lists.Importer, cell string) error { return importer(&i.BN15, cell) }},
		{name: "name", set: func(i *lists.Importer, cell string) error { return text(&i.Name, cell, 120) }},
		{name: "programs",
			set: func(i *lists.Importer, cell string) error { return several(&i.Programs, cell, program) }},
		{name: "status", need: true,
			set: func(i *lists.Importer, cell string) error { return status(&i.Status, cell) }},
		{name: "valid_to", set: func(i *lists.Importer, cell string) error { return until(&i.Valid.To, cell) }},
	}},

	lists.Pairs: columnsOf[lists.Pair]{all: []column[lists.Pair]{
		{name: "carrier", need: true,
			set: func(p *lists.Pair, cell string) error { return carrier(&p.Carrier, cell) }},
		{name: "importer", need: true,
			set: func(p *lists.Pair, cell string) error { return importer(&p.Importer, cell) }},
		{name: "valid_to", set: func(p *lists.Pair, cell string) error { return until(&p.Valid.To, cell) }},
	}},

	lists.Targets: columnsOf[target]{all: []column[target]{
		{name: "key_type", need: true, set: func(t *target, cell string) error { return keyType(&t.Type, cell) }},
		{name: "key", need: true, set: func(t *target, cell string) error { return text(&t.Key, cell, maxTarget) }},
		{name: "match", need: true, set: func(t *target, cell string) error { return match(&t.Prefix, cell) }},
		{name: "exam", set: func(t *target, cell string) error { return several(&t.Exams, cell, exam) }},
		{name: "priority", need: true, numeric: true,
			set: func(t *target, cell string) error { return whole(&t.Priority, cell, 1, 9) }},
		{name: "valid_from", set: func(t *target, cell string) error { return from(&t.Valid.From, cell) }},
		{name: "valid_to", set: func(t *target, cell string) error { return until(&t.Valid.To, cell) }},
		{name: "reason_code", need: true,
			set: func(t *target, cell string) error { return word(&t.ReasonCode, cell, 32) }},
		{name: "releasability", set: func(t *target, cell string) error { return text(&t.Releasability, cell, 64) }},
		{name: "issuer", need: true, set: func(t *target, cell string) error { return text(&t.Issuer, cell, 64) }},
	}, whole: func(t *target) (string, error) {
		if err := targetKey(&t.Target); err != nil {
			return "key", err
		}
		return "valid_to", order(t.Valid)
	}},

	lists.Manifest: columnsOf[lists.Shipment]{all: []column[lists.Shipment]{
		{name: "ccn", need: true, set: func(s *lists.Shipment, cell string) error { return cargo(&s.CCN, cell) }},
		{name: "crn", set: func(s *lists.Shipment, cell string) error { return conveyance(&s.CRN, cell) }},
		{name: "carrier", set: func(s *lists.Shipment, cell string) error { return carrier(&s.Carrier, cell) }},
		{name: "importer", set: func(s *lists.Shipment, cell string) error { return importer(&s.Importer, cell) }},
		{name: "declared_weight_kg", numeric: true, set: func(s *lists.Shipment, cell string) error {
			return kilograms(&s.DeclaredWeightKg, cell)
		}},
		{name: "pieces", numeric: true,
			set: func(s *lists.Shipment, cell string) error { return whole(&s.Pieces, cell, 0, 1e9) }},
		{name: "hs", set: func(s *lists.Shipment, cell string) error { return several(&s.HS, cell, heading) }},
		{name: "goods", set: func(s *lists.Shipment, cell string) error { return text(&s.Goods, cell, 200) }},
		{name: "arrival_from",
			set: func(s *lists.Shipment, cell string) error { return from(&s.Arrival.From, cell) }},
		{name: "arrival_to", set: func(s *lists.Shipment, cell string) error { return until(&s.Arrival.To, cell) }},
	}, whole: func(s *lists.Shipment) (string, error) {
		if s.CCN == s.CRN {
			return "crn", message.Errorf("lists.ccn-is-crn", message.Quoted("value", s.CRN))
		}
		return "arrival_to", order(s.Arrival)
	}},

	lists.InTransit: columnsOf[lists.Transit]{all: []column[lists.Transit]{
		{name: "container", need: true,
			set: func(t *lists.Transit, cell string) error { return container(&t.Container, cell) }},
		{name: "seal1", need: true, set: addSeal}, {name: "seal2", set: addSeal}, {name: "seal3", set: addSeal},
		{name: "seal4", set: addSeal},
		{name: "inbond_or_ccn",
			set: func(t *lists.Transit, cell string) error { return inBondOrCCN(&t.InBondOrCCN, cell) }},
		{name: "entry_site", need: true,
			set: func(t *lists.Transit, cell string) error { return word(&t.EntrySite, cell, 32) }},
		{name: "exit_site", need: true,
			set: func(t *lists.Transit, cell string) error { return word(&t.ExitSite, cell, 32) }},
		{name: "left_at", need: true,
			set: func(t *lists.Transit, cell string) error { return from(&t.LeftAt, cell) }},
		{name: "due_at", need: true, set: func(t *lists.Transit, cell string) error { return until(&t.DueAt, cell) }},
		{name: "weight_kg", numeric: true,
			set: func(t *lists.Transit, cell string) error { return kilograms(&t.WeightKg, cell) }},
		{name: "tolerance_kg", numeric: true, set: func(t *lists.Transit, cell string) error {
			return kilograms(&t.ToleranceKg, cell)
		}},
		{name: "required_exam",
			set: func(t *lists.Transit, cell string) error { return exam(&t.RequiredExam, cell) }},
	}, whole: func(t *lists.Transit) (string, error) {
		return "due_at", order(lists.Period{From: t.LeftAt, To: t.DueAt})
	}},

	lists.Rates: columnsOf[lists.Rate]{all: []column[lists.Rate]{
		{name: "site", need: true, set: func(r *lists.Rate, cell string) error { return word(&r.Site, cell, 32) }},
		{name: "lane", need: true, set: func(r *lists.Rate, cell string) error { return word(&r.Lane, cell, 32) }},
		{name: "traffic_class", need: true, set: func(r *lists.Rate, cell string) error {
			return oneOf(&r.Class, strings.ToLower(cell), "csa", "manifest", "empty", "intransit", "*")
		}},
		{name: "rate", need: true, numeric: true,
			set: func(r *lists.Rate, cell string) error { return share(&r.Share, cell) }},
	}},
}

// target is a target whose key is checked when its type is known.
type target struct{ lists.Target }

// order refuses a period that ends before it begins.
func order(p lists.Period) error {
	if p.From.IsZero() || p.To.IsZero() || p.From.Before(p.To) {
		return nil
	}
	return message.Errorf("lists.period", message.String("from", p.From.Format(time.RFC3339)),
		message.String("to", p.To.Format(time.RFC3339)))
}

func addSeal(t *lists.Transit, cell string) error {
	var seal string
	err := parsed(&seal, cell, identifier.ParseSeal, "lists.no-seal")
	t.Seals = append(t.Seals, seal)
	return err
}
