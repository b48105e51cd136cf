package transport

import (
	"errors"
	"net"
	"sync"
	"time"
)

// modbusLine asks a device, one request at a time. An answer counts only when it is to the request that is open.
// exchange is for one goroutine; hurry and close may be called from any.
type modbusLine struct {
	conn    net.Conn
	framing modbusFraming
	timeout time.Duration
	pause   time.Duration // between an answer and the next request
	silence time.Duration // that ends a frame: 3.5 characters; 0 with TCP

	in     chan []byte   // what the device sends
	gone   chan struct{} // closed when nothing more comes
	lost   error         // why, set before gone is closed
	last   time.Time     // something passed on the line
	ending chan struct{} // closed when somebody wants to end
	shut   chan struct{} // closed when the line is closed
	hurrys sync.Once
	closes sync.Once
	reader sync.WaitGroup
}

// modbusFraming wraps PDUs in the frames of a transport (RTU, ASCII or TCP). Find looks for the answer to the request
// that Wrap wrapped last.
type modbusFraming interface {
	wrap(unit byte, pdu []byte) []byte
	// find returns the answer's PDU, nil when it is not there yet. It removes from buf what can be no part of it.
	find(buf *[]byte) ([]byte, error)
	// strange describes what came instead of the answer, nil when nothing did.
	strange(rest []byte) *Error
}

func newModbusLine(conn net.Conn, m Modbus) *modbusLine {
	l := &modbusLine{
		conn: conn, framing: &tcpFraming{}, timeout: m.Timeout, pause: m.Pause, in: make(chan []byte, 64),
		gone:   make(chan struct{}),
		ending: make(chan struct{}), shut: make(chan struct{}),
	}
	if m.Serial != nil {
		l.silence = silenceAt(m.Serial.Baud)
		l.framing = &rtuFraming{}
		l.last = time.Now() // what a line was doing before is not known
	}
	l.reader.Go(l.read)
	return l
}

// silenceAt returns the silence between two RTU frames: 3.5 characters of 11 bits, and not less than at 19,200 baud.
// Source: Modbus over Serial Line 1.02, 2.5.1.1.
func silenceAt(baud int) time.Duration {
	if baud == 0 {
		baud = 9600
	}
	return max(time.Duration(3.5*11*float64(time.Second)/float64(baud)), 1750*time.Microsecond)
}

// read hands on what comes. A device that sends more than anybody asks for waits.
func (l *modbusLine) read() {
	defer close(l.gone)
	buf := make([]byte, 1024)
	for {
		n, err := l.conn.Read(buf)
		if n > 0 {
			select {
			case l.in <- append([]byte(nil), buf[:n]...):
			case <-l.shut:
			}
		}
		if err != nil {
			l.lost = err
			return
		}
	}
}

// hurry bounds requests by the usual time-out, and ends waiting for late answers.
func (l *modbusLine) hurry() { l.hurrys.Do(func() { close(l.ending) }) }

func (l *modbusLine) close() {
	l.closes.Do(func() {
		l.hurry()
		close(l.shut)
		l.conn.Close()
		l.reader.Wait()
	})
}

// hurried reports whether somebody wants to end.
func (l *modbusLine) hurried() bool {
	select {
	case <-l.ending:
		return true
	default:
		return false
	}
}

// errLineClosed means that the device ended the connection, or the serial port is gone.
var errLineClosed error = newError("device.closed")

// receive returns what the device sends next, nil when nothing came until the time or, with hurry, when somebody
// wants to end.
func (l *modbusLine) receive(until time.Time, hurry <-chan struct{}) ([]byte, error) {
	select {
	case b := <-l.in: // what is there goes before the time that is over
		l.last = time.Now()
		return b, nil
	default:
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case b := <-l.in:
		l.last = time.Now()
		return b, nil
	case <-t.C:
		return nil, nil
	case <-hurry:
		return nil, nil
	case <-l.gone:
		select {
		case b := <-l.in: // it came before the end
			return b, nil
		default:
			return nil, errors.Join(errLineClosed, l.lost)
		}
	}
}

// quiet waits until the line was silent as long as it must be before a request, and throws away what comes
// meanwhile: a late answer, noise.
func (l *modbusLine) quiet() error {
	for begin := time.Now(); ; {
		ready := l.last.Add(max(l.silence, l.pause))
		if l.silence == 0 { // TCP: what comes has a transaction id
			if d := time.Until(ready); d > 0 {
				t := time.NewTimer(d)
				defer t.Stop()
				select {
				case <-t.C:
				case <-l.ending:
				}
			}
			return nil
		}
		b, err := l.receive(ready, nil)
		if b == nil {
			return err
		}
		if time.Since(begin) > l.timeout+l.pause {
			return newError("modbus.never-silent", arg("bytes", hexBytes(b)))
		}
	}
}

const maxAnswers = 1024 // bytes that are kept of what comes instead of an answer

// exchange asks, and returns the answer's PDU, which may be an exception. An error means that there is none, and
// why: no answer within timeout, one to something else, or the end of the line. The line must not be used after it.
func (l *modbusLine) exchange(unit byte, pdu []byte) ([]byte, error) {
	if err := l.quiet(); err != nil {
		return nil, err
	}
	asked := time.Now()
	if _, err := l.conn.Write(l.framing.wrap(unit, pdu)); err != nil {
		return nil, err
	}
	l.last = asked
	var buf []byte
	for until, hurry := asked.Add(l.timeout), l.ending; ; {
		b, err := l.receive(until, hurry)
		if err != nil {
			return nil, err
		}
		if b == nil && hurry != nil && l.hurried() {
			until, hurry = earlier(until, time.Now().Add(defaultModbusTimeout)), nil
			continue
		}
		if b == nil {
			return nil, l.unanswered(asked, buf)
		}
		buf = append(buf, b...)
		answer, err := l.framing.find(&buf)
		if answer != nil || err != nil {
			l.last = time.Now()
			return answer, err
		}
		if len(buf) > maxAnswers {
			buf = append(buf[:0], buf[len(buf)-maxAnswers:]...)
		}
	}
}

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// unanswered words why there was no answer. On a serial line it waits once more for as long: an answer that comes
// late would be taken for the answer to the next request, for nothing in it says what it answers.
func (l *modbusLine) unanswered(asked time.Time, buf []byte) error {
	timeout := l.timeout
	if l.silence > 0 && !l.hurried() {
		until := asked.Add(2 * timeout)
		for {
			b, err := l.receive(until, l.ending)
			if err != nil {
				return err
			}
			if b == nil {
				break
			}
			buf = append(buf, b...)
			if answer, _ := l.framing.find(&buf); answer != nil {
				return newError("modbus.late", arg("after", time.Since(asked)),
					arg("timeout", timeout))
			}
			if len(buf) > maxAnswers {
				buf = append(buf[:0], buf[len(buf)-maxAnswers:]...)
			}
		}
	}
	if strange := l.framing.strange(buf); strange != nil {
		return strange
	}
	if l.silence > 0 {
		return newError("modbus.no-answer-line", arg("timeout", timeout))
	}
	return newError("modbus.no-answer", arg("timeout", timeout))
}
