package pcapng

import (
	"bytes"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"lanewarden/drivers/transport"
	"lanewarden/edge/diag"
)

var begin = time.Date(2026, 11, 25, 3, 12, 0, 0, time.UTC)

func at(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }

func conn(n byte, text string) []byte { return append([]byte{0, 0, 0, n}, text...) }

func recording(records ...transport.Record) *diag.Recording {
	return &diag.Recording{
		About:   diag.About{Device: "scale-1", Driver: "scale", From: at(-60), To: at(3600)},
		Records: records,
	}
}

// Every byte is in the packets, in order, with good checksums and sequence numbers.
func TestWrite(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 1000)
	r := recording(
		transport.Record{At: at(0), Kind: transport.RecordIn, Data: []byte("before the opening ")},
		transport.Record{At: at(1), Kind: transport.RecordOpen, Data: []byte("[2001:db8::9]:1601")},
		transport.Record{At: at(2), Kind: transport.RecordOut, Data: []byte("ask")},
		transport.Record{At: at(3), Kind: transport.RecordIn, Data: long},
		transport.Record{At: at(4), Kind: transport.RecordClose},
		transport.Record{At: at(5), Kind: transport.RecordConnOpen, Data: conn(1, "127.0.0.1:104<127.0.0.1:50000")},
		transport.Record{At: at(6), Kind: transport.RecordConnIn, Data: conn(1, "associate")},
		transport.Record{At: at(7), Kind: transport.RecordDocument, Data: []byte("a b.n42\x00<xml/>")},
		transport.Record{At: at(8), Kind: transport.RecordOpen, Data: []byte("/dev/ttyUSB0")},
	)
	var b bytes.Buffer
	if err := Write(&b, r, 0); err != nil {
		t.Fatal(err)
	}
	in, err := pcapgo.NewNgReader(&b, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var payload []byte
	next := map[gopacket.Flow]uint32{}
	n := 0
	for {
		data, _, err := in.ReadPacketData()
		if err != nil {
			break
		}
		n++
		p := gopacket.NewPacket(data, layers.LayerTypeIPv4, gopacket.Default)
		if data[0]>>4 == 6 {
			p = gopacket.NewPacket(data, layers.LayerTypeIPv6, gopacket.Default)
		}
		tcp := p.TransportLayer().(*layers.TCP)
		if err := p.ErrorLayer(); err != nil {
			t.Fatal(err.Error())
		}
		key := gopacket.NewFlow(layers.EndpointTCPPort, append(tcp.TransportFlow().Src().Raw(), p.NetworkLayer().NetworkFlow().Src().Raw()[:4]...), tcp.TransportFlow().Dst().Raw())
		if want, ok := next[key]; ok && want != tcp.Seq && !tcp.SYN {
			t.Errorf("packet %d: sequence %d, want %d", n, tcp.Seq, want)
		}
		next[key] = tcp.Seq + uint32(len(tcp.Payload))
		if tcp.SYN || tcp.FIN {
			next[key]++
		}
		payload = append(payload, tcp.Payload...)
	}
	want := "before the opening ask" + string(long) + "associatePUT /a_b.n42 HTTP/1.1\r\nHost: agent\r\nContent-Type: application/octet-stream\r\nContent-Length: 6\r\n\r\n<xml/>"
	if string(payload) != want {
		t.Errorf("got %.300q…", payload)
	}
}

// FuzzWrite: what diag.Read takes for a recording is written, or its error told, and nothing crashes.
func FuzzWrite(f *testing.F) {
	var b bytes.Buffer
	if err := recording(transport.Record{At: at(0), Kind: transport.RecordConnIn, Data: conn(1, "x")}).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := diag.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		if err := Write(&bytes.Buffer{}, r, 502); err != nil {
			t.Log(err)
		}
	})
}
