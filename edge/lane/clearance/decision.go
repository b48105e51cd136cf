package clearance

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// Outcome is what is to happen with a vehicle or a shipment.
type Outcome = policy.Outcome

// The outcomes, by severity: the worst of a vehicle's shipments is the vehicle's.
const (
	Release   = policy.Release
	Move      = policy.Move
	Documents = policy.Documents
	Refer     = policy.Refer
	Hold      = policy.Hold
)

// Exam is an examination that is asked for. The policy file has their order and names.
type Exam = policy.Exam

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

// ShipmentDecision is the outcome for one importer's goods, or for one container in transit.
type ShipmentDecision struct {
	Importer  string // BN15; empty when not known
	CCN       string // empty for CSA freight
	Container string // of goods in transit, empty for others
	Class     policy.Class
	Outcome   Outcome
	Reasons   []Reason
}

// Reason is why an outcome was reached.
type Reason struct {
	Code     policy.Code // DRIVER-SUSPENDED
	Outcome  Outcome
	Exams    []Exam
	Rows     []int64         // of the journal that it rests on
	Text     message.Message // for the officer, in both languages
	Discreet bool            // the driver must not be told
}
