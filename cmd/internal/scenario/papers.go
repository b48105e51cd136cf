package scenario

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/firmware-config/lists"
)

// Papers are shares of vehicles by what their drivers show at the booth; the rest shows nothing.
type Papers struct {
	CSA      float64 `yaml:"csa" default:"0" min:"0" max:"1" help:"carrier, importer and driver of Customs Self Assessment"`
	Manifest float64 `yaml:"manifest" default:"0" min:"0" max:"1" help:"a cargo control number that is announced"`
	// Wrong is the share of these with which something is wrong; each fault of its class is as likely.
	Wrong float64 `yaml:"wrong" default:"0" min:"0" max:"1" help:"papers with which something is wrong"`
}

// Shown is what a driver shows, and the truth about it.
type Shown struct {
	Class string   // csa or manifest; "" for nothing
	Codes []string // as the scanner reads them, in the order in which they are shown
	Fault Fault    // what is wrong with them; "" for nothing
}

// Fault is what is wrong with papers, by the reason that clearance must give for it (docs/clearance.md).
type Fault string

// faults of each class.
var faults = map[string][]Fault{
	"csa": {
		"DRIVER-UNKNOWN", "DRIVER-SUSPENDED", "DRIVER-EXPIRED", "CARRIER-SUSPENDED", "IMPORTER-REVOKED", "PAIR-UNKNOWN",
		"IMPORTER-MISSING", "DRIVER-MISSING", "TARGET",
	},
	"manifest": {"MANIFEST-UNKNOWN", "MANIFEST-LATE", "TARGET"},
}

// Trade is who brings what for whom: the lists of a scenario's site. All trades are the same but for their dates.
type Trade struct {
	at        time.Time // when it is in force
	Drivers   []lists.Driver
	Carriers  []lists.Carrier
	Importers []lists.Importer
	Pairs     []lists.Pair
	Targets   []lists.Target
	Manifest  []lists.Shipment
}

// Sizes of a trade.
const (
	tradeCarriers  = 40
	tradeImporters = 60
	tradeDrivers   = 400
	tradePairs     = 12 // importers of each carrier
	tradeManifest  = 4000
)

// Those at the end of each list are not in force.
const (
	suspended = 3 // of carriers and drivers
	revoked   = 3 // of importers
	expired   = 3 // of drivers, before those that are suspended
	late      = 40
	targeted  = 20 // of shipments, before those that are late; of drivers, before those that are expired
)

// NewTrade returns the trade of scenarios that are played at a time.
func NewTrade(at time.Time) *Trade {
	at = at.UTC().Truncate(24 * time.Hour)
	t := &Trade{at: at}
	year := lists.Period{From: at.AddDate(-1, 0, 0), To: at.AddDate(1, 0, 0)}
	for i := range tradeCarriers {
		c := lists.Carrier{Code: fmt.Sprintf("9%03d", 100+i), Name: fmt.Sprintf("Carrier %d", i+1), Programs: []string{"CSA"},
			Status: lists.Active, Valid: lists.Period{To: year.To}}
		if i >= tradeCarriers-suspended {
			c.Status = lists.Suspended
		}
		t.Carriers = append(t.Carriers, c)
	}
	for i := range tradeImporters {
		one := lists.Importer{BN15: businessNumber(81000000 + i), Name: fmt.Sprintf("Importer %d", i+1),
			Programs: []string{"CSA"}, Status: lists.Active, Valid: lists.Period{To: year.To}}
		if i >= tradeImporters-revoked {
			one.Status = lists.Revoked
		}
		t.Importers = append(t.Importers, one)
	}
	t.addDrivers(year)
	t.addPairs(year.To)
	t.addManifest()
	return t
}

// businessNumber returns a BN15 with a valid check digit for eight digits.
func businessNumber(n int) string {
	for digit := range 10 {
		text := fmt.Sprintf("%08d%dRM0001", n, digit)
		if r, err := identifier.ParseImporter(text); err == nil && r.Check == identifier.CheckOK {
			return text
		}
	}
	return ""
}

func (t *Trade) addDrivers(valid lists.Period) {
	for i := range tradeDrivers {
		d := lists.Driver{Program: "CDRP", Number: fmt.Sprintf("CD%06d", 700000+i), Status: lists.Active, Valid: valid}
		switch {
		case i >= tradeDrivers-suspended:
			d.Status = lists.Suspended
		case i >= tradeDrivers-suspended-expired:
			d.Valid.To = t.at.AddDate(0, -1, 0)
		case i >= tradeDrivers-suspended-expired-targeted:
			t.target(lists.TargetDriver, d.Number)
		}
		t.Drivers = append(t.Drivers, d)
	}
}

func (t *Trade) target(of lists.KeyType, key string) {
	t.Targets = append(t.Targets, lists.Target{
		Type: of, Key: key, Exams: []string{"DOC", "IMG"}, Priority: 3, ReasonCode: "T1", Releasability: "internal",
		Issuer: "centre", Valid: lists.Period{From: t.at.AddDate(-1, 0, 0), To: t.at.AddDate(1, 0, 0)},
	})
}

func (t *Trade) addPairs(until time.Time) {
	for i := range t.Carriers {
		for k := range tradePairs {
			t.Pairs = append(t.Pairs, lists.Pair{
				Carrier: t.Carriers[i].Code, Importer: t.Importers[(7*i+k)%tradeImporters].BN15, Valid: lists.Period{To: until},
			})
		}
	}
}

func (t *Trade) addManifest() {
	for i := range tradeManifest {
		c, by := &t.Carriers[i%(tradeCarriers-suspended)], &t.Importers[(i/7)%(tradeImporters-revoked)]
		s := lists.Shipment{
			CCN: fmt.Sprintf("%sPARS%05d", c.Code, i), Carrier: c.Code, Importer: by.BN15, Pieces: 1 + i%40, HS: []string{"8708"},
			Goods:   "vehicle parts",
			Arrival: lists.Period{From: t.at.AddDate(0, 0, -1), To: t.at.AddDate(0, 2, 0)},
		}
		switch {
		case i >= tradeManifest-late:
			s.Arrival = lists.Period{From: t.at.AddDate(0, 0, -9), To: t.at.AddDate(0, 0, -8)}
		case i >= tradeManifest-late-targeted:
			t.target(lists.TargetCCN, s.CCN)
		}
		t.Manifest = append(t.Manifest, s)
	}
}

// sound returns the number of entries of a list with which nothing is wrong.
func (t *Trade) soundDrivers() int  { return tradeDrivers - suspended - expired - targeted }
func (t *Trade) soundShipment() int { return tradeManifest - late - targeted }

// papers draws what the driver of the ith vehicle shows. Each announced shipment comes once in a day, as far as they go.
func (g *generator) papers(i int, v *Vehicle) Shown {
	if g.trade == nil || v.Type.Faint {
		return Shown{}
	}
	s := Shown{}
	switch draw := g.office.Float64(); {
	case draw < g.Papers.CSA:
		s.Class = "csa"
	case draw < g.Papers.CSA+g.Papers.Manifest:
		s.Class = "manifest"
	default:
		return s
	}
	if g.office.Float64() < g.Papers.Wrong {
		all := faults[s.Class]
		s.Fault = all[g.office.IntN(len(all))]
	}
	if s.Class == "csa" {
		s.Codes = g.trade.csa(g.office, s.Fault)
	} else {
		s.Codes = g.trade.manifest(i, s.Fault)
	}
	return s
}

// csa returns the three codes of Customs Self Assessment, in any order.
func (t *Trade) csa(rng *rand.Rand, fault Fault) []string {
	c := rng.IntN(tradeCarriers - suspended)
	if fault == "CARRIER-SUSPENDED" {
		c = tradeCarriers - 1 - rng.IntN(suspended)
	}
	carrier := t.Carriers[c].Code
	var importer string
	for { // one of the carrier's that is in force, or not, as the fault has it
		one := t.Importers[(7*c+rng.IntN(tradePairs))%tradeImporters]
		switch fault {
		case "PAIR-UNKNOWN":
			one = t.Importers[(7*c+tradePairs+rng.IntN(tradeImporters-tradePairs))%tradeImporters]
		case "IMPORTER-REVOKED":
			one = t.Importers[tradeImporters-1-rng.IntN(revoked)]
		}
		if (one.Status == lists.Revoked) == (fault == "IMPORTER-REVOKED") {
			importer = one.BN15
			break
		}
	}
	codes := []string{carrier, importer, t.driver(rng, fault)}
	switch fault {
	case "IMPORTER-MISSING":
		codes = []string{codes[0], codes[2]}
	case "DRIVER-MISSING":
		codes = codes[:2]
	}
	rng.Shuffle(len(codes), func(i, k int) { codes[i], codes[k] = codes[k], codes[i] })
	return codes
}

// driver returns a driver's number.
func (t *Trade) driver(rng *rand.Rand, fault Fault) string {
	sound := t.soundDrivers()
	switch fault {
	case "DRIVER-UNKNOWN":
		return fmt.Sprintf("CD%06d", 900000+rng.IntN(1000))
	case "DRIVER-SUSPENDED":
		return t.Drivers[tradeDrivers-1-rng.IntN(suspended)].Number
	case "DRIVER-EXPIRED":
		return t.Drivers[tradeDrivers-suspended-1-rng.IntN(expired)].Number
	case "TARGET":
		return t.Drivers[sound+rng.IntN(targeted)].Number
	}
	return t.Drivers[rng.IntN(sound)].Number
}

// manifest returns the cargo control number of a vehicle's shipment.
func (t *Trade) manifest(i int, fault Fault) []string {
	sound := t.soundShipment()
	switch fault {
	case "MANIFEST-UNKNOWN":
		return []string{fmt.Sprintf("%sPARS%05d", t.Carriers[i%tradeCarriers].Code, 90000+i%9999)}
	case "MANIFEST-LATE":
		return []string{t.Manifest[tradeManifest-1-i%late].CCN}
	case "TARGET":
		return []string{t.Manifest[sound+i%targeted].CCN}
	}
	return []string{t.Manifest[i%sound].CCN}
}
