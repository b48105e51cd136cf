package rfid

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/vehicle/llrp"
)

// The numbers of the one ROSpec and the one AccessSpec that we make, and of the reads of the AccessSpec.
const (
	roSpecID     = 1
	accessSpecID = 1
	opTID        = 1
	opUser       = 2
)

// answerTimeout is for each request of the set-up, and for the reader's first word.
const answerTimeout = 10 * time.Second

// step is one request of the set-up.
type step struct {
	request, response llrp.MessageType
	payload           []byte
	what              message.Message
	// optional reports that a refusal is reported as a condition, and the set-up goes on without.
	optional bool
}

// args are the arguments of a message about the step.
func (s *step) args() []message.Arg {
	return []message.Arg{message.String("request", s.request.String()), message.Nested("step", s.what)}
}

// startStep starts our ROSpec, or starts it again.
var startStep = step{llrp.StartROSpec, llrp.StartROSpecResponse, llrp.B4(roSpecID),
	message.New("llrp.step-start"), false}

// setup returns the requests of a new connection, in their order: what the reader can, its configuration, our specs
// in place of whatever was there, and the start.
func (r *reader) setup() []step {
	steps := []step{
		{llrp.GetCapabilities, llrp.GetCapabilitiesResponse, []byte{0}, message.New("llrp.step-capabilities"), false},
		{llrp.SetConfig, llrp.SetConfigResponse, r.configuration(), message.New("llrp.step-configuration"), false},
		{llrp.DeleteROSpec, llrp.DeleteROSpecResponse, llrp.B4(0), message.New("llrp.step-old-rospecs"), false},
		{llrp.AddROSpec, llrp.AddROSpecResponse, r.roSpec(), message.New("llrp.step-rospec"), false},
	}
	if len(r.Antennas) > 0 {
		const antennaProperties = 2
		steps = append(steps,
			step{llrp.GetConfig, llrp.GetConfigResponse, append(llrp.B2(0), antennaProperties, 0, 0, 0, 0),
				message.New("llrp.step-antennas"), true})
	}
	if r.readsMemory() {
		steps = append(steps,
			step{llrp.DeleteAccessSpec, llrp.DeleteAccessSpecResp, llrp.B4(0),
				message.New("llrp.step-old-accessspecs"), true},
			step{llrp.AddAccessSpec, llrp.AddAccessSpecResponse, r.accessSpec(), message.New("llrp.step-memory"), true},
			step{llrp.EnableAccessSpec, llrp.EnableAccessSpecResp, llrp.B4(accessSpecID),
				message.New("llrp.step-enable-memory"), true},
		)
	}
	return append(steps, step{llrp.EnableROSpec, llrp.EnableROSpecResponse, llrp.B4(roSpecID),
		message.New("llrp.step-enable"), false}, startStep)
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
		states = append(states, llrp.TLV(llrp.ParamEventState, llrp.B2(event), []byte{0x80})...)
	}
	keepalive := llrp.TLV(llrp.ParamKeepaliveSpec, []byte{1}, llrp.B4(uint32(r.Keepalive.Milliseconds())))
	return append([]byte{0x80}, append(llrp.TLV(llrp.ParamEventSpec, states), keepalive...)...) // after a reset
}

// roSpec reads on all antennas for ever and reports each tag as it is read (N = 1). Its triggers are 0 (none): it is
// started by START_ROSPEC and stops with DELETE_ROSPEC.
func (r *reader) roSpec() []byte {
	antennas := r.Antennas
	if len(antennas) == 0 {
		antennas = []uint16{0} // all
	}
	list := llrp.B2(uint16(len(antennas)))
	for _, a := range antennas {
		list = append(list, llrp.B2(a)...)
	}
	const content = 1<<12 | 1<<10 | 1<<9 | 1<<8 | 1<<7 // antenna, peak RSSI, first and last seen, count
	return llrp.TLV(llrp.ParamROSpec, llrp.B4(roSpecID), []byte{0, 0},
		llrp.TLV(llrp.ParamROBoundarySpec, llrp.TLV(llrp.ParamROSpecStartTrigger, []byte{0}),
			llrp.TLV(llrp.ParamROSpecStopTrigger, []byte{0}, llrp.B4(0))),
		llrp.TLV(llrp.ParamAISpec, list, llrp.TLV(llrp.ParamAISpecStopTrigger, []byte{0}, llrp.B4(0)),
			llrp.TLV(llrp.ParamInventoryParameterSpec, llrp.B2(1), []byte{1})),
		llrp.TLV(llrp.ParamROReportSpec, []byte{2}, llrp.B2(1),
			llrp.TLV(llrp.ParamTagReportContentSelector, llrp.B2(content))))
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
	command := llrp.TLV(llrp.ParamC1G2TagSpec,
		llrp.TLV(llrp.ParamC1G2TargetTag, []byte{bankEPC | match}, llrp.B2(0), llrp.B2(0), llrp.B2(0)))
	for _, one := range []struct {
		op    uint16
		bank  byte
		words int
	}{{opTID, bankTID, r.TIDWords}, {opUser, bankUser, r.UserWords}} {
		if one.words > 0 {
			command = append(command, llrp.TLV(llrp.ParamC1G2Read, llrp.B2(one.op), llrp.B4(0),
				[]byte{one.bank}, llrp.B2(0), llrp.B2(uint16(one.words)))...)
		}
	}
	return llrp.TLV(llrp.ParamAccessSpec, llrp.B4(accessSpecID), llrp.B2(0), []byte{1, 0}, llrp.B4(roSpecID),
		llrp.TLV(llrp.ParamAccessSpecStopTrigger, []byte{0}, llrp.B2(0)), llrp.TLV(llrp.ParamAccessCommand, command),
		llrp.TLV(llrp.ParamAccessReportSpec, []byte{0}))
}
