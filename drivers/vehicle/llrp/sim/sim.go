// Package sim is an RFID reader, simulated from its side of LLRP: it takes one client, answers its requests, keeps it
// alive and reports tags.
package sim

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"lanewarden/drivers/transport/accept"
	"lanewarden/drivers/vehicle/llrp"
)

// Reader is a reader with its antennas. The zero value is ready. Its exported fields are set before Serve; methods
// may be called while it serves. Refuse is a request that it answers with an error, 0 for none.
type Reader struct {
	ClockError time.Duration // of its clock
	Fragment   bool          // send in pieces of random size, several messages at a time
	Refuse     llrp.MessageType
	Unplugged  []uint16 // antennas of its four that are not connected

	mu      sync.Mutex
	starts  int          // START_ROSPEC that it was sent
	access  *llrp.Param  // the AccessSpec that it was given
	reads   []llrp.Param // of the AccessSpec, when it is enabled
	client  net.Conn
	started bool
	id      uint32
	held    []byte // of Fragment
	rng     *rand.Rand
	every   time.Duration // keep-alive
	seen    []llrp.MessageType
}

// Serve serves clients on l, one at a time, until ctx ends.
func (r *Reader) Serve(ctx context.Context, l net.Listener) error {
	r.rng = rand.New(rand.NewPCG(1, 2))
	return accept.InTurn(ctx, l, func(c net.Conn) {
		_ = r.serve(ctx, c) // the client broke off
	})
}

// serve serves one client: it accepts the connection by its first event, then answers until CLOSE_CONNECTION.
func (r *Reader) serve(ctx context.Context, c net.Conn) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer c.Close()
	r.mu.Lock()
	r.client, r.started, r.held, r.every = c, false, nil, time.Hour
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.client, r.started = nil, false
		r.mu.Unlock()
	}()
	r.send(llrp.ReaderEvent, r.event(llrp.TLV(256, llrp.B2(0))))
	alive, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.keepAlive(alive) })
	defer wg.Wait()
	defer cancel()
	buf := make([]byte, 4096)
	var framer llrp.Framer
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		done := false
		framer.Feed(buf[:n], func(f llrp.Frame) { done = r.answer(f) || done })
		if done {
			return nil
		}
	}
}

// answer answers a request and reports whether it was the last one.
func (r *Reader) answer(f llrp.Frame) bool {
	ok := llrp.TLV(287, llrp.B2(0), llrp.B2(0))
	r.mu.Lock()
	r.seen = append(r.seen, f.Type)
	refuse := r.Refuse != 0 && f.Type == r.Refuse
	r.mu.Unlock()
	if refuse {
		text := "not today"
		ok = llrp.TLV(287, llrp.B2(401), llrp.B2(uint16(len(text))), []byte(text))
	}
	reply, known := replies[f.Type]
	if !known {
		return false
	}
	r.write(llrp.Encode(reply, f.ID, append([][]byte{ok}, r.content(f)...)...))
	if !refuse {
		r.obey(f)
	}
	return f.Type == llrp.CloseConnection
}

// replies are the answers to requests.
var replies = map[llrp.MessageType]llrp.MessageType{
	llrp.GetCapabilities: llrp.GetCapabilitiesResponse, llrp.SetConfig: llrp.SetConfigResponse,
	llrp.GetConfig:    llrp.GetConfigResponse,
	llrp.DeleteROSpec: llrp.DeleteROSpecResponse, llrp.AddROSpec: llrp.AddROSpecResponse,
	llrp.EnableROSpec: llrp.EnableROSpecResponse,
	llrp.StartROSpec:  llrp.StartROSpecResponse, llrp.DeleteAccessSpec: llrp.DeleteAccessSpecResp,
	llrp.AddAccessSpec:    llrp.AddAccessSpecResponse,
	llrp.EnableAccessSpec: llrp.EnableAccessSpecResp, llrp.CloseConnection: llrp.CloseConnectionResponse,
}

// antennas is the number of the reader's antennas.
const antennas = 4

// content returns the parameters of an answer behind its status.
func (r *Reader) content(f llrp.Frame) (out [][]byte) {
	switch f.Type {
	case llrp.GetCapabilities:
		version := "5.14.0.240"
		out = append(out, llrp.TLV(137, llrp.B2(antennas), llrp.B2(1<<14), llrp.B4(25882),
			llrp.B4(2001002), llrp.B2(uint16(len(version))), []byte(version)))
	case llrp.GetConfig:
		for n := uint16(1); n <= antennas; n++ {
			connected := byte(0x80)
			if slices.Contains(r.Unplugged, n) {
				connected = 0
			}
			out = append(out, llrp.TLV(221, []byte{connected}, llrp.B2(n), llrp.B2(600)))
		}
	}
	return out
}

// obey does what a request asks for.
func (r *Reader) obey(f llrp.Frame) {
	m, err := llrp.Decode(f.Type, f.ID, f.Payload)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch f.Type {
	case llrp.SetConfig:
		if k, found := m.Params.Get(220); found && k.Uint("Trigger") == 1 {
			r.every = max(time.Duration(k.Uint("Interval"))*time.Millisecond, 10*time.Millisecond)
		}
	case llrp.DeleteROSpec:
		r.started = false
	case llrp.StartROSpec:
		r.started = true
		r.starts++
	case llrp.DeleteAccessSpec:
		r.access, r.reads = nil, nil
	case llrp.AddAccessSpec:
		r.access, _ = m.Params.Get(207)
	case llrp.EnableAccessSpec:
		if command, found := r.command(); found {
			for _, p := range command.Params {
				if p.Type == 341 {
					r.reads = append(r.reads, p)
				}
			}
		}
	}
}

// command is the AccessCommand of the AccessSpec.
func (r *Reader) command() (*llrp.Param, bool) {
	if r.access == nil {
		return nil, false
	}
	return r.access.Params.Get(209)
}

// End reports that the reader ended its ROSpec by itself.
func (r *Reader) End() {
	r.start(false)
	r.send(llrp.ReaderEvent, r.event(llrp.TLV(249, []byte{1}, llrp.B4(1), llrp.B4(0))))
}

// Starts returns the number of times that a client has started the reader.
func (r *Reader) Starts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.starts
}

func (r *Reader) start(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = on
}

// Seen reports whether a client sent such a message.
func (r *Reader) Seen(t llrp.MessageType) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.seen, t)
}

// Started reports whether a client has started the reader.
func (r *Reader) Started() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started
}

// keepAlive sends keep-alives as the client wished, and what Fragment holds back.
func (r *Reader) keepAlive(ctx context.Context) {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		r.mu.Lock()
		due := time.Since(last) >= r.every
		r.mu.Unlock()
		if due {
			last = time.Now()
			r.send(llrp.Keepalive)
		}
		r.flush()
	}
}

// Tag is one read of a tag.
type Tag struct {
	EPC     [12]byte
	Antenna uint16
	RSSI    int8 // dBm
	At      time.Time
	TID     []byte // memory that clients may read by an AccessSpec; nil for a tag that does not answer
	User    []byte
}

// Read reports tags in one message, when a client has started the reader. It says whether it did.
func (r *Reader) Read(tags ...Tag) bool {
	if !r.Started() {
		return false
	}
	r.mu.Lock()
	reads := r.reads
	r.mu.Unlock()
	r.send(llrp.ROAccessReport, report(r.ClockError, reads, tags))
	return true
}

// Report is the payload of a report of these reads.
func Report(clockError time.Duration, tags ...Tag) (out []byte) { return report(clockError, nil, tags) }

// report is Report with the results of the reads of an AccessSpec.
func report(clockError time.Duration, reads []llrp.Param, tags []Tag) (out []byte) {
	for _, t := range tags {
		at := llrp.B8(uint64(t.At.Add(clockError).UnixMicro()))
		content := [][]byte{
			llrp.TV(13, t.EPC[:]), llrp.TV(1, llrp.B2(t.Antenna)), llrp.TV(6, []byte{byte(t.RSSI)}),
			llrp.TV(2, at), llrp.TV(4, at), llrp.TV(8, llrp.B2(1)),
		}
		for i := range reads {
			content = append(content, t.result(&reads[i]))
		}
		out = append(out, llrp.TLV(240, content...)...)
	}
	return out
}

// result is a C1G2ReadOpSpecResult.
func (t *Tag) result(read *llrp.Param) []byte {
	const bankTID, noAnswer, overrun = 2, 2, 4
	memory := t.User
	if read.Uint("MB") == bankTID {
		memory = t.TID
	}
	first, n := 2*int(read.Uint("WordPointer")), 2*int(read.Uint("WordCount"))
	result := byte(0)
	switch {
	case memory == nil:
		result = noAnswer
	case first+n > len(memory):
		result = overrun
	default:
		memory = memory[first : first+n]
	}
	if result != 0 {
		memory = nil
	}
	return llrp.TLV(349, []byte{result}, llrp.B2(uint16(read.Uint("OpSpecID"))), llrp.B2(uint16(len(memory)/2)), memory)
}

// Antenna reports to the client that an antenna was connected or lost.
func (r *Reader) Antenna(n uint16, connected bool) {
	state := byte(0)
	if connected {
		state = 1
	}
	r.send(llrp.ReaderEvent, r.event(llrp.TLV(255, []byte{state}, llrp.B2(n))))
}

func (r *Reader) event(p []byte) []byte { return Event(time.Now().Add(r.ClockError), p) }

// Event is the payload of a reader event notification.
func Event(at time.Time, p []byte) []byte {
	return llrp.TLV(246, llrp.TLV(128, llrp.B8(uint64(at.UnixMicro()))), p)
}

func (r *Reader) send(t llrp.MessageType, payload ...[]byte) {
	r.mu.Lock()
	r.id++
	id := r.id
	r.mu.Unlock()
	r.write(llrp.Encode(t, id, payload...))
}

// write sends bytes; a client that is gone is found by its reads.
func (r *Reader) write(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		return
	}
	if !r.Fragment {
		r.client.Write(b)
		return
	}
	r.held = append(r.held, b...)
	for len(r.held) > 0 && r.rng.IntN(3) > 0 {
		n := min(1+r.rng.IntN(40), len(r.held))
		r.client.Write(r.held[:n])
		r.held = r.held[n:]
	}
}

func (r *Reader) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && len(r.held) > 0 {
		r.client.Write(r.held)
		r.held = nil
	}
}

// EPC makes a GIAI-96 of a company's number and an asset's.
func EPC(company uint32, asset uint64) (out [12]byte) {
	// Header 0x34, filter 0, partition 5 (24 bits, 7 digits), company, asset of 58 bits.
	out[0] = 0x34
	// the 48 bits behind the first byte, without filter
	hi := uint64(5)<<42 | uint64(company&0xffffff)<<18 | asset>>40&0x3ffff
	lo := asset & 0xffffffffff
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], hi)
	copy(out[1:7], b[2:])
	binary.BigEndian.PutUint64(b[:], lo)
	copy(out[7:], b[3:])
	return out
}
