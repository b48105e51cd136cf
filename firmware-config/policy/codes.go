package policy

// Outcome is what is to happen with a vehicle or a shipment.
type Outcome string

// The outcomes, from the mildest to the worst: the worst of a vehicle's shipments is the vehicle's.
const (
	Release   Outcome = "RELEASE"   // authorised to deliver
	Move      Outcome = "MOVE"      // in transit, may go on to its exit site
	Documents Outcome = "DOCUMENTS" // papers or codes are wanted
	Refer     Outcome = "REFER"     // to secondary, for the examinations asked for
	Hold      Outcome = "HOLD"      // wait for an officer
)

// Outcomes returns all outcomes, from the mildest to the worst.
func Outcomes() []Outcome { return []Outcome{Release, Move, Documents, Refer, Hold} }

// Words implements driver.Vocabulary.
func (Outcome) Words() []string { return words(Outcomes()) }

// Severity is 0 for the mildest outcome, and more for worse ones. What is no outcome is worse than all.
func (o Outcome) Severity() int {
	for i, known := range Outcomes() {
		if o == known {
			return i
		}
	}
	return len(Outcomes())
}

// Worst returns the worse of two outcomes.
func Worst(a, b Outcome) Outcome {
	if b.Severity() > a.Severity() {
		return b
	}
	return a
}

// Exam is an examination that is asked for: DOC, RPM, IMG, WGT, SEAL, ETD, K9, TGT, PAR, FUL, AGR. A policy has those
// that its site can make, with their order and names.
type Exam string

// Code is why an outcome was reached. docs/clearance.md says when each holds.
type Code string

// The codes.
const (
	NothingPresented Code = "NOTHING-PRESENTED"
	PlateMissing     Code = "PLATE-MISSING"
	ContainerMissing Code = "CONTAINER-MISSING"
	CodeCheck        Code = "CODE-CHECK"
	CodeAmbiguous    Code = "CODE-AMBIGUOUS"
	CodeManual       Code = "CODE-MANUAL"
	CodeUnknown      Code = "CODE-UNKNOWN"

	DriverMissing   Code = "DRIVER-MISSING"
	DriverUnknown   Code = "DRIVER-UNKNOWN"
	DriverSuspended Code = "DRIVER-SUSPENDED"
	DriverRevoked   Code = "DRIVER-REVOKED"
	DriverExpired   Code = "DRIVER-EXPIRED"
	DriverNotYet    Code = "DRIVER-NOT-YET"
	DriverProgram   Code = "DRIVER-PROGRAM"
	DriverAmbiguous Code = "DRIVER-AMBIGUOUS"
	DriverCarrier   Code = "DRIVER-CARRIER"
	DriversDiffer   Code = "DRIVERS-DIFFER"
	CardCloned      Code = "CARD-CLONED"
	CardTIDUnread   Code = "CARD-TID-UNREAD"

	CarrierMissing   Code = "CARRIER-MISSING"
	CarrierUnknown   Code = "CARRIER-UNKNOWN"
	CarrierSuspended Code = "CARRIER-SUSPENDED"
	CarrierRevoked   Code = "CARRIER-REVOKED"
	CarrierExpired   Code = "CARRIER-EXPIRED"
	CarrierProgram   Code = "CARRIER-PROGRAM"
	CarriersDiffer   Code = "CARRIERS-DIFFER"

	ImporterMissing   Code = "IMPORTER-MISSING"
	ImporterUnknown   Code = "IMPORTER-UNKNOWN"
	ImporterSuspended Code = "IMPORTER-SUSPENDED"
	ImporterRevoked   Code = "IMPORTER-REVOKED"
	ImporterExpired   Code = "IMPORTER-EXPIRED"
	ImporterProgram   Code = "IMPORTER-PROGRAM"
	PairUnknown       Code = "PAIR-UNKNOWN"
	PairExpired       Code = "PAIR-EXPIRED"
	CSAApproved       Code = "CSA-APPROVED"

	Empty           Code = "EMPTY"
	CargoUndeclared Code = "CARGO-UNDECLARED"

	ManifestUnknown  Code = "MANIFEST-UNKNOWN"
	TripUnknown      Code = "TRIP-UNKNOWN"
	ManifestCarrier  Code = "MANIFEST-CARRIER"
	ManifestImporter Code = "MANIFEST-IMPORTER"
	ManifestTrip     Code = "MANIFEST-TRIP"
	ManifestEarly    Code = "MANIFEST-EARLY"
	ManifestLate     Code = "MANIFEST-LATE"
	ManifestMatch    Code = "MANIFEST-MATCH"

	WeightOver    Code = "WEIGHT-OVER"
	WeightUnder   Code = "WEIGHT-UNDER"
	WeightMissing Code = "WEIGHT-MISSING"
	WeightBlind   Code = "WEIGHT-BLIND"

	TransitMatch       Code = "TRANSIT-MATCH"
	TransitOnward      Code = "TRANSIT-ONWARD"
	TransitSealDiffers Code = "TRANSIT-SEAL-DIFFERS"
	TransitSealMissing Code = "TRANSIT-SEAL-MISSING"
	TransitSealExtra   Code = "TRANSIT-SEAL-EXTRA"
	TransitWeight      Code = "TRANSIT-WEIGHT"
	TransitOverdue     Code = "TRANSIT-OVERDUE"
	TransitNotExpected Code = "TRANSIT-NOT-EXPECTED"
	TransitSeenTwice   Code = "TRANSIT-SEEN-TWICE"
	TransitExam        Code = "TRANSIT-EXAM"

	AlarmRadiation Code = "ALARM-RADIATION"
	AlarmXray      Code = "ALARM-XRAY"
	AlarmTrace     Code = "ALARM-TRACE"
	AlarmOther     Code = "ALARM-OTHER"
	AlarmPossible  Code = "ALARM-POSSIBLE"
	AlarmNatural   Code = "ALARM-NATURAL"
	NormCargo      Code = "NORM-CARGO"
	CaseOpen       Code = "CASE-OPEN"
	CaseInnocent   Code = "CASE-INNOCENT"
	CaseConfirmed  Code = "CASE-CONFIRMED"

	StationMissed Code = "STATION-MISSED"
	StationBlind  Code = "STATION-BLIND"
	StationNotYet Code = "STATION-NOT-YET"

	Targeted      Code = "TARGET"
	TargetUrgent  Code = "TARGET-URGENT"
	RandomCheck   Code = "RANDOM"
	DrawNone      Code = "DRAW-NONE"
	ListOld       Code = "LIST-OLD"
	ListStale     Code = "LIST-STALE"
	ListExpired   Code = "LIST-EXPIRED"
	ListMissing   Code = "LIST-MISSING"
	ListUnread    Code = "LIST-UNREADABLE"
	ClockUntrust  Code = "CLOCK-UNTRUSTED"
	PolicyForSite Code = "POLICY-SITE"
)

// Codes returns all codes. Reasons of one outcome are told in this order: what is wrong with the vehicle before what
// is wrong with papers, and what is in order last.
func Codes() []Code {
	return []Code{
		CaseConfirmed, CaseOpen, AlarmRadiation, AlarmXray, AlarmTrace, AlarmOther, AlarmPossible, AlarmNatural,
		TargetUrgent, Targeted, CardCloned,
		DriversDiffer, DriverRevoked, DriverSuspended, DriverExpired, DriverNotYet, DriverUnknown, DriverProgram,
		DriverAmbiguous, DriverCarrier, DriverMissing,
		CarriersDiffer, CarrierRevoked, CarrierSuspended, CarrierExpired, CarrierUnknown, CarrierProgram, CarrierMissing,
		ImporterRevoked, ImporterSuspended, ImporterExpired, ImporterUnknown, ImporterProgram, ImporterMissing,
		PairUnknown, PairExpired,
		TransitSeenTwice, TransitSealDiffers, TransitSealMissing, TransitSealExtra, TransitNotExpected, TransitWeight,
		TransitOverdue, TransitExam,
		ManifestUnknown, TripUnknown, ManifestCarrier, ManifestImporter, ManifestTrip, ManifestEarly, ManifestLate,
		CargoUndeclared, WeightOver, WeightUnder, WeightBlind, WeightMissing,
		StationMissed, StationBlind, StationNotYet,
		RandomCheck, DrawNone,
		NothingPresented, ContainerMissing, PlateMissing, CodeCheck, CodeAmbiguous, CodeManual, CodeUnknown,
		PolicyForSite, ListUnread, ListMissing, ListExpired, ListStale, ListOld, ClockUntrust,
		CaseInnocent, NormCargo, CardTIDUnread, TransitOnward, TransitMatch, ManifestMatch, CSAApproved, Empty,
	}
}

// Words implements driver.Vocabulary.
func (Code) Words() []string { return words(Codes()) }

func words[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}
