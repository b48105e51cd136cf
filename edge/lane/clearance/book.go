package clearance

import (
	"slices"

	"lanewarden/firmware-config/lists"
)

// book looks rows up for one decision and notes which lists cannot be read.
type book struct {
	lists    Lists
	versions []lists.Version
	unread   map[lists.Kind]bool
}

func newBook(l Lists) *book {
	b := &book{lists: l, versions: l.Versions(), unread: map[lists.Kind]bool{}}
	return b
}

// version returns the version in force of a list.
func (b *book) version(k lists.Kind) (v lists.Version, found bool) {
	i := slices.IndexFunc(b.versions, func(v lists.Version) bool { return v.Kind == k })
	if i < 0 {
		return lists.Version{}, false
	}
	return b.versions[i], true
}

// note notes the error of a list. What was found beside an error does not count.
func (b *book) note(k lists.Kind, err error) bool {
	if err != nil {
		b.unread[k] = true
	}
	return err == nil
}

func (b *book) driversByNumber(number string) []lists.Driver {
	rows, err := b.lists.DriversByNumber(number)
	if !b.note(lists.Drivers, err) {
		return nil
	}
	return rows
}

func (b *book) driversByCard(epc []byte) []lists.Driver {
	rows, err := b.lists.DriversByCard(epc)
	if !b.note(lists.Drivers, err) {
		return nil
	}
	return rows
}

func (b *book) carrier(code string) (lists.Carrier, bool) {
	c, found, err := b.lists.Carrier(code)
	return c, b.note(lists.Carriers, err) && found
}

func (b *book) importer(bn15 string) (lists.Importer, bool) {
	i, found, err := b.lists.Importer(bn15)
	return i, b.note(lists.Importers, err) && found
}

func (b *book) pair(carrier, importer string) (lists.Pair, bool) {
	p, found, err := b.lists.Pair(carrier, importer)
	return p, b.note(lists.Pairs, err) && found
}

func (b *book) targets(t lists.KeyType, key string) []lists.Target {
	rows, err := b.lists.Targets(t, key)
	if !b.note(lists.Targets, err) {
		return nil
	}
	return rows
}

func (b *book) shipment(ccn string) (lists.Shipment, bool) {
	s, found, err := b.lists.Shipment(ccn)
	return s, b.note(lists.Manifest, err) && found
}

func (b *book) shipmentsOfTrip(crn string) []lists.Shipment {
	rows, err := b.lists.ShipmentsOfTrip(crn)
	if !b.note(lists.Manifest, err) {
		return nil
	}
	return rows
}

func (b *book) transit(container string) (lists.Transit, bool) {
	t, found, err := b.lists.Transit(container)
	return t, b.note(lists.InTransit, err) && found
}

func (b *book) rates() []lists.Rate {
	rows, err := b.lists.Rates()
	if !b.note(lists.Rates, err) {
		return nil
	}
	return rows
}

// noLists is a lane to which no list has come yet.
type noLists struct{}

func (noLists) Versions() []lists.Version                              { return nil }
func (noLists) DriversByNumber(string) ([]lists.Driver, error)         { return nil, nil }
func (noLists) DriversByCard([]byte) ([]lists.Driver, error)           { return nil, nil }
func (noLists) Carrier(string) (c lists.Carrier, ok bool, err error)   { return }
func (noLists) Importer(string) (i lists.Importer, ok bool, err error) { return }
func (noLists) Pair(_, _ string) (p lists.Pair, ok bool, err error)    { return }
func (noLists) Targets(lists.KeyType, string) ([]lists.Target, error)  { return nil, nil }
func (noLists) Shipment(string) (s lists.Shipment, ok bool, err error) { return }
func (noLists) ShipmentsOfTrip(string) ([]lists.Shipment, error)       { return nil, nil }
func (noLists) Transit(string) (t lists.Transit, ok bool, err error)   { return }
func (noLists) Rates() ([]lists.Rate, error)                           { return nil, nil }
