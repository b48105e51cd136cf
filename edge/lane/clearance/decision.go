package clearance

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// Outcome is what is to happen with a vehicle or a shipment.
type Outcome string

// The outcomes, by severity: the worst of a vehicle's shipments is the vehicle's.
const (
	Release   Outcome = "RELEASE"   // authorised to deliver
	Move      Outcome = "MOVE"      // in transit, may go on to its exit site
	Documents Outcome = "DOCUMENTS" // papers or codes are wanted
	Refer     Outcome = "REFER"     // to secondary, for the examinations asked for
	Hold      Outcome = "HOLD"      // wait for an officer
)

// Exam is an examination that is asked for: DOC, RPM, IMG, WGT, SEAL, ETD, K9, TGT, PAR, FUL, AGR. The policy file has
// their order and names.
type Exam string

// Decision is the outcome for a vehicle and for each of its shipments.
type Decision struct {
	Outcome      Outcome
	Reasons      []Reason // all that hold, worst first
	Exams        []Exam   // without doubles, least intrusive first
	Shipments    []ShipmentDecision
	Selected     bool // for a random check
	Rate         float64
	Lists        []lists.Version
	Policy       string // name
	PolicySHA256 [32]byte
	At           time.Time
}

// ShipmentDecision is the outcome for one importer's goods.
type ShipmentDecision struct {
	Importer string // BN15; empty when not known
	CCN      string // empty for CSA freight
	Class    string // csa, manifest, empty, intransit
	Outcome  Outcome
	Reasons  []Reason
}

// Reason is why an outcome was reached.
type Reason struct {
	Code    string // DRIVER-SUSPENDED
	Outcome Outcome
	Exams   []Exam
	Rows    []int64         // of the journal that it rests on
	Text    message.Message // for people, in both languages
}
