package clearance

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/firmware-config/lists"
)

// shown is what the presented codes and cards are, after lists were asked.
type shown struct {
	drivers    []driver
	carriers   []named
	importers  []named
	ccns       []named
	trips      []named
	containers []named
	seals      []named

	ambiguous []undecided
	misread   []Code // wrong check digit
	unknown   []Code
	cloned    []clone
	unreadTID []clone
}

// named is a value with the row that it was read in.
type named struct {
	value string
	row   int64
}

// driver is a driver that was shown, with the rows of the list.
type driver struct {
	named
	listed []lists.Driver
}

// clone is a card whose chip is not, or may not be, the one of the list.
type clone struct {
	number string
	row    int64
}

// role is what a code can name.
type role int

// The roles.
const (
	asDriver role = iota
	asCarrier
	asImporter
	asCCN
	asTrip
	asContainer
	asSeal
)

// roleOf says what kinds of identifiers name; other kinds name nothing here.
var roleOf = map[identifier.Kind]role{
	identifier.DriverNumber: asDriver, identifier.DriverCard: asDriver, identifier.ACEDriver: asDriver,
	identifier.CarrierCode: asCarrier, identifier.CarrierCard: asCarrier,
	identifier.Importer:     asImporter,
	identifier.CargoControl: asCCN, identifier.Transaction: asCCN, identifier.EntryNumber: asCCN,
	identifier.InBond: asCCN, identifier.AirWaybill: asCCN,
	identifier.Conveyance: asTrip, identifier.TripNumber: asTrip, identifier.TruckManifest: asTrip,
	identifier.Container: asContainer, identifier.RailCar: asContainer, identifier.UICWagon: asContainer,
	identifier.ULD: asContainer, identifier.Seal: asSeal,
}

// candidate is one thing that a code can be.
type candidate struct {
	role  role
	value string
	check identifier.Check
}

// undecided is a code with what it can be.
type undecided struct {
	code Code
	can  []candidate
}

// can reports whether a code can have a role.
func (u undecided) canBe(r role) (candidate, bool) {
	i := slices.IndexFunc(u.can, func(c candidate) bool { return c.role == r && c.check != identifier.CheckWrong })
	if i < 0 {
		return candidate{}, false
	}
	return u.can[i], true
}

// resolve finds out what codes are. Their order does not matter.
func resolve(p *Presented, b *book) shown {
	s := &shown{}
	for _, c := range p.Cards {
		s.addCard(c, b)
	}
	for _, c := range p.Containers {
		s.addContainer(c)
	}
	for _, c := range p.Seals {
		s.seals = append(s.seals, named{identifier.NormalSeal(c.Value), c.Row})
	}
	var open, unlisted []undecided
	for _, u := range candidatesOf(p.Codes) {
		switch listed := u.listed(b); {
		case len(listed) == 1:
			s.assign(listed[0], u.code, b)
		case len(listed) > 1:
			open = append(open, undecided{u.code, listed})
		default:
			unlisted = append(unlisted, u)
		}
	}
	s.settle(open, b)
	s.byForm(s.expectedSeals(unlisted, b), b)
	s.sort()
	return *s
}

// candidatesOf returns what each code can be, in the order of values.
func candidatesOf(codes []Code) (out []undecided) {
	for _, c := range codes {
		if c.Kind.Personal() {
			continue
		}
		out = append(out, undecided{c, candidates(c)})
	}
	slices.SortStableFunc(out, func(a, b undecided) int {
		return cmp.Or(strings.Compare(a.code.Value, b.code.Value), cmp.Compare(a.code.Row, b.code.Row))
	})
	return out
}

// candidates returns what a code can be, best first. Of a code to which a scanner's settings gave its kind there is one.
func candidates(c Code) (out []candidate) {
	add := func(n candidate) {
		if n.value != "" && !slices.ContainsFunc(out, func(o candidate) bool { return o.role == n.role }) {
			out = append(out, n)
		}
	}
	for _, r := range append([]Code{c}, c.Alternatives...) {
		if role, ok := roleOf[r.Kind]; ok {
			add(candidate{role, r.Value, r.Check})
		}
	}
	if c.Kind == identifier.DriverCard || c.Kind == identifier.CarrierCard {
		return out[:min(len(out), 1)]
	}
	if r, err := identifier.ParseDriverNumber(c.Value); err == nil {
		add(candidate{asDriver, r.Value, identifier.CheckNone})
	}
	return out
}

// listed returns the candidates that a list has.
func (u undecided) listed(b *book) (out []candidate) {
	for _, c := range u.can {
		if c.check != identifier.CheckWrong && b.has(c) {
			out = append(out, c)
		}
	}
	return out
}

// has reports whether a list has a candidate.
func (b *book) has(c candidate) (found bool) {
	switch c.role {
	case asDriver:
		return len(b.driversByNumber(c.value)) > 0
	case asCarrier:
		_, found = b.carrier(c.value)
	case asImporter:
		_, found = b.importer(c.value)
	case asCCN:
		_, found = b.shipment(c.value)
	case asTrip:
		return len(b.shipmentsOfTrip(c.value)) > 0
	case asContainer:
		_, found = b.transit(c.value)
	}
	return found
}

// assign notes that a code is a candidate.
func (s *shown) assign(c candidate, of Code, b *book) {
	n := named{c.value, of.Row}
	switch c.role {
	case asDriver:
		s.addDriver(n, b.driversByNumber(c.value))
	case asCarrier:
		s.carriers = append(s.carriers, n)
	case asImporter:
		s.importers = append(s.importers, n)
	case asCCN:
		s.ccns = append(s.ccns, n)
	case asTrip:
		s.trips = append(s.trips, n)
	case asContainer:
		s.containers = append(s.containers, n)
	case asSeal:
		s.seals = append(s.seals, n)
	}
}

// settle decides about codes that several lists have: what another code is already, this one is not. What stays open is
// ambiguous. Each round looks at all codes before it changes anything, so that their order does not matter.
func (s *shown) settle(open []undecided, b *book) {
	for len(open) > 0 {
		var rest, clear []undecided
		for _, u := range open {
			if left := s.without(u.can); len(left) == 1 {
				clear = append(clear, undecided{u.code, left})
			} else {
				rest = append(rest, u)
			}
		}
		for _, u := range clear {
			s.assign(u.can[0], u.code, b)
		}
		if open = rest; len(clear) == 0 {
			break
		}
	}
	s.ambiguous = open
}

// without returns candidates but those for a place that is taken.
func (s *shown) without(can []candidate) (left []candidate) {
	for _, c := range can {
		if c.role == asDriver && len(s.drivers) > 0 || c.role == asCarrier && len(s.carriers) > 0 {
			continue
		}
		left = append(left, c)
	}
	return left
}

// expectedSeals takes codes out that are seals of a container that was shown: seals have no form of their own.
func (s *shown) expectedSeals(unlisted []undecided, b *book) (rest []undecided) {
	expected := map[string]bool{}
	for _, c := range s.containers {
		if t, found := b.transit(c.value); found {
			for _, seal := range t.Seals {
				expected[seal] = true
			}
		}
	}
	for _, u := range unlisted {
		if seal := identifier.NormalSeal(u.code.Value); expected[seal] {
			s.seals = append(s.seals, named{seal, u.code.Row})
		} else {
			rest = append(rest, u)
		}
	}
	return rest
}

// byForm decides about codes that no list has.
func (s *shown) byForm(unlisted []undecided, b *book) {
	var rest []undecided
	for _, u := range unlisted { // forms that hardly anything else has
		if len(u.can) == 0 {
			s.unknown = append(s.unknown, u.code)
			continue
		}
		switch best := u.can[0]; {
		case u.code.Check == identifier.CheckWrong:
			s.misread = append(s.misread, u.code)
		case best.role == asImporter, best.role == asContainer && u.code.Check != identifier.CheckNone,
			best.role == asSeal, best.role == asDriver && u.code.Kind != identifier.Unknown, best.role == asCarrier && len(s.carriers) == 0:
			s.assign(best, u.code, b)
		default:
			rest = append(rest, u)
		}
	}
	for _, u := range s.unlistedDriver(rest, b) {
		switch u.code.Kind {
		case identifier.CargoControl, identifier.Conveyance, identifier.TripNumber, identifier.TruckManifest,
			identifier.CarrierCode, identifier.CarrierCard, identifier.RailCar:
			s.assign(u.can[0], u.code, b)
		default:
			s.unknown = append(s.unknown, u.code)
		}
	}
}

// unlistedDriver takes the one code out that must be the driver's: an importer was shown and no driver, and there is
// only one code that can be a driver's number without being more clearly something else.
func (s *shown) unlistedDriver(codes []undecided, b *book) (rest []undecided) {
	at := -1
	for i, u := range codes {
		if _, can := u.canBe(asDriver); !can || strings.Contains(u.code.Value, "PARS") ||
			u.code.Check == identifier.CheckOK || u.code.Check == identifier.CheckWeak {
			continue
		}
		if at >= 0 {
			return codes // two: neither
		}
		at = i
	}
	if at < 0 || len(s.drivers) > 0 || len(s.importers) == 0 {
		return codes
	}
	c, _ := codes[at].canBe(asDriver)
	s.assign(c, codes[at].code, b)
	return slices.Delete(slices.Clone(codes), at, at+1)
}

// addDriver adds a driver, or rows of a card to the one who is known already.
func (s *shown) addDriver(n named, listed []lists.Driver) {
	i := slices.IndexFunc(s.drivers, func(d driver) bool { return d.value == n.value })
	if i < 0 {
		s.drivers = append(s.drivers, driver{n, listed})
	} // a number that a card gave already: the card says of which program
}

// addCard adds the driver whose card was read. Tags that are nobody's card are left to the targets.
func (s *shown) addCard(c Card, b *book) {
	if len(c.EPC) == 0 {
		return
	}
	listed := b.driversByCard(c.EPC)
	same := slices.DeleteFunc(slices.Clone(listed), func(d lists.Driver) bool {
		return len(d.TID) > 0 && len(c.TID) > 0 && !bytes.Equal(d.TID, c.TID)
	})
	if len(same) == 0 {
		same = listed
		for _, d := range listed {
			s.cloned = append(s.cloned, clone{d.Number, c.Row})
		}
	}
	for _, d := range same {
		if len(d.TID) > 0 && len(c.TID) == 0 {
			s.unreadTID = append(s.unreadTID, clone{d.Number, c.Row})
		}
		s.addDriver(named{d.Number, c.Row}, slices.DeleteFunc(slices.Clone(same), func(o lists.Driver) bool {
			return o.Number != d.Number
		}))
	}
}

// addContainer adds a container that a device read.
func (s *shown) addContainer(c Code) {
	if c.Check == identifier.CheckWrong {
		s.misread = append(s.misread, c)
		return
	}
	s.containers = append(s.containers, named{c.Value, c.Row})
}

// sort puts each kind in the order of values, each once.
func (s *shown) sort() {
	for _, all := range []*[]named{&s.carriers, &s.importers, &s.ccns, &s.trips, &s.containers, &s.seals} {
		slices.SortFunc(*all, compareNamed)
		*all = slices.CompactFunc(*all, func(a, b named) bool { return a.value == b.value })
	}
	slices.SortFunc(s.drivers, func(a, b driver) int { return compareNamed(a.named, b.named) })
}

func compareNamed(a, b named) int {
	return cmp.Or(strings.Compare(a.value, b.value), cmp.Compare(a.row, b.row))
}

// values returns the values of what is shown.
func values(all []named) []string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.value
	}
	return out
}

// has reports whether a value is among those shown.
func has(all []named, value string) bool {
	return slices.ContainsFunc(all, func(n named) bool { return n.value == value })
}

// numbers returns drivers as values.
func numbers(all []driver) []named {
	out := make([]named, len(all))
	for i, d := range all {
		out[i] = d.named
	}
	return out
}

// rowsOf returns the rows in which values were read.
func rowsOf(all []named) []int64 {
	out := make([]int64, len(all))
	for i, n := range all {
		out[i] = n.row
	}
	return out
}
