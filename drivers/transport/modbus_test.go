package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/simonvetter/modbus"
	"go.uber.org/goleak"

	"lanewarden/drivers/message"
)

// ask opens a client on one end of a pipe, lets a device answer on the other, and reads a register.
func ask(t *testing.T, m Modbus, device func(net.Conn)) (uint16, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go device(theirs)
	line := newModbusLine(ours, m)
	defer line.close()
	pdu, err := line.exchange(byte(m.Unit), []byte{3, 0, 100, 0, 1})
	if err != nil {
		return 0, err
	}
	if pdu[0] != 3 {
		t.Fatalf("answer %x", pdu)
	}
	return binary.BigEndian.Uint16(pdu[2:]), nil
}

func request1(c net.Conn, size int) []byte {
	b := make([]byte, size)
	if _, err := io.ReadFull(c, b); err != nil {
		return nil
	}
	return b
}

func rtu(b ...byte) []byte { return binary.LittleEndian.AppendUint16(b, ModbusCRC(b)) }

const short = 200 * time.Millisecond

// TestModbusTCPAnswers: what a gateway may answer, and how it is told.
func TestModbusTCPAnswers(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	answer := func(id uint16, unit byte, pdu ...byte) []byte { return mbap(id, unit, pdu) }
	for _, c := range []struct {
		name   string
		answer []byte
		want   string
	}{
		{"right", answer(1, 7, 3, 2, 0, 42), ""},
		{"another one's first", append(answer(77, 7, 3, 2, 0, 1), answer(1, 7, 3, 2, 0, 42)...), ""},
		{"another transaction id", answer(0x1234, 7, 3, 2, 0, 42),
			"answers with another transaction id (0x1234) than that of the request (0x0001)"},
		{"transaction id always 0", answer(0, 7, 3, 2, 0, 42), "answers with another transaction id (0x0000)"},
		{"another unit", answer(1, 8, 3, 2, 0, 42),
			"the answer is of unit 8, function 3 with 3 bytes, and unit 7, function 3 was asked"},
		{"another function", answer(1, 7, 4, 2, 0, 42), "function 4"},
		{"another count", answer(1, 7, 3, 4, 0, 42, 0, 1), "with 5 bytes"},
		{"RTU frame", rtu(7, 3, 2, 0, 42), "a frame of a serial line (RTU) and not Modbus TCP"},
		{"web server", []byte("HTTP/1.1 400 Bad Request"), "not Modbus TCP"},
		{"nothing", nil, "no answer within 200\u00a0ms: unit id?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := ask(t, Modbus{Unit: 7, Timeout: short}, func(d net.Conn) {
					request1(d, 12)
					d.Write(c.answer)
				})
				check(t, got, err, c.want)
			})
		})
	}
}

func check(t *testing.T, got uint16, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil || got != 42 {
			t.Errorf("%d, %v", got, err)
		}
	} else if err == nil || !strings.Contains(message.Of(err).English(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestModbusRTUAnswers: the same on a serial line.
func TestModbusRTUAnswers(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	right := rtu(7, 3, 2, 0, 42)
	for _, c := range []struct {
		name   string
		answer []byte
		want   string
	}{
		{"right", right, ""},
		{"noise before it", append([]byte{0xff, 0, 7, 3}, right...), ""},
		{"another unit's before it", append(rtu(8, 3, 2, 0, 1), right...), ""},
		{"answer to a longer request before it", append(rtu(7, 3, 4, 0, 1, 0, 2), right...), ""},
		{"another unit", rtu(8, 3, 2, 0, 42), "unit 8 answered function 3 with 3 bytes, and unit 7, function 3 was asked"},
		{"another count", rtu(7, 3, 4, 0, 1, 0, 2), "a late answer, another master"},
		{"wrong checksum", append(right[:5:5], 0, 0), "no whole Modbus frame came (7 bytes, "},
		{"nothing", nil, "no answer within 200\u00a0ms: unit id, wiring, speed and parity"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := ask(t, Modbus{Link: Link{Serial: &Serial{Baud: 19200}}, Unit: 7, Timeout: short}, func(d net.Conn) {
					request1(d, 8)
					d.Write(c.answer)
				})
				check(t, got, err, c.want)
			})
		})
	}
}

// TestLateAnswers: an answer that comes after the time-out is waited for and thrown away, and the next request gets its own.
func TestLateAnswers(t *testing.T) { synctest.Test(t, testLateAnswers) }

func testLateAnswers(t *testing.T) {
	ours, device := net.Pipe()
	defer device.Close()
	line := newModbusLine(ours, Modbus{Link: Link{Serial: &Serial{Baud: 19200}}, Unit: 7, Timeout: short})
	defer line.close()
	go func() {
		request1(device, 8)
		<-time.After(short + short/2)
		device.Write(rtu(7, 3, 2, 0, 1))
		request1(device, 8)
		device.Write(rtu(7, 3, 2, 0, 42))
	}()
	_, err := line.exchange(7, []byte{3, 0, 100, 0, 1})
	if err == nil || !strings.Contains(message.Of(err).English(), "later than the time-out of 200\u00a0ms: raise timeout") {
		t.Errorf("%v", err)
	}
	if pdu, err := line.exchange(7, []byte{3, 0, 200, 0, 1}); err != nil || !bytes.Equal(pdu, []byte{3, 2, 0, 42}) {
		t.Errorf("%x, %v", pdu, err)
	}
}

// TestStaleBytes: what stood on the line before a request is not its answer.
func TestStaleBytes(t *testing.T) { synctest.Test(t, testStaleBytes) }

func testStaleBytes(t *testing.T) {
	ours, device := net.Pipe()
	defer device.Close()
	line := newModbusLine(ours, Modbus{Link: Link{Serial: &Serial{Baud: 300}}, Unit: 7, Timeout: time.Minute})
	defer line.close()
	device.Write(rtu(7, 3, 2, 0, 1)) // returns when the line has read it
	go func() {
		request1(device, 8)
		device.Write(rtu(7, 3, 2, 0, 42))
	}()
	if pdu, err := line.exchange(7, []byte{3, 0, 100, 0, 1}); err != nil || !bytes.Equal(pdu, []byte{3, 2, 0, 42}) {
		t.Errorf("%x, %v", pdu, err)
	}
}

// TestHurry: a request under way does not hold up the end for longer than the usual time-out.
func TestHurry(t *testing.T) { synctest.Test(t, testHurry) }

func testHurry(t *testing.T) {
	ours, device := net.Pipe()
	defer device.Close()
	line := newModbusLine(ours, Modbus{Unit: 7, Timeout: time.Hour})
	defer line.close()
	go func() {
		request1(device, 12)
		line.hurry()
	}()
	if _, err := line.exchange(7, []byte{3, 0, 100, 0, 1}); err == nil {
		t.Error("an answer from nowhere")
	}
}

// TestExceptions: each is told by name, with what to do. The library's own server is the device.
func TestExceptions(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for {
			id, unit, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			c.Write(mbap(id, unit, []byte{pdu[0] | exceptionBit, pdu[2]})) // the address is the exception
		}
	}()
	client, err := Modbus{Link: Link{Address: l.Addr().String()}, Unit: 7}.Open(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for code, want := range map[uint16]string{1: "exception 1", 2: "exception 2", 3: "exception 3",
		4: "exception 4", 5: "exception 5", 6: "exception 6", 8: "exception 8", 10: "exception 10", 11: "exception 11"} {
		_, err := client.ReadRegister(code, modbus.HOLDING_REGISTER)
		said := message.Of(client.Cause(err)).English()
		if !strings.Contains(said, "("+want+")") {
			t.Errorf("%d: %s", code, said)
		}
	}
}

func FuzzModbusFraming(f *testing.F) {
	f.Add(mbap(1, 7, []byte{3, 2, 0, 42}), false)
	f.Add(rtu(7, 3, 2, 0, 42), true)
	f.Fuzz(func(t *testing.T, data []byte, serial bool) {
		var framing modbusFraming = &tcpFraming{}
		if serial {
			framing = &rtuFraming{}
		}
		framing.wrap(7, []byte{3, 0, 100, 0, 1})
		buf := bytes.Clone(data)
		if pdu, err := framing.find(&buf); err == nil && pdu != nil && pdu[0] == 3 && (len(pdu) != 4 || pdu[1] != 2) {
			t.Errorf("%x is taken for the answer", pdu)
		}
		framing.strange(buf)
	})
}
