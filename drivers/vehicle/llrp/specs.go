package llrp

import "time"

// The numbers of the one ROSpec and the one AccessSpec that we make, and of the reads of the AccessSpec.
const (
	roSpecID     = 1
	accessSpecID = 1
	opTID        = 1
	opUser       = 2
)

const answerTimeout = 10 * time.Second

// step is one request of the set-up.
type step struct {
	request, response MessageType
	payload           []byte
	what              string
	// optional says that a refusal is reported as a condition, and the set-up goes on without.
	optional bool
}

// startStep starts our ROSpec, or starts it again.
var startStep = step{StartROSpec, StartROSpecResponse, B4(roSpecID), "starting it", false}

// setup are the requests of a new connection, in their order.
func (r *reader) setup() []step {
	steps := []step{
		{GetCapabilities, GetCapabilitiesResponse, []byte{0}, "its capabilities", false},
		{SetConfig, SetConfigResponse, r.configuration(), "its configuration", false},
		{DeleteROSpec, DeleteROSpecResponse, B4(0), "old ROSpecs", false},
		{AddROSpec, AddROSpecResponse, r.roSpec(), "our ROSpec", false},
	}
	if len(r.Antennas) > 0 {
		const antennaProperties = 2
		steps = append(steps, step{GetConfig, GetConfigResponse, append(B2(0), antennaProperties, 0, 0, 0, 0),
			"which antennas are connected", true})
	}
	if r.readsMemory() {
		steps = append(steps,
			step{DeleteAccessSpec, DeleteAccessSpecResp, B4(0), "old AccessSpecs", true},
			step{AddAccessSpec, AddAccessSpecResponse, r.accessSpec(), "reading the tags' memory", true},
			step{EnableAccessSpec, EnableAccessSpecResp, B4(accessSpecID), "enabling that", true},
		)
	}
	return append(steps, step{EnableROSpec, EnableROSpecResponse, B4(roSpecID), "enabling it", false}, startStep)
}

// readsMemory reports whether the settings ask for more of a tag than its EPC.
func (r *reader) readsMemory() bool { return r.TIDWords > 0 || r.UserWords > 0 }

// configuration asks for keep-alives and for the events that a technician must know of: LLRP 1.0.1, 13.1.2 and
// 14.2.5.
func (r *reader) configuration() []byte {
	const (
		roSpecEvents    = 2
		bufferFills     = 3
		readerException = 4
		antennaEvents   = 8
	)
	var states []byte
	for _, event := range []uint16{roSpecEvents, bufferFills, readerException, antennaEvents} {
		states = append(states, TLV(pEventState, B2(event), []byte{0x80})...)
	}
	keepalive := TLV(pKeepaliveSpec, []byte{1}, B4(uint32(r.Keepalive.Milliseconds())))
	return append([]byte{0x80}, append(TLV(pEventSpec, states), keepalive...)...) // after a reset
}

// roSpec reads on all antennas for ever and reports each tag as it is read.
func (r *reader) roSpec() []byte {
	antennas := r.Antennas
	if len(antennas) == 0 {
		antennas = []uint16{0} // all
	}
	list := B2(uint16(len(antennas)))
	for _, a := range antennas {
		list = append(list, B2(a)...)
	}
	const content = 1<<12 | 1<<10 | 1<<9 | 1<<8 | 1<<7 // antenna, peak RSSI, first and last seen, count
	return TLV(pROSpec, B4(roSpecID), []byte{0, 0},
		TLV(pROBoundarySpec, TLV(pROSpecStartTrigger, []byte{0}), TLV(pROSpecStopTrigger, []byte{0}, B4(0))),
		TLV(pAISpec, list, TLV(pAISpecStopTrigger, []byte{0}, B4(0)), TLV(pInventoryParameterSpec, B2(1), []byte{1})),
		TLV(pROReportSpec, []byte{2}, B2(1), TLV(pTagReportContentSelector, B2(content))))
}

// Memory banks of a Gen2 tag, in the upper two bits of their byte.
const (
	bankEPC  = 1 << 6
	bankTID  = 2 << 6
	bankUser = 3 << 6
)

// accessSpec reads memory of every tag, on every antenna, for as long as the ROSpec runs.
func (r *reader) accessSpec() []byte {
	const match = 1 << 5 // an empty mask matches every tag
	command := TLV(pC1G2TagSpec, TLV(pC1G2TargetTag, []byte{bankEPC | match}, B2(0), B2(0), B2(0)))
	for _, one := range []struct {
		op    uint16
		bank  byte
		words int
	}{{opTID, bankTID, r.TIDWords}, {opUser, bankUser, r.UserWords}} {
		if one.words > 0 {
			command = append(command, TLV(pC1G2Read, B2(one.op), B4(0), []byte{one.bank}, B2(0), B2(uint16(one.words)))...)
		}
	}
	return TLV(pAccessSpec, B4(accessSpecID), B2(0), []byte{1, 0}, B4(roSpecID),
		TLV(pAccessSpecStopTrigger, []byte{0}, B2(0)), TLV(pAccessCommand, command), TLV(pAccessReportSpec, []byte{0}))
}
