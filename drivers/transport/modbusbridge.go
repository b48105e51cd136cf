package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// modbusBridge stands between the Modbus library, which opens connections by itself, and the connection to a device,
// which is taped and has its own rules of time: the library speaks Modbus TCP to it, over a port of localhost that
// takes one caller. address is that port; stop ends it and waits for its goroutine.
type modbusBridge struct {
	address string
	line    *modbusLine
	stop    func()

	mu  sync.Mutex
	err error // why the last request got no answer
}

// startModbusBridge starts a bridge. It ends with the first request that gets no answer, when the library hangs up,
// or with stop.
func startModbusBridge(line *modbusLine) (*modbusBridge, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		line.close()
		return nil, err
	}
	b := &modbusBridge{address: l.Addr().String(), line: line}
	var wg sync.WaitGroup
	var caller net.Conn
	wg.Go(func() {
		defer line.close()
		c, err := l.Accept()
		l.Close()
		if err != nil {
			return
		}
		b.mu.Lock()
		caller = c
		b.mu.Unlock()
		b.serve(c)
		c.Close()
	})
	b.stop = func() {
		l.Close()
		line.close()
		b.mu.Lock()
		if caller != nil {
			caller.Close()
		}
		b.mu.Unlock()
		wg.Wait()
	}
	return b, nil
}

// failure returns why the last request got no answer; nil when it got one.
func (b *modbusBridge) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// serve passes requests on until one of them gets no answer.
func (b *modbusBridge) serve(library io.ReadWriter) {
	for {
		id, unit, pdu, err := readMBAP(library)
		if err != nil {
			return
		}
		answer, err := b.line.exchange(unit, pdu)
		if err != nil {
			b.mu.Lock()
			b.err = err
			b.mu.Unlock()
			return
		}
		if _, err := library.Write(mbap(id, unit, answer)); err != nil {
			return
		}
	}
}

// mbapBytes is the header of Modbus TCP, maxPDUBytes the largest PDU behind it (Modbus Application Protocol 1.1b3,
// 4.1).
const (
	mbapBytes   = 7
	maxPDUBytes = 253
)

var errNoMBAP = errors.New("no Modbus TCP header")

// mbap puts the header of Modbus TCP before a PDU. Source: Modbus Messaging on TCP/IP 1.0b, 3.1.3:
//
//	transaction id  2
//	protocol        2  0
//	length          2  of what follows
//	unit            1
//	PDU: function 1, data
func mbap(id uint16, unit byte, pdu []byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, id)
	out = append(out, 0, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(1+len(pdu)))
	return append(append(out, unit), pdu...)
}

// parseMBAP returns the first message in b and its length; 0 when more must come.
func parseMBAP(b []byte) (n int, id uint16, unit byte, pdu []byte, err error) {
	if len(b) < mbapBytes {
		return 0, 0, 0, nil, nil
	}
	size := int(binary.BigEndian.Uint16(b[4:])) - 1
	if binary.BigEndian.Uint16(b[2:]) != 0 || size < 1 || size > maxPDUBytes {
		return 0, 0, 0, nil, errNoMBAP
	}
	if len(b) < mbapBytes+size {
		return 0, 0, 0, nil, nil
	}
	return mbapBytes + size, binary.BigEndian.Uint16(b), b[6], b[mbapBytes : mbapBytes+size], nil
}

// readMBAP reads one message; errNoMBAP for what is none.
func readMBAP(r io.Reader) (id uint16, unit byte, pdu []byte, err error) {
	buf := make([]byte, mbapBytes, mbapBytes+maxPDUBytes)
	if _, err := io.ReadFull(r, buf); err != nil {
		return 0, 0, nil, err
	}
	size := min(max(int(binary.BigEndian.Uint16(buf[4:]))-1, 0), maxPDUBytes)
	buf = buf[:mbapBytes+size]
	if _, err := io.ReadFull(r, buf[mbapBytes:]); err != nil {
		return 0, 0, nil, err
	}
	_, id, unit, pdu, err = parseMBAP(buf)
	return id, unit, pdu, err
}
