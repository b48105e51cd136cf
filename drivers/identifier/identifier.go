// Package identifier reads the identifiers that are met at a customs lane: of cargo, carriers, importers, drivers,
// vehicles, equipment and seals. It takes text as a person typed it, or as a bar code or tag reader sent it, and
// returns what it can be, in one form of writing, with the strength of its check digit.
//
// Each identifier has a Parse function in a file of its own. It returns a Reading, or an *Error that names the field
// and the reason. A check digit that is wrong is no error of form: the Reading says CheckWrong, and why. Readings
// returns everything that a code can be, best first: carrier codes, cargo control numbers and trip numbers look
// alike, and only a list can tell them apart. Nothing here does I/O, keeps state or knows a clock.
//
// The forms and checks are those of docs/identifiers.md, with their sources.
package identifier

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize/english"
)

// Kind is the type of thing that an identifier names. The values are those of VehicleCode.type.
type Kind string

// The identifiers.
const (
	Unknown         Kind = "unknown"
	CarrierCode     Kind = "carrier-code"                // CBSA, 4 characters
	CargoControl    Kind = "cargo-control-number"        // CBSA: PARS, CCN
	Conveyance      Kind = "conveyance-reference-number" // CBSA: CRN
	Importer        Kind = "importer-bn15"               // CRA business number with RM account
	Transaction     Kind = "transaction-number"          // CBSA, 14 digits
	DriverNumber    Kind = "driver-number"               // CDRP, FAST, NEXUS: opaque
	DriverCard      Kind = "driver-card"                 // by a prefix in a scanner's settings
	CarrierCard     Kind = "carrier-card"                // by a prefix in a scanner's settings
	ACEDriver       Kind = "ace-driver-id"               // CBP, 7 digits
	SCAC            Kind = "scac"                        // NMFTA, 2 to 4 letters
	TripNumber      Kind = "trip-number"                 // CBP: SCAC and number; SCN, PAPS
	TruckManifest   Kind = "truck-manifest"              // CBP: QR code of five fields
	EntryNumber     Kind = "entry-number"                // CBP: filer, number, check digit
	InBond          Kind = "in-bond-number"              // CBP form 7512
	Container       Kind = "container"                   // ISO 6346
	RailCar         Kind = "rail-car"                    // North American reporting mark and number
	UICWagon        Kind = "uic-wagon"                   // 12 digits
	Seal            Kind = "seal"                        // ISO 17712: no common form
	AirWaybill      Kind = "air-waybill"                 // IATA
	PostalItem      Kind = "postal-item"                 // UPU S10
	ULD             Kind = "unit-load-device"            // IATA
	SSCC            Kind = "sscc"                        // GS1 application identifier 00
	GTIN            Kind = "gtin"                        // GS1 application identifiers 01 and 02
	Consignment     Kind = "gs1-consignment"             // GINC, GS1 application identifier 401
	Shipment        Kind = "gs1-shipment"                // GSIN, GS1 application identifier 402
	ReturnableAsset Kind = "gs1-returnable-asset"        // GRAI, GS1 application identifier 8003
	IndividualAsset Kind = "gs1-individual-asset"        // GIAI, GS1 application identifier 8004
	GS1             Kind = "gs1"                         // other GS1 element strings
	DrivingLicence  Kind = "driving-licence"             // AAMVA: personal data, see licence.go
	TravelDocument  Kind = "travel-document"             // ICAO 9303 machine-readable zone: personal data
)

// Check is the result of verifying an identifier's check digit. The values are those of VehicleCode.check.
type Check string

// Strengths of a check.
const (
	CheckOK    Check = "ok"    // there is one, and it agrees
	CheckWrong Check = "wrong" // there is one, and it does not agree: misread or mistyped
	CheckNone  Check = "none"  // the identifier has none, or its rule is not public
	CheckWeak  Check = "weak"  // it agrees, but this digit stands for two remainders, so some errors go unseen
)

// Roles of what an identifier names. The values are those of VehicleCode.role.
const (
	RoleCargo      = "cargo"
	RoleCarrier    = "carrier"
	RoleImporter   = "importer"
	RoleDriver     = "driver"
	RoleConveyance = "conveyance" // the trip, or the vehicle
	RoleEquipment  = "equipment"  // what cargo is in or on
	RoleSeal       = "seal"
)

var roles = map[Kind]string{
	CarrierCode: RoleCarrier, CarrierCard: RoleCarrier, SCAC: RoleCarrier,
	CargoControl: RoleCargo, Transaction: RoleCargo, EntryNumber: RoleCargo, InBond: RoleCargo,
	AirWaybill: RoleCargo, PostalItem: RoleCargo,
	SSCC: RoleCargo, GTIN: RoleCargo, Consignment: RoleCargo, Shipment: RoleCargo,
	Conveyance: RoleConveyance, TripNumber: RoleConveyance, TruckManifest: RoleConveyance,
	Importer:     RoleImporter,
	DriverNumber: RoleDriver, DriverCard: RoleDriver, ACEDriver: RoleDriver, DrivingLicence: RoleDriver,
	TravelDocument: RoleDriver,
	Container:      RoleEquipment, RailCar: RoleEquipment, UICWagon: RoleEquipment, ULD: RoleEquipment,
	ReturnableAsset: RoleEquipment, IndividualAsset: RoleEquipment,
	Seal: RoleSeal,
}

// Role returns what identifiers of the kind name: cargo, carrier, importer, driver, conveyance, equipment or seal; ""
// when that is open.
func (k Kind) Role() string { return roles[k] }

// Personal reports whether a code of the kind holds data of a person: its text is not to be stored or sent.
func (k Kind) Personal() bool { return k == DrivingLicence || k == TravelDocument }

// Values of Reading.Why that pages word in the reader's language; the first is a format.
const (
	WhyDigit     = "check digit is %c, the rest asks for %c"
	WhyRemainder = "remainder 10 is written 0, as remainder 0 is"
	WhyEleven    = "11 is written 5, as 5 is"
	WhyWithheld  = "personal data withheld"
)

// Reading is one thing that a text can be.
type Reading struct {
	Kind   Kind
	Value  string // in the one form of writing that is compared; "" for personal data
	Issuer string // who gave it: carrier code, SCAC, filer, owner, reporting mark, airline, country; "" for none
	Check  Check
	Why    string // why the check is wrong or weak, or what was repaired; "" for nothing
}

// Error explains why a text is not an identifier of a kind.
type Error struct {
	Kind   Kind
	Field  string // the part that is wrong: "length", "owner", "serial", "check digit"
	Reason string // what is wrong with it
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %s", e.Kind, e.Field, e.Reason) }

func wrong(kind Kind, field, format string, args ...any) error {
	return &Error{kind, field, fmt.Sprintf(format, args...)}
}

// counted writes a number with its word: "1 character", "2 characters".
func counted(n int, word string) string {
	return fmt.Sprintf("%d %s", n, english.PluralWord(n, word, ""))
}

// verified is a Reading with the verdict of a check digit: got is the one that is written, want the one that follows
// from the rest.
func verified(r Reading, got, want byte) Reading {
	r.Check = CheckOK
	if got != want {
		r.Check, r.Why = CheckWrong, fmt.Sprintf(WhyDigit, got, want)
	}
	return r
}

// upper is a text in upper case without blanks around it.
func upper(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }

// compact is a text in upper case without the given punctuation and without blanks.
func compact(text, punctuation string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune(punctuation, r) {
			return -1
		}
		return r
	}, strings.ToUpper(text))
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }

// all reports whether each byte of a text is of a class. It is true for the empty text.
func all(text string, is func(byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return true
}

func digits(text string) bool  { return all(text, isDigit) }
func letters(text string) bool { return all(text, isLetter) }
func alnum(text string) bool {
	return all(text, func(c byte) bool { return isDigit(c) || isLetter(c) })
}

// leadingLetters counts the letters that a text begins with.
func leadingLetters(text string) int {
	n := 0
	for n < len(text) && isLetter(text[n]) {
		n++
	}
	return n
}
