// Package lists is the data that clearance compares a vehicle with: what the rows of each list are, their canonical form
// in bytes, and the full and delta files that bring a new version to the lane. Package sheet reads the CSV and JSON files
// of those who keep the lists. Formats and columns: docs/lists.md.
package lists

import "time"

// Kind is the name of a list, as files and orders have it.
type Kind string

// The lists.
const (
	Drivers   Kind = "drivers"
	Carriers  Kind = "carriers"
	Importers Kind = "importers"
	Pairs     Kind = "pairs"     // which carrier may drive for which importer
	Targets   Kind = "targets"   // who or what is to be examined
	Manifest  Kind = "manifest"  // what is announced
	InTransit Kind = "intransit" // containers under way through the country
	Rates     Kind = "rates"     // of random checks
)

// Kinds returns all lists.
func Kinds() []Kind {
	return []Kind{Drivers, Carriers, Importers, Pairs, Targets, Manifest, InTransit, Rates}
}

// Status is whether somebody's approval is in force.
type Status string

// The states.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Revoked   Status = "revoked"
)

// Period is when a row holds: from From to before To, UTC. A zero time leaves that side open.
type Period struct{ From, To time.Time }

// Holds reports whether t lies in the period.
func (p Period) Holds(t time.Time) bool {
	return (p.From.IsZero() || !t.Before(p.From)) && (p.To.IsZero() || t.Before(p.To))
}

// Driver is a registered driver. The list has no names of persons.
type Driver struct {
	Program  string // CDRP, FAST or NEXUS
	Number   string // as printed, opaque, normalised as identifier.ParseDriverNumber does; its key with Program
	EPC      []byte // of the card's chip; empty for none
	TID      []byte // of the card's chip; empty when it is not known
	Valid    Period
	Status   Status
	Carriers []string // codes of those for whom the driver may drive; empty for any
}

// Carrier is who brings goods.
type Carrier struct {
	Code     string // CBSA, 4 characters; its key
	SCAC     string
	Name     string
	Programs []string // CSA, PIP, CTPAT
	Bonded   bool
	Status   Status
	Valid    Period // its From is always open
}

// Importer is who goods are for.
type Importer struct {
	BN15     string // its key
	Name     string
	Programs []string
	Status   Status
	Valid    Period // its From is always open
}

// Pair allows a carrier to bring an importer's goods.
type Pair struct {
	Carrier, Importer string // code and BN15: its key
	Valid             Period // its From is always open
}

// KeyType says what a target's key is of.
type KeyType string

// What targets name.
const (
	TargetCCN       KeyType = "ccn"
	TargetCRN       KeyType = "crn"
	TargetContainer KeyType = "container"
	TargetPlate     KeyType = "plate"
	TargetTag       KeyType = "tag"
	TargetDriver    KeyType = "driver"
	TargetBN        KeyType = "bn"
	TargetCarrier   KeyType = "carrier"
	TargetSeal      KeyType = "seal"
	TargetHS        KeyType = "hs"
)

// KeyTypes returns all that targets can name.
func KeyTypes() []KeyType {
	return []KeyType{TargetCCN, TargetCRN, TargetContainer, TargetPlate, TargetTag, TargetDriver, TargetBN, TargetCarrier,
		TargetSeal, TargetHS}
}

// Target is somebody or something that is to be examined. Its key in the list is Type, Key, Prefix, Issuer and ReasonCode:
// two issuers may look for the same container, and one for two reasons.
type Target struct {
	Type          KeyType
	Key           string // normalised as the identifier's own package does
	Prefix        bool   // all keys that begin with Key
	Exams         []string
	Priority      int // 1 is the highest
	Valid         Period
	ReasonCode    string
	Releasability string // who may be told
	Issuer        string
}

// Shipment is one announced shipment.
type Shipment struct {
	CCN              string // its key
	CRN              string // of the trip that it comes with; empty when not known
	Carrier          string
	Importer         string  // BN15
	DeclaredWeightKg float64 // to a gram; 0 when it is not declared
	Pieces           int
	HS               []string // headings of 4 to 10 digits
	Goods            string
	Arrival          Period // when it is announced for
}

// Transit is a container under way between two sites.
type Transit struct {
	Container    string   // its key
	Seals        []string // 1 to 4, normalised
	InBondOrCCN  string
	EntrySite    string
	ExitSite     string
	LeftAt       time.Time
	DueAt        time.Time
	WeightKg     float64 // as measured at the entry
	ToleranceKg  float64
	RequiredExam string
}

// Rate is how many of a traffic class are checked at random.
type Rate struct {
	Site, Lane string  // "*" for all
	Class      string  // csa, manifest, empty, intransit; "*" for all
	Share      float64 // 0 to 1, to a millionth
}

// Version names one version of a list in force.
type Version struct {
	Kind   Kind
	Number int64     // grows with each version
	Issued time.Time // by the centre
	Rows   int64
	SHA256 [32]byte // of what is in the list, as Sum.Name has it
}
