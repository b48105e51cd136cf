package llrp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// talker drives a session without a network: it says what a reader says, and answers what the driver asks.
type talker struct {
	s      *session
	at     time.Time
	asked  []MessageType
	refuse MessageType
	said   []string
	tags   []*observation.VehicleTag
}

func newTalker(c *Config) *talker {
	r := &reader{Config: *c}
	return &talker{s: &session{reader: r, heard: time.Now(), present: presences{hold: r.Hold, longest: r.Longest,
		here: map[string]*presence{}}}, at: at}
}

func (k *talker) feed(after time.Duration, data ...byte) {
	k.at = k.at.Add(after)
	for _, o := range k.s.Feed(k.at, data) {
		switch b := o.Body.Typed().(type) {
		case *observation.DeviceCondition:
			k.said = append(k.said, strings.Join(strings.Fields(fmt.Sprintf("%s %s %v", b.Condition, b.Subject,
				!b.Cleared)), " "))
		case *observation.VehicleTag:
			k.tags = append(k.tags, b)
		}
	}
	out := k.s.out
	k.s.out = nil
	for _, m := range out {
		k.answer(m)
	}
}

// answer answers a request of the driver.
func (k *talker) answer(request []byte) {
	t := MessageType(uint16(request[0]&3)<<8 | uint16(request[1]))
	k.asked = append(k.asked, t)
	i := slices.IndexFunc(k.s.steps, func(s step) bool { return s.request == t })
	if i < 0 {
		return
	}
	status := TLV(pLLRPStatus, B2(0), B2(0))
	if t == k.refuse {
		status = TLV(pLLRPStatus, B2(109), B2(2), []byte("no"))
	}
	k.feed(0, Encode(k.s.steps[i].response, k.s.id, status, TLV(pAntennaProperties, []byte{0}, B2(2), B2(600)))...)
}

func (k *talker) event(after time.Duration, p []byte) {
	k.feed(after, Encode(ReaderEvent, 1, TLV(pEventData, TLV(pUTCTimestamp, B8(1)), p))...)
}

func (k *talker) connect() { k.event(0, TLV(pConnectionAttempt, B2(0))) }

// TestReaderEndsItsROSpec: it is started again, with a condition that is over when it has read for a while.
func TestReaderEndsItsROSpec(t *testing.T) {
	k := newTalker(settings("").(*Config))
	k.connect()
	k.asked = nil
	k.event(time.Second, TLV(pROSpecEvent, []byte{roSpecEnd}, B4(7), B4(0))) // another one's
	k.event(time.Second, TLV(pROSpecEvent, []byte{roSpecEnd}, B4(roSpecID), B4(0)))
	k.feed(500 * time.Millisecond)
	if len(k.asked) != 0 {
		t.Errorf("asked at once: %v", k.asked)
	}
	k.feed(500 * time.Millisecond)
	k.event(time.Second, TLV(pROSpecEvent, []byte{roSpecPreempt}, B4(roSpecID), B4(9)))
	k.feed(time.Second)
	k.feed(20 * time.Second)
	k.feed(10 * time.Second)
	if fmt.Sprint(k.asked) != "[START_ROSPEC START_ROSPEC]" || fmt.Sprint(k.said) != "[rospec-ended true rospec-ended false]" {
		t.Errorf("asked %v; said %v", k.asked, k.said)
	}
	if len(k.s.steps) != 0 {
		t.Errorf("still to do: %v", k.s.steps)
	}
}

// TestEvents: what a reader tells of itself becomes conditions.
func TestEvents(t *testing.T) {
	c := settings("").(*Config)
	c.Antennas = []uint16{1, 2}
	k := newTalker(c)
	k.connect()
	k.event(time.Second, TLV(pAntennaEvent, []byte{1}, B2(2)))
	k.event(time.Second, TLV(pBufferWarning, []byte{80}))
	k.event(time.Second, TLV(pBufferOverflow))
	k.feed(59 * time.Second)
	k.feed(2 * time.Second)
	k.event(time.Second, TLV(pReaderException, B2(3), []byte("hot")))
	want := "[antenna 2 true antenna 2 false buffer true buffer false]"
	if fmt.Sprint(k.said) != want || k.s.faults.Total != 1 {
		t.Errorf("%v, want %s; %d faults", k.said, want, k.s.faults.Total)
	}
}

// TestNewConnectionIsSetUp: what was agreed on a connection before, or on the tape, does not hold on the next.
func TestNewConnectionIsSetUp(t *testing.T) {
	k := newTalker(settings("").(*Config))
	k.connect()
	n := len(k.asked)
	k.s.Break(k.at)
	k.connect()
	if n == 0 || len(k.asked) != 2*n {
		t.Errorf("%d requests at first, %d then", n, len(k.asked)-n)
	}
}

// TestMemory: TID and user memory are read by an AccessSpec, and what was not read says why.
func TestMemory(t *testing.T) {
	c := settings("").(*Config)
	c.TIDWords, c.UserWords = 6, 4
	k := newTalker(c)
	k.connect()
	for _, want := range []MessageType{DeleteAccessSpec, AddAccessSpec, EnableAccessSpec} {
		if !slices.Contains(k.asked, want) {
			t.Errorf("not asked: %s", want)
		}
	}
	tid := []byte("\xe2\x80\x11\x60\x20\x00\x70\x4a\x00\x00\x0a\xbc")
	result := func(op uint16, result byte, data []byte) []byte {
		return TLV(pC1G2ReadResult, []byte{result}, B2(op), B2(uint16(len(data)/2)), data)
	}
	read := func(results ...[]byte) {
		k.feed(100*time.Millisecond, Encode(ROAccessReport, 7, TLV(pTagReportData, append([][]byte{TV(13,
			make([]byte, 12)), TV(1, B2(1))}, results...)...))...)
	}
	read(result(opTID, 2, nil), result(opUser, 4, nil))
	read(result(opTID, 0, tid), result(opUser, 4, nil))
	read(result(opTID, 2, nil))
	read() // a report of the inventory alone
	k.feed(time.Second)
	if len(k.tags) != 1 || string(k.tags[0].Tid) != string(tid) || fmt.Sprint(k.tags[0].MemoryFaults) != "[user memory: the tag has less memory than that]" || k.tags[0].Reads != 4 {
		t.Errorf("%v", k.tags)
	}
	k = newTalker(c)
	k.refuse = AddAccessSpec
	k.connect()
	if fmt.Sprint(k.said) != "[refused ADD_ACCESSSPEC true]" || !slices.Contains(k.asked,
		StartROSpec) || k.s.ended != nil {
		t.Errorf("refused: %v, asked %v, %v", k.said, k.asked, k.s.ended)
	}
}

// TestErrorMessage: readers that do not know a request answer with ERROR_MESSAGE instead of the response.
func TestErrorMessage(t *testing.T) {
	k := newTalker(settings("").(*Config))
	k.s.Feed(k.at, Encode(ReaderEvent, 1, TLV(pEventData, TLV(pUTCTimestamp, B8(1)), TLV(pConnectionAttempt, B2(0)))))
	k.s.Feed(k.at, Encode(ErrorMessage, k.s.id, TLV(pLLRPStatus, B2(109), B2(2), []byte("no"))))
	if k.s.ended == nil || !strings.Contains(k.s.ended.Error(), "refused our GET_READER_CAPABILITIES") {
		t.Errorf("%v", k.s.ended)
	}
}

func FuzzSession(f *testing.F) {
	f.Add(input())
	f.Add(Encode(ROAccessReport, 7, TLV(pTagReportData, TV(13, make([]byte, 12)), TLV(pC1G2ReadResult, []byte{0},
		B2(1), B2(1), []byte{1, 2}))))
	f.Add(Encode(ReaderEvent, 1, TLV(pEventData, TLV(pROSpecEvent, []byte{1}, B4(1), B4(0)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		k := newTalker(settings("").(*Config))
		k.connect()
		for i := 0; i < len(data); i += 17 {
			k.feed(time.Second, data[i:min(i+17, len(data))]...)
		}
		k.s.Break(k.at)
	})
}
