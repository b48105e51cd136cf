package lists

import (
	"bytes"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// Bounds of a row, bytes. The longest key is a target's, with issuer and reason; the longest value a shipment's, with
// its goods.
const (
	MaxKey   = 400
	MaxValue = 4096
)

// Row is a row in its canonical form. Key is what tells it from the other rows of its list, and their order (bytes.Compare);
// Value is the rest. The same row always has the same bytes.
type Row struct{ Key, Value []byte }

// separator stands between the parts of a key, which never contain it.
const separator = "\x00"

// KeyOf returns the key of texts, one behind the other.
func KeyOf(parts ...string) []byte { return []byte(strings.Join(parts, separator)) }

// split takes a key of n parts apart.
func split(key []byte, n int) ([]string, error) {
	parts := strings.Split(string(key), separator)
	if len(parts) != n {
		return nil, errRow
	}
	return parts, nil
}

// states are the numbers of what a row's status can be.
var states = []Status{Active, Suspended, Revoked}

func (p *pack) status(s Status) { p.number(uint64(slices.Index(states, s))) }

func (u *unpack) status() Status {
	n := u.number()
	if n >= uint64(len(states)) {
		u.b, u.err = nil, errRow
		return ""
	}
	return states[n]
}

// Row returns the driver's row. Its key begins with the number, so that one look finds it in all programs.
func (d Driver) Row() Row {
	var p pack
	p.status(d.Status)
	p.bytes(d.EPC)
	p.bytes(d.TID)
	p.period(d.Valid)
	p.codes(d.Carriers)
	return Row{KeyOf(d.Number, d.Program[:min(1, len(d.Program))]), p.b}
}

// driverPrograms are the programs of drivers by the letter that stands for them in a key.
var driverPrograms = map[string]string{"C": "CDRP", "F": "FAST", "N": "NEXUS"}

// DecodeDriver reads what Driver.Row returns.
func DecodeDriver(r Row) (d Driver, err error) {
	parts, err := split(r.Key, 2)
	if err != nil {
		return d, err
	}
	program, known := driverPrograms[parts[1]]
	if !known {
		return d, errRow
	}
	u := unpack{b: r.Value}
	d = Driver{Number: parts[0], Program: program, Status: u.status(), EPC: u.bytes(), TID: u.bytes(), Valid: u.period(),
		Carriers: u.codes()}
	return d, u.done()
}

// Row returns the carrier's row.
func (c Carrier) Row() Row {
	var p pack
	p.status(c.Status)
	p.number(flag(c.Bonded))
	p.text(c.SCAC)
	p.text(c.Name)
	p.texts(c.Programs)
	p.period(c.Valid)
	return Row{[]byte(c.Code), p.b}
}

func flag(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// DecodeCarrier reads what Carrier.Row returns.
func DecodeCarrier(r Row) (c Carrier, err error) {
	u := unpack{b: r.Value}
	c = Carrier{Code: string(r.Key), Status: u.status(), Bonded: u.number() == 1, SCAC: u.text(), Name: u.text(),
		Programs: u.texts(), Valid: u.period()}
	return c, u.done()
}

// Row returns the importer's row.
func (i Importer) Row() Row {
	var p pack
	p.status(i.Status)
	p.text(i.Name)
	p.texts(i.Programs)
	p.period(i.Valid)
	return Row{[]byte(i.BN15), p.b}
}

// DecodeImporter reads what Importer.Row returns.
func DecodeImporter(r Row) (i Importer, err error) {
	u := unpack{b: r.Value}
	i = Importer{BN15: string(r.Key), Status: u.status(), Name: u.text(), Programs: u.texts(), Valid: u.period()}
	return i, u.done()
}

// Row returns the pair's row.
func (v Pair) Row() Row {
	var p pack
	p.period(v.Valid)
	return Row{KeyOf(v.Carrier, v.Importer), p.b}
}

// DecodePair reads what Pair.Row returns.
func DecodePair(r Row) (v Pair, err error) {
	parts, err := split(r.Key, 2)
	if err != nil {
		return v, err
	}
	u := unpack{b: r.Value}
	v = Pair{Carrier: parts[0], Importer: parts[1], Valid: u.period()}
	return v, u.done()
}

// Row returns the shipment's row.
func (s Shipment) Row() Row {
	var p pack
	p.like(s.CCN, s.CRN)
	p.like(s.CCN, s.Carrier)
	p.business(s.Importer)
	p.weight(s.DeclaredWeightKg)
	p.number(uint64(s.Pieces))
	p.codes(s.HS)
	p.text(s.Goods)
	p.period(s.Arrival)
	return Row{[]byte(s.CCN), p.b}
}

// DecodeShipment reads what Shipment.Row returns.
func DecodeShipment(r Row) (s Shipment, err error) {
	u := unpack{b: r.Value}
	s = Shipment{CCN: string(r.Key)}
	s.CRN, s.Carrier, s.Importer = u.like(s.CCN), u.like(s.CCN), u.business()
	s.DeclaredWeightKg, s.Pieces, s.HS, s.Goods, s.Arrival = u.weight(), int(u.number()), u.codes(), u.text(), u.period()
	return s, u.done()
}

// Row returns the container's row.
func (t Transit) Row() Row {
	var p pack
	p.codes(t.Seals)
	p.code(t.InBondOrCCN)
	p.text(t.EntrySite)
	p.text(t.ExitSite)
	p.time(t.LeftAt)
	p.time(t.DueAt)
	p.weight(t.WeightKg)
	p.weight(t.ToleranceKg)
	p.text(t.RequiredExam)
	return Row{[]byte(t.Container), p.b}
}

// DecodeTransit reads what Transit.Row returns.
func DecodeTransit(r Row) (t Transit, err error) {
	u := unpack{b: r.Value}
	t = Transit{Container: string(r.Key), Seals: u.codes(), InBondOrCCN: u.code(), EntrySite: u.text(), ExitSite: u.text(),
		LeftAt: u.time(), DueAt: u.time(), WeightKg: u.weight(), ToleranceKg: u.weight(), RequiredExam: u.text()}
	return t, u.done()
}

// million is what a rate's share is counted in.
const million = 1_000_000

// Row returns the rate's row.
func (v Rate) Row() Row {
	var p pack
	p.number(uint64(v.Share*million + 0.5))
	return Row{KeyOf(v.Site, v.Lane, v.Class), p.b}
}

// DecodeRate reads what Rate.Row returns.
func DecodeRate(r Row) (v Rate, err error) {
	parts, err := split(r.Key, 3)
	if err != nil {
		return v, err
	}
	u := unpack{b: r.Value}
	v = Rate{Site: parts[0], Lane: parts[1], Class: parts[2], Share: float64(u.number()) / million}
	return v, u.done()
}

// again decodes a row and encodes it anew.
var again = map[Kind]func(Row) (Row, error){
	Drivers:   recode(DecodeDriver),
	Carriers:  recode(DecodeCarrier),
	Importers: recode(DecodeImporter),
	Pairs:     recode(DecodePair),
	Targets:   recode(DecodeTarget),
	Manifest:  recode(DecodeShipment),
	InTransit: recode(DecodeTransit),
	Rates:     recode(DecodeRate),
}

func recode[T interface{ Row() Row }](decode func(Row) (T, error)) func(Row) (Row, error) {
	return func(r Row) (Row, error) {
		v, err := decode(r)
		if err != nil {
			return Row{}, err
		}
		return v.Row(), nil
	}
}

// Known reports whether there is a list of that kind.
func (k Kind) Known() bool { return again[k] != nil }

// CheckRow returns an error for a row that is not of a list in its canonical form.
func CheckRow(k Kind, r Row) error {
	if !k.Known() {
		return message.Errorf("lists.no-kind", message.Quoted("kind", string(k)))
	}
	same, err := again[k](r)
	if err == nil && len(r.Key) > 0 && len(r.Key) <= MaxKey && len(r.Value) <= MaxValue && bytes.Equal(same.Key, r.Key) &&
		bytes.Equal(same.Value, r.Value) {
		return nil
	}
	return message.Errorf("lists.bad-row", message.String("kind", string(k)), message.Quoted("key", r.Key))
}
