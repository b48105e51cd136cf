// Package clearance decides whether a vehicle may go on: what is presented and measured, lists, a policy and the time
// go in; an outcome with its reasons comes out. Deciding is a pure function, so that anyone can repeat it from the
// record. docs/clearance.md has the rules and their table.
package clearance

import (
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/firmware-config/lists"
)

// Input is all that a decision rests on, beside lists and policy.
type Input struct {
	Site, SiteKind, Lane string // SiteKind as in lane files: land, joint-facility, rail, marine, inland
	Now                  time.Time
	ClockTrusted         bool // Now is by a disciplined clock
	Presented            Presented
	Vehicle              Vehicle
	Draw                 Draw
}

// Presented is what was scanned, keyed in or read of one vehicle until now, each thing once, in the order of its time.
type Presented struct {
	ID         string // of the presentation
	Begun      time.Time
	Codes      []Code
	Cards      []Card
	Plates     []Plate
	Containers []Code // containers and rail equipment
	Seals      []Code
}

// Code is one code, scanned or keyed in.
type Code struct {
	Row          int64 // in the journal
	Kind         identifier.Kind
	Value        string // normalised
	Role         string // one of identifier's roles; empty for unknown
	Check        identifier.Check
	Manual       bool   // keyed in, twice
	Device       string // that read it
	Alternatives []Code // what it can be as well, best first; Kind, Value, Role, Check only
}

// Card is the chip of a driver's card, or another tag.
type Card struct {
	Row      int64
	EPC, TID []byte // TID is empty when it was not read
	Device   string
}

// Plate is one read of a plate.
type Plate struct {
	Row    int64
	Normal string // upper case, no blanks or dashes
	Region string
	Sure   float64 // of the reader, 0 to 1
	Device string
}

// Vehicle is what the lane's devices say of the vehicle.
type Vehicle struct {
	Passage  string // id; empty while it is not known
	Alarms   []Alarm
	Cases    []Case
	WeightKg float64 // whole vehicle, 0 when it was not weighed
	TareKg   float64 // of the empty vehicle, 0 when not known
	// Stations of the lane, by id: what each saw of the vehicle.
	Stations map[string]Seen
	// SeenBefore is where and when the container was seen leaving or entering elsewhere, as the hub tells; zero when it
	// does not.
	SeenBefore time.Time
}

// Seen is whether a station saw a vehicle.
type Seen string

// What a station can have seen.
const (
	SeenYes     Seen = "seen"
	SeenNothing Seen = "missed" // it works, and saw nothing
	SeenBlind   Seen = "blind"  // its devices were down
	SeenNotYet  Seen = "not-yet"
)

// Alarm is a row of class alarm that is, or may be, of this vehicle.
type Alarm struct {
	Row      int64
	Device   string
	Kind     string // as observation.Kind's name for the feed: radiation.occupancy
	Possible bool   // it may be the next vehicle's as well
	Nuclides []string
	Natural  bool // the instrument names natural nuclides only
}

// Case is the adjudication of alarms.
type Case struct {
	ID     string
	Open   bool
	Result string  // disposition of a closed one: its number, or its word for images and swabs; empty while it is open
	Row    int64   // of its last word
	Alarms []int64 // rows of the alarms that it is about: an alarm that came later counts by itself
}

// Draw is the random number of a presentation.
type Draw = draw.Draw

// Lists looks rows up. Keys are normalised as package identifier does. Methods return no rows and no error for what is
// not listed, and rows whether or not they are in force: deciding judges that. An error says that a list cannot be read.
type Lists interface {
	// Versions returns what is in force, one of each list that is there.
	Versions() []lists.Version
	DriversByNumber(number string) ([]lists.Driver, error) // one of a program at most
	DriversByCard(epc []byte) ([]lists.Driver, error)
	Carrier(code string) (c lists.Carrier, found bool, err error)
	Importer(bn15 string) (i lists.Importer, found bool, err error)
	Pair(carrier, importer string) (p lists.Pair, found bool, err error)
	// Targets returns the targets whose key is key or a beginning of it where they are prefixes.
	Targets(t lists.KeyType, key string) ([]lists.Target, error)
	Shipment(ccn string) (s lists.Shipment, found bool, err error)
	ShipmentsOfTrip(crn string) ([]lists.Shipment, error)
	Transit(container string) (t lists.Transit, found bool, err error)
	// Rates returns all rows: there are a few hundred.
	Rates() ([]lists.Rate, error)
}
