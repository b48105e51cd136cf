package liststore

import (
	"bytes"
	"slices"
	"strings"

	"lanewarden/firmware-config/lists"
)

// view is the lists at one moment. It implements clearance.Lists.
type view struct{ open map[lists.Kind]*list }

// Versions implements clearance.Lists.
func (v view) Versions() (all []lists.Version) {
	for _, l := range v.open {
		all = append(all, l.Version)
	}
	slices.SortFunc(all, func(a, b lists.Version) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return all
}

// first is the lowest key behind those that begin with a key and its separator.
func behind(prefix []byte) []byte {
	high := bytes.Clone(prefix)
	high[len(high)-1]++ // it ends with the separator, 0
	return high
}

// rows returns all rows of a list whose keys are from low to before high. A list that is not there has none.
func rows[T any](v view, kind lists.Kind, low, high []byte, decode func(lists.Row) (T, error)) (all []T, err error) {
	l := v.open[kind]
	if l == nil {
		return nil, nil
	}
	var wrong error
	err = l.scanMain(low, high, func(r lists.Row) bool {
		var row T
		row, wrong = decode(r)
		all = append(all, row)
		return wrong == nil
	})
	if err == nil {
		err = wrong
	}
	return all, err
}

// one returns the row with a key.
func one[T any](v view, kind lists.Kind, key []byte, decode func(lists.Row) (T, error)) (row T, found bool, err error) {
	all, err := rows(v, kind, key, append(bytes.Clone(key), 0), decode)
	if err != nil || len(all) == 0 {
		return row, false, err
	}
	return all[0], true, nil
}

// byIndex returns the rows that an index has for something.
func byIndex[T any](v view, kind lists.Kind, what []byte, decode func(lists.Row) (T, error)) (all []T, err error) {
	l := v.open[kind]
	if l == nil || len(what) == 0 {
		return nil, nil
	}
	var keys [][]byte
	low := hashed(what)
	err = l.scanOther(low, after(low), func(r lists.Row) bool {
		keys = append(keys, unpackKey(r.Key[indexHash:]))
		return true
	})
	for _, key := range keys {
		row, found, err := one(v, kind, key, decode)
		if err != nil {
			return nil, err
		}
		if found {
			all = append(all, row)
		}
	}
	return all, err
}

// after is the lowest key behind those that begin with a prefix; nil bytes of 0xff make one that is longer.
func after(prefix []byte) []byte {
	high := bytes.Clone(prefix)
	for i := len(high) - 1; i >= 0; i-- {
		if high[i]++; high[i] != 0 {
			return high
		}
	}
	return append(bytes.Repeat([]byte{0xff}, len(prefix)), bytes.Repeat([]byte{0xff}, lists.MaxKey)...)
}

// DriversByNumber implements clearance.Lists.
func (v view) DriversByNumber(number string) ([]lists.Driver, error) {
	low := lists.KeyOf(number, "")
	return rows(v, lists.Drivers, low, behind(low), lists.DecodeDriver)
}

// DriversByCard implements clearance.Lists.
func (v view) DriversByCard(epc []byte) ([]lists.Driver, error) {
	all, err := byIndex(v, lists.Drivers, epc, lists.DecodeDriver)
	return slices.DeleteFunc(all, func(d lists.Driver) bool { return !bytes.Equal(d.EPC, epc) }), err
}

// Carrier implements clearance.Lists.
func (v view) Carrier(code string) (lists.Carrier, bool, error) {
	return one(v, lists.Carriers, []byte(code), lists.DecodeCarrier)
}

// Importer implements clearance.Lists.
func (v view) Importer(bn15 string) (lists.Importer, bool, error) {
	return one(v, lists.Importers, []byte(bn15), lists.DecodeImporter)
}

// Pair implements clearance.Lists.
func (v view) Pair(carrier, importer string) (lists.Pair, bool, error) {
	return one(v, lists.Pairs, lists.KeyOf(carrier, importer), lists.DecodePair)
}

// Targets implements clearance.Lists: one look for the key itself, and one for each beginning that may be there.
func (v view) Targets(t lists.KeyType, key string) (all []lists.Target, err error) {
	l := v.open[lists.Targets]
	if l == nil || !slices.Contains(lists.KeyTypes(), t) {
		return nil, nil
	}
	look := func(key string, prefix bool) error {
		low := lists.TargetKey(t, key, prefix)
		found, err := rows(v, lists.Targets, low, behind(low), lists.DecodeTarget)
		all = append(all, found...)
		return err
	}
	if err := look(key, false); err != nil {
		return nil, err
	}
	err = l.begins.of(t, key, func(beginning string) error { return look(beginning, true) })
	return all, err
}

// Shipment implements clearance.Lists.
func (v view) Shipment(ccn string) (lists.Shipment, bool, error) {
	return one(v, lists.Manifest, []byte(ccn), lists.DecodeShipment)
}

// ShipmentsOfTrip implements clearance.Lists.
func (v view) ShipmentsOfTrip(crn string) ([]lists.Shipment, error) {
	all, err := byIndex(v, lists.Manifest, []byte(crn), lists.DecodeShipment)
	return slices.DeleteFunc(all, func(s lists.Shipment) bool { return s.CRN != crn }), err
}

// Transit implements clearance.Lists.
func (v view) Transit(container string) (lists.Transit, bool, error) {
	return one(v, lists.InTransit, []byte(container), lists.DecodeTransit)
}

// Rates implements clearance.Lists.
func (v view) Rates() ([]lists.Rate, error) {
	return rows(v, lists.Rates, nil, after(nil), lists.DecodeRate)
}
