package rfid

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/llrp"
)

// read is one report of a tag.
type read struct {
	epc         []byte
	antenna     uint32
	rssi        int32 // dBm; 0 for none
	count       uint32
	first, last int64 // by the reader's clock, ns; 0 for none
	memory      []memoryRead
}

// memoryRead is the result of one read of the AccessSpec.
type memoryRead struct {
	op     uint64
	result uint64
	data   []byte
}

// readOf returns what a TagReportData says; false for one without EPC. The reader's times, µs since 1970, become ns.
func readOf(p *llrp.Param) (r read, ok bool) {
	if epc, found := p.Params.TV(llrp.TVEPC96); found {
		r.epc = epc.Bytes("EPC")
	} else if epc, found := p.Params.Get(llrp.ParamEPCData); found {
		r.epc = epc.Bytes("EPC")
	}
	value := func(tv uint16, name string) uint64 {
		v, _ := p.Params.TV(tv)
		return v.Uint(name)
	}
	r.antenna = uint32(value(llrp.TVAntennaID, "AntennaID"))
	r.rssi = int32(int64(value(llrp.TVPeakRSSI, "PeakRSSI")))
	r.count = max(1, uint32(value(llrp.TVTagSeenCount, "TagSeenCount")))
	r.first = int64(value(llrp.TVFirstSeenUTC, "Microseconds")) * 1000
	r.last = max(r.first, int64(value(llrp.TVLastSeenUTC, "Microseconds"))*1000)
	for i := range p.Params {
		if m := &p.Params[i]; m.Type == llrp.ParamC1G2ReadResult && !m.TV {
			r.memory = append(r.memory, memoryRead{m.Uint("OpSpecID"), m.Uint("Result"), m.Bytes("Data")})
		}
	}
	return r, len(r.epc) > 0
}

// readResults are the values of C1G2ReadOpSpecResult other than success: LLRP 1.1, 17.3.1.5.
var readResults = map[uint64]string{
	1: "the tag reports an error", 2: "the tag did not answer", 3: "the reader could not",
	4: "the tag has less memory than that", 5: "the memory is locked", 6: "it needs a password",
}

// addMemory keeps what was read of a tag's memory. Once it was read, later failures do not matter: the tag was
// leaving.
func (one *presence) addMemory(m memoryRead) {
	bank, name := &one.tid, "TID"
	if m.op == opUser {
		bank, name = &one.user, "user memory"
	}
	if m.result == 0 && len(m.data) >= len(*bank) {
		*bank = slices.Clone(m.data)
	}
	if len(*bank) > 0 {
		delete(one.faults, name)
		return
	}
	if m.result == 0 {
		return
	}
	text, ok := readResults[m.result]
	if !ok {
		text = fmt.Sprintf("result %d", m.result)
	}
	if one.faults == nil {
		one.faults = map[string]string{}
	}
	one.faults[name] = text
}

// memoryFaults explains why memory was not read, in a fixed order.
func (one *presence) memoryFaults() (out []string) {
	for _, name := range slices.Sorted(maps.Keys(one.faults)) {
		out = append(out, name+": "+one.faults[name])
	}
	return out
}

// presence is a tag in the field of the antennas, from its first report to Hold after its last.
type presence struct {
	epc         []byte
	at, seen    time.Time // first and last report, the agent's time
	first, last int64     // the reader's time, ns; 0 when it tells none
	reads       uint32
	rssi        int32 // the strongest, dBm
	antennas    []*observation.AntennaReads
	tid, user   []byte
	faults      map[string]string // bank to why it was not read
	reported    bool
}

// presences folds reads. It knows no clock but the times of what it is given. here is by EPC.
type presences struct {
	hold, longest time.Duration
	here          map[string]*presence
}

// maxPresent bounds the tags that are followed at a time: beyond, the one that was silent longest is reported and
// forgotten.
const maxPresent = 4096

// add folds a read into the presence of its EPC, and returns the presences that are over at the time at. rssi is in
// dBm; 0 is not known.
func (p *presences) add(at time.Time, r read) (out []*observation.Observation) {
	out = p.tick(at)
	one := p.here[string(r.epc)]
	if one == nil {
		if len(p.here) >= maxPresent {
			out = append(out, p.end(p.oldest())...)
		}
		one = &presence{epc: slices.Clone(r.epc), at: at, first: r.first}
		p.here[string(r.epc)] = one
	}
	one.seen, one.last = at, max(one.last, r.last)
	one.reads += r.count
	for _, m := range r.memory {
		one.addMemory(m)
	}
	stronger := func(a, b int32) int32 {
		if a == 0 || b != 0 && b > a {
			return b
		}
		return a
	}
	one.rssi = stronger(one.rssi, r.rssi)
	if r.antenna == 0 {
		return out
	}
	i := slices.IndexFunc(one.antennas, func(a *observation.AntennaReads) bool { return a.Antenna == r.antenna })
	if i < 0 {
		i = len(one.antennas)
		one.antennas = append(one.antennas, &observation.AntennaReads{Antenna: r.antenna})
	}
	one.antennas[i].Reads += r.count
	one.antennas[i].RssiMaxDbm = stronger(one.antennas[i].RssiMaxDbm, r.rssi)
	return out
}

func (p *presences) oldest() (o *presence) {
	for _, one := range p.here {
		if o == nil || cmp.Or(one.seen.Compare(o.seen), order(one, o)) < 0 {
			o = one
		}
	}
	return o
}

// tick ends presences that were silent for the hold time, and reports those that last longer than longest: a tag
// that is parked in the field is told once and not again when it leaves.
func (p *presences) tick(at time.Time) (out []*observation.Observation) {
	var due []*presence
	for _, one := range p.here {
		if at.Sub(one.seen) > p.hold || !one.reported && at.Sub(one.at) > p.longest {
			due = append(due, one)
		}
	}
	slices.SortFunc(due, order)
	for _, one := range due {
		if at.Sub(one.seen) > p.hold {
			out = append(out, p.end(one)...)
			continue
		}
		out = append(out, one.observation())
		one.reported = true
	}
	return out
}

// order is that in which presences are reported, by first report and EPC: a replay gives the same.
func order(a, b *presence) int {
	return cmp.Or(a.at.Compare(b.at), bytes.Compare(a.epc, b.epc))
}

// flush ends all: the connection is lost, and whether the tags are still there nobody knows.
func (p *presences) flush() (out []*observation.Observation) {
	var all []*presence
	for _, one := range p.here {
		all = append(all, one)
	}
	slices.SortFunc(all, order)
	for _, one := range all {
		out = append(out, p.end(one)...)
	}
	return out
}

func (p *presences) end(one *presence) []*observation.Observation {
	delete(p.here, string(one.epc))
	if one.reported {
		return nil
	}
	return []*observation.Observation{one.observation()}
}

func (one *presence) observation() *observation.Observation {
	scheme, uri := llrp.EPCURI(one.epc)
	slices.SortFunc(one.antennas, func(a, b *observation.AntennaReads) int { return int(a.Antenna) - int(b.Antenna) })
	o := observation.New(observation.Class_CLASS_EVENT, one.at, &observation.VehicleTag{
		Epc: one.epc, Scheme: scheme, Uri: uri, FirstNs: one.first, LastNs: one.last, Reads: one.reads,
		RssiMaxDbm: one.rssi, Antennas: one.antennas,
		Tid: one.tid, UserMemory: one.user, MemoryFaults: one.memoryFaults(),
	})
	o.Body.DeviceTimeNs = one.first
	began := one.at.UnixNano()
	if one.first != 0 {
		began = one.first
	}
	// a reader's clock begins anew when it starts: the time alone may come again
	driver.SetKey(o, fmt.Sprintf("%x@%d", one.epc, began))
	return o
}
