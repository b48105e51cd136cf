// Package clearancetest has lists in memory for tests of clearance and of those who use it.
package clearancetest

import (
	"encoding/hex"
	"io"
	"strings"

	"lanewarden/firmware-config/lists"
)

// Lists implements clearance.Lists with rows in memory. The zero value has no list. Fill it with Put, then do not change
// it while it is used.
type Lists struct {
	// InForce are the versions, one of each list that is there.
	InForce []lists.Version
	// Unreadable are lists that answer with an error.
	Unreadable map[lists.Kind]bool

	drivers   map[string][]lists.Driver
	cards     map[string][]lists.Driver
	carriers  map[string]lists.Carrier
	importers map[string]lists.Importer
	pairs     map[[2]string]lists.Pair
	targets   map[lists.KeyType][]lists.Target
	shipments map[string]lists.Shipment
	trips     map[string][]lists.Shipment
	transits  map[string]lists.Transit
	rates     []lists.Rate
}

// New returns lists without rows.
func New() *Lists {
	return &Lists{
		Unreadable: map[lists.Kind]bool{}, drivers: map[string][]lists.Driver{}, cards: map[string][]lists.Driver{},
		carriers: map[string]lists.Carrier{}, importers: map[string]lists.Importer{}, pairs: map[[2]string]lists.Pair{},
		targets: map[lists.KeyType][]lists.Target{}, shipments: map[string]lists.Shipment{},
		trips: map[string][]lists.Shipment{}, transits: map[string]lists.Transit{},
	}
}

// Put adds a row of any list. It panics for what is none: a mistake in a test.
func (l *Lists) Put(row any) {
	switch r := row.(type) {
	case lists.Driver:
		l.drivers[r.Number] = append(l.drivers[r.Number], r)
		if len(r.EPC) > 0 {
			epc := hex.EncodeToString(r.EPC)
			l.cards[epc] = append(l.cards[epc], r)
		}
	case lists.Carrier:
		l.carriers[r.Code] = r
	case lists.Importer:
		l.importers[r.BN15] = r
	case lists.Pair:
		l.pairs[[2]string{r.Carrier, r.Importer}] = r
	case lists.Target:
		l.targets[r.Type] = append(l.targets[r.Type], r)
	case lists.Shipment:
		l.shipments[r.CCN] = r
		if r.CRN != "" {
			l.trips[r.CRN] = append(l.trips[r.CRN], r)
		}
	case lists.Transit:
		l.transits[r.Container] = r
	case lists.Rate:
		l.rates = append(l.rates, r)
	default:
		panic("clearancetest: no row of a list")
	}
}

// Drop removes all rows of a list.
func (l *Lists) Drop(k lists.Kind) {
	switch k {
	case lists.Drivers:
		clear(l.drivers)
		clear(l.cards)
	case lists.Carriers:
		clear(l.carriers)
	case lists.Importers:
		clear(l.importers)
	case lists.Pairs:
		clear(l.pairs)
	case lists.Targets:
		clear(l.targets)
	case lists.Manifest:
		clear(l.shipments)
		clear(l.trips)
	case lists.InTransit:
		clear(l.transits)
	case lists.Rates:
		l.rates = nil
	}
}

// err returns the error of a list that cannot be read.
func (l *Lists) err(k lists.Kind) error {
	if l.Unreadable[k] {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Versions implements clearance.Lists.
func (l *Lists) Versions() []lists.Version { return l.InForce }

// DriversByNumber implements clearance.Lists.
func (l *Lists) DriversByNumber(number string) ([]lists.Driver, error) {
	return l.drivers[number], l.err(lists.Drivers)
}

// DriversByCard implements clearance.Lists.
func (l *Lists) DriversByCard(epc []byte) ([]lists.Driver, error) {
	return l.cards[hex.EncodeToString(epc)], l.err(lists.Drivers)
}

// Carrier implements clearance.Lists.
func (l *Lists) Carrier(code string) (lists.Carrier, bool, error) {
	c, found := l.carriers[code]
	return c, found, l.err(lists.Carriers)
}

// Importer implements clearance.Lists.
func (l *Lists) Importer(bn15 string) (lists.Importer, bool, error) {
	i, found := l.importers[bn15]
	return i, found, l.err(lists.Importers)
}

// Pair implements clearance.Lists.
func (l *Lists) Pair(carrier, importer string) (lists.Pair, bool, error) {
	p, found := l.pairs[[2]string{carrier, importer}]
	return p, found, l.err(lists.Pairs)
}

// Targets implements clearance.Lists.
func (l *Lists) Targets(t lists.KeyType, key string) (out []lists.Target, err error) {
	for _, one := range l.targets[t] {
		if one.Key == key || one.Prefix && strings.HasPrefix(key, one.Key) {
			out = append(out, one)
		}
	}
	return out, l.err(lists.Targets)
}

// Shipment implements clearance.Lists.
func (l *Lists) Shipment(ccn string) (lists.Shipment, bool, error) {
	s, found := l.shipments[ccn]
	return s, found, l.err(lists.Manifest)
}

// ShipmentsOfTrip implements clearance.Lists.
func (l *Lists) ShipmentsOfTrip(crn string) ([]lists.Shipment, error) {
	return l.trips[crn], l.err(lists.Manifest)
}

// Transit implements clearance.Lists.
func (l *Lists) Transit(container string) (lists.Transit, bool, error) {
	t, found := l.transits[container]
	return t, found, l.err(lists.InTransit)
}

// Rates implements clearance.Lists.
func (l *Lists) Rates() ([]lists.Rate, error) { return l.rates, l.err(lists.Rates) }
