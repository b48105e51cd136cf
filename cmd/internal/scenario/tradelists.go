package scenario

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"lanewarden/edge/lane/clearance"
	"lanewarden/firmware-config/lists"
)

// Lists answers for a trade's lists from memory, as of some moment.
type Lists struct {
	trade  *Trade
	issued time.Time
}

var _ clearance.Lists = (*Lists)(nil)

// Lists returns the trade's lists as issued at a moment.
func (t *Trade) Lists(issued time.Time) *Lists { return &Lists{t, issued} }

// Versions implements clearance.Lists.
func (l *Lists) Versions() (out []lists.Version) {
	for _, k := range lists.Kinds() {
		out = append(out, lists.Version{Kind: k, Number: 1, Issued: l.issued})
	}
	return out
}

// Rows returns the rows of a list in the order of their keys.
func (t *Trade) Rows(kind lists.Kind) (rows []lists.Row) {
	switch kind {
	case lists.Drivers:
		rows = rowsOf(t.Drivers)
	case lists.Carriers:
		rows = rowsOf(t.Carriers)
	case lists.Importers:
		rows = rowsOf(t.Importers)
	case lists.Pairs:
		rows = rowsOf(t.Pairs)
	case lists.Targets:
		rows = rowsOf(t.Targets)
	case lists.Manifest:
		rows = rowsOf(t.Manifest)
	case lists.Rates:
		rows = rowsOf([]lists.Rate{usualRate})
	}
	slices.SortFunc(rows, func(a, b lists.Row) int { return bytes.Compare(a.Key, b.Key) })
	return rows
}

func rowsOf[E interface{ Row() lists.Row }](entries []E) (rows []lists.Row) {
	for _, e := range entries {
		rows = append(rows, e.Row())
	}
	return rows
}

// WriteList writes a list as the full file of a version.
func (t *Trade) WriteList(out io.WriteSeeker, kind lists.Kind, number int64, issued time.Time) error {
	rows := t.Rows(kind)
	w, err := lists.NewWriter(out)
	if err != nil {
		return err
	}
	var sum lists.Sum
	for _, r := range rows {
		sum.Add(r)
		if err := w.Put(r); err != nil {
			return err
		}
	}
	n := int64(len(rows))
	return w.Close(lists.Header{Version: lists.Version{Kind: kind, Number: number, Issued: issued, Rows: n, SHA256: sum.Name(kind, n)}})
}

// usualRate is the share of vehicles that are checked at random.
var usualRate = lists.Rate{Site: "*", Lane: "*", Class: "*", Share: 0.03}

// all returns the entries that match.
func all[T any](entries []T, match func(*T) bool) (out []T) {
	for i := range entries {
		if match(&entries[i]) {
			out = append(out, entries[i])
		}
	}
	return out
}

// first returns the first entry that matches.
func first[T any](entries []T, match func(*T) bool) (one T, found bool, err error) {
	for i := range entries {
		if match(&entries[i]) {
			return entries[i], true, nil
		}
	}
	return one, false, nil
}

// DriversByNumber implements clearance.Lists.
func (l *Lists) DriversByNumber(number string) ([]lists.Driver, error) {
	return all(l.trade.Drivers, func(d *lists.Driver) bool { return d.Number == number }), nil
}

// DriversByCard implements clearance.Lists.
func (l *Lists) DriversByCard(epc []byte) ([]lists.Driver, error) {
	return all(l.trade.Drivers, func(d *lists.Driver) bool { return len(d.EPC) > 0 && bytes.Equal(d.EPC, epc) }), nil
}

// Carrier implements clearance.Lists.
func (l *Lists) Carrier(code string) (lists.Carrier, bool, error) {
	return first(l.trade.Carriers, func(c *lists.Carrier) bool { return c.Code == code })
}

// Importer implements clearance.Lists.
func (l *Lists) Importer(bn15 string) (lists.Importer, bool, error) {
	return first(l.trade.Importers, func(i *lists.Importer) bool { return i.BN15 == bn15 })
}

// Pair implements clearance.Lists.
func (l *Lists) Pair(carrier, importer string) (lists.Pair, bool, error) {
	return first(l.trade.Pairs, func(p *lists.Pair) bool { return p.Carrier == carrier && p.Importer == importer })
}

// Targets implements clearance.Lists.
func (l *Lists) Targets(t lists.KeyType, key string) ([]lists.Target, error) {
	return all(l.trade.Targets, func(one *lists.Target) bool {
		return one.Type == t && (one.Key == key || one.Prefix && strings.HasPrefix(key, one.Key))
	}), nil
}

// Shipment implements clearance.Lists.
func (l *Lists) Shipment(ccn string) (lists.Shipment, bool, error) {
	return first(l.trade.Manifest, func(s *lists.Shipment) bool { return s.CCN == ccn })
}

// ShipmentsOfTrip implements clearance.Lists.
func (l *Lists) ShipmentsOfTrip(crn string) ([]lists.Shipment, error) {
	return all(l.trade.Manifest, func(s *lists.Shipment) bool { return s.CRN != "" && s.CRN == crn }), nil
}

// Transit implements clearance.Lists: nothing is under way.
func (l *Lists) Transit(string) (lists.Transit, bool, error) { return lists.Transit{}, false, nil }

// Rates implements clearance.Lists.
func (l *Lists) Rates() ([]lists.Rate, error) {
	return []lists.Rate{usualRate}, nil
}
