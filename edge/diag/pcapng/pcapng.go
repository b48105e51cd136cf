// Package pcapng writes recordings as pcapng files, which Wireshark opens. It is apart from package diag as what it needs
// takes 5 MB of memory in each program that has it, and the agent does not.
package pcapng

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"lanewarden/drivers/transport"
	"lanewarden/edge/diag"
)

// Write writes a recording. The bytes are the device's, the packets around them are made up: a tape has none. port, when
// not 0, stands for the device's own, so that Wireshark knows the protocol; the first packet's comment has the real one.
func Write(w io.Writer, r *diag.Recording, port uint16) error {
	a := r.About
	p := packets{port: port, from: a.From, flows: map[uint32]*flow{}}
	var err error
	p.out, err = pcapgo.NewNgWriterInterface(w, pcapgo.NgInterface{
		Name: a.Device, LinkType: layers.LinkTypeRaw, TimestampResolution: 9,
		Description: fmt.Sprintf("device %s (driver %s) at %s/%s, %s to %s", a.Device, a.Driver, a.Site, a.Agent,
			a.From.Format(time.RFC3339), a.To.Format(time.RFC3339)),
		Comment: "Lanewarden recording. The bytes are the device's; addresses and packets were made up around them.",
	}, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "lanewarden " + a.Software}})
	if err != nil {
		return err
	}
	for _, one := range r.Records {
		if err := p.record(one); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

// packets makes TCP packets of records, with sequence numbers that fit, so that Wireshark can
// follow streams.
type packets struct {
	out    *pcapgo.NgWriter
	port   uint16
	from   time.Time
	flows  map[uint32]*flow // by connection; 0 is the stream
	opened uint16
}

// flow is one connection. Sequence numbers are those of the next byte of each side.
type flow struct {
	client, server netip.AddrPort
	dialled        bool      // we are the client
	seq            [2]uint32 // next, of the client and of the server
}

// Ends that are made up where a tape names none, from the ranges for documentation (RFC 5737, RFC
// 3849).
var (
	us   = netip.MustParseAddr("192.0.2.1")
	them = netip.MustParseAddr("192.0.2.2")
	us6  = netip.MustParseAddr("2001:db8::1")
)

// Made-up ports are the ephemeral ones (RFC 6335).
const (
	firstPort = 49152
	ports     = 16384
)

// record writes the packets of one record; none for a record of the lead-in, which only replays
// need.
func (p *packets) record(r transport.Record) error {
	n, data := transport.Connection(r)
	if r.At.Before(p.from) && (r.Kind == transport.RecordIn || r.Kind == transport.RecordOut) {
		return nil // the lead-in is for replays
	}
	switch r.Kind {
	case transport.RecordOpen:
		return p.openStream(r.At, string(r.Data))
	case transport.RecordConnOpen:
		return p.openConnection(r.At, n, string(data))
	case transport.RecordIn:
		return p.data(r.At, 0, r.Data, false)
	case transport.RecordOut:
		return p.data(r.At, 0, r.Data, true)
	case transport.RecordConnIn:
		return p.data(r.At, n, data, false)
	case transport.RecordConnOut:
		return p.data(r.At, n, data, true)
	case transport.RecordClose:
		return p.end(r.At, 0)
	case transport.RecordConnClose:
		return p.end(r.At, n)
	case transport.RecordDocument:
		return p.document(r)
	}
	return nil // settled: nothing passed
}

// address parses HOST:PORT; ok is false for what is no address and port, such as a serial line or a
// host name.
func address(text string) (a netip.AddrPort, ok bool) {
	a, err := netip.ParseAddrPort(text)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), err == nil
}

// next returns a made-up port, another one each time until they are used up.
func (p *packets) next() uint16 {
	p.opened = (p.opened + 1) % ports
	return firstPort + p.opened
}

// openStream begins the stream that the agent opened to a device. The port of a host name is kept.
func (p *packets) openStream(at time.Time, to string) error {
	server, ok := address(to)
	if !ok {
		server = netip.AddrPortFrom(them, p.next())
		if i := strings.LastIndexByte(to, ':'); i > 0 { // a host by name
			if a, err := netip.ParseAddrPort(them.String() + to[i:]); err == nil {
				server = a
			}
		}
	}
	client := netip.AddrPortFrom(us, p.next())
	if server.Addr().Is6() {
		client = netip.AddrPortFrom(us6, client.Port())
	}
	return p.begin(at, 0, &flow{client: client, server: server, dialled: true}, to)
}

// openConnection begins a connection of which the tape has both ends, with > or < between them for
// who called.
func (p *packets) openConnection(at time.Time, n uint32, ends string) error {
	mine, theirs, dialled := strings.Cut(ends, ">")
	if !dialled {
		mine, theirs, _ = strings.Cut(ends, "<")
	}
	local, ok1 := address(mine)
	remote, ok2 := address(theirs)
	if !ok1 || !ok2 { // a serial line
		local, remote = netip.AddrPortFrom(us, p.next()), netip.AddrPortFrom(them, p.next())
	}
	f := &flow{client: local, server: remote, dialled: dialled}
	if !dialled {
		f.client, f.server = remote, local
	}
	return p.begin(at, n, f, ends)
}

// begin writes the three packets that open a TCP connection (RFC 9293, 3.5). The first has the
// comment real.
func (p *packets) begin(at time.Time, n uint32, f *flow, real string) error {
	if p.port != 0 && strings.Contains(real, ":") {
		f.server = netip.AddrPortFrom(f.server.Addr(), p.port)
	}
	p.flows[n] = f
	for _, one := range []struct {
		byClient bool
		flags    layers.TCP
	}{{true, layers.TCP{SYN: true}}, {false, layers.TCP{SYN: true, ACK: true}}, {true, layers.TCP{ACK: true}}} {
		if err := p.packet(at, f, one.byClient, one.flags, nil, real); err != nil {
			return err
		}
		if one.flags.SYN {
			f.seq[side(one.byClient)]++
		}
		real = ""
	}
	return nil
}

// side returns the index of a side in flow.seq.
func side(byClient bool) int {
	if byClient {
		return 0
	}
	return 1
}

// segment is the number of payload bytes of a packet: what fits into an Ethernet frame with either
// version of IP.
const segment = 1400

// data writes bytes of one side of a connection as packets. A connection that was opened before the
// tape begins is opened here.
func (p *packets) data(at time.Time, n uint32, data []byte, fromUs bool) error {
	f := p.flows[n]
	if f == nil { // opened before the tape begins
		if err := p.openStream(at, "not on the tape"); err != nil {
			return err
		}
		f = p.flows[0]
		p.flows[n] = f
	}
	byClient := fromUs == f.dialled
	for len(data) > 0 {
		part := data[:min(segment, len(data))]
		data = data[len(part):]
		if err := p.packet(at, f, byClient, layers.TCP{ACK: true, PSH: len(data) == 0}, part, ""); err != nil {
			return err
		}
		f.seq[side(byClient)] += uint32(len(part))
	}
	return nil
}

// end writes the packets that close a connection; nothing for one that is not open.
func (p *packets) end(at time.Time, n uint32) error {
	f := p.flows[n]
	if f == nil {
		return nil
	}
	delete(p.flows, n)
	for _, byClient := range []bool{true, false} {
		if err := p.packet(at, f, byClient, layers.TCP{FIN: true, ACK: true}, nil, ""); err != nil {
			return err
		}
		f.seq[side(byClient)]++
	}
	return nil
}

// documentConnection is the number of a made-up connection, above those that a tape counts.
const documentConnection = 1<<32 - 1

// document writes a file, or the body of a request, as an HTTP PUT, so that Wireshark shows and
// exports its contents.
func (p *packets) document(r transport.Record) error {
	name, body, _ := bytes.Cut(r.Data, []byte{0})
	kind := mime.TypeByExtension(path.Ext(string(name)))
	if kind == "" {
		kind = "application/octet-stream"
	}
	f := &flow{client: netip.AddrPortFrom(them, p.next()), server: netip.AddrPortFrom(us, 80)}
	port := p.port
	p.port = 0
	err := p.begin(r.At, documentConnection, f,
		fmt.Sprintf("document %q as it came in, shown as an HTTP request", name))
	p.port = port
	if err != nil {
		return err
	}
	head := fmt.Appendf(nil, "PUT /%s HTTP/1.1\r\nHost: agent\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		strings.ReplaceAll(string(name), " ", "_"), kind, len(body))
	if err := p.data(r.At, documentConnection, append(head, body...), false); err != nil {
		return err
	}
	return p.end(r.At, documentConnection)
}

// packet writes one packet as raw IP, which needs no made-up Ethernet addresses. Checksums are
// right, so that Wireshark does not mark every packet.
func (p *packets) packet(at time.Time, f *flow, byClient bool, tcp layers.TCP, data []byte, comment string) error {
	from, to := f.client, f.server
	if !byClient {
		from, to = to, from
	}
	tcp.SrcPort, tcp.DstPort, tcp.Window = layers.TCPPort(from.Port()), layers.TCPPort(to.Port()), 65535
	tcp.Seq = f.seq[side(byClient)]
	if tcp.ACK {
		tcp.Ack = f.seq[side(!byClient)]
	}
	var ip gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	if from.Addr().Is4() {
		l := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		ip, network = l, l
	} else {
		l := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		ip, network = l, l
	}
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		return err
	}
	buf := gopacket.NewSerializeBuffer()
	how := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, how, ip, &tcp, gopacket.Payload(data)); err != nil {
		return err
	}
	var opts pcapgo.NgPacketOptions
	if comment != "" {
		opts.Comments = []string{comment}
	}
	packet := buf.Bytes()
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(packet), Length: len(packet)}
	return p.out.WritePacketWithOptions(info, packet, opts)
}
