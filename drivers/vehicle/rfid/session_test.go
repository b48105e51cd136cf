package rfid

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/llrp"
)

// talker drives a session without a network: it says what a reader says, and answers what the driver asks.
type talker struct {
	s      *session
	at     time.Time
	asked  []llrp.MessageType
	refuse llrp.MessageType
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
	t := llrp.MessageType(uint16(request[0]&3)<<8 | uint16(request[1]))
	k.asked = append(k.asked, t)
	i := slices.IndexFunc(k.s.steps, func(s step) bool { return s.request == t })
	if i < 0 {
		return
	}
	status := llrp.TLV(llrp.ParamLLRPStatus, llrp.B2(0), llrp.B2(0))
	if t == k.refuse {
		status = llrp.TLV(llrp.ParamLLRPStatus, llrp.B2(109), llrp.B2(2), []byte("no"))
	}
	k.feed(0, llrp.Encode(k.s.steps[i].response, k.s.id, status,
		llrp.TLV(llrp.ParamAntennaProperties, []byte{0}, llrp.B2(2), llrp.B2(600)))...)
}

func (k *talker) event(after time.Duration, p []byte) {
	k.feed(after,
		llrp.Encode(llrp.ReaderEvent, 1,
			llrp.TLV(llrp.ParamEventData, llrp.TLV(llrp.ParamUTCTimestamp, llrp.B8(1)), p))...)
}

func (k *talker) connect() { k.event(0, llrp.TLV(llrp.ParamConnectionAttempt, llrp.B2(0))) }

// TestReaderEndsItsROSpec: it is started again, with a condition that is over when it has read for a while.
func TestReaderEndsItsROSpec(t *testing.T) {
	k := newTalker(settings("").(*Config))
	k.connect()
	k.asked = nil
	k.event(time.Second, llrp.TLV(llrp.ParamROSpecEvent, []byte{roSpecEnd}, llrp.B4(7), llrp.B4(0))) // another one's
	k.event(time.Second, llrp.TLV(llrp.ParamROSpecEvent, []byte{roSpecEnd}, llrp.B4(roSpecID), llrp.B4(0)))
	k.feed(500 * time.Millisecond)
	if len(k.asked) != 0 {
		t.Errorf("asked at once: %v", k.asked)
	}
	k.feed(500 * time.Millisecond)
	k.event(time.Second, llrp.TLV(llrp.ParamROSpecEvent, []byte{roSpecPreempt}, llrp.B4(roSpecID), llrp.B4(9)))
	k.feed(time.Second)
	k.feed(20 * time.Second)
	k.feed(10 * time.Second)
	if fmt.Sprint(k.asked) != "[START_ROSPEC START_ROSPEC]" ||
		fmt.Sprint(k.said) != "[rospec-ended true rospec-ended false]" {
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
	k.event(time.Second, llrp.TLV(llrp.ParamAntennaEvent, []byte{1}, llrp.B2(2)))
	k.event(time.Second, llrp.TLV(llrp.ParamBufferWarning, []byte{80}))
	k.event(time.Second, llrp.TLV(llrp.ParamBufferOverflow))
	k.feed(59 * time.Second)
	k.feed(2 * time.Second)
	k.event(time.Second, llrp.TLV(llrp.ParamReaderException, llrp.B2(3), []byte("hot")))
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
	for _, want := range []llrp.MessageType{llrp.DeleteAccessSpec, llrp.AddAccessSpec, llrp.EnableAccessSpec} {
		if !slices.Contains(k.asked, want) {
			t.Errorf("not asked: %s", want)
		}
	}
	tid := []byte("\xe2\x80\x11\x60\x20\x00\x70\x4a\x00\x00\x0a\xbc")
	result := func(op uint16, result byte, data []byte) []byte {
		return llrp.TLV(llrp.ParamC1G2ReadResult, []byte{result}, llrp.B2(op), llrp.B2(uint16(len(data)/2)), data)
	}
	read := func(results ...[]byte) {
		k.feed(100*time.Millisecond,
			llrp.Encode(llrp.ROAccessReport, 7, llrp.TLV(llrp.ParamTagReportData, append([][]byte{llrp.TV(13,
				make([]byte, 12)), llrp.TV(1, llrp.B2(1))}, results...)...))...)
	}
	read(result(opTID, 2, nil), result(opUser, 4, nil))
	read(result(opTID, 0, tid), result(opUser, 4, nil))
	read(result(opTID, 2, nil))
	read() // a report of the inventory alone
	k.feed(time.Second)
	if len(k.tags) != 1 || string(k.tags[0].Tid) != string(tid) ||
		fmt.Sprint(k.tags[0].MemoryFaults) != "[user memory: the tag has less memory than that]" ||
		k.tags[0].Reads != 4 {
		t.Errorf("%v", k.tags)
	}
	k = newTalker(c)
	k.refuse = llrp.AddAccessSpec
	k.connect()
	if fmt.Sprint(k.said) != "[refused ADD_ACCESSSPEC true]" || !slices.Contains(k.asked,
		llrp.StartROSpec) || k.s.ended != nil {
		t.Errorf("refused: %v, asked %v, %v", k.said, k.asked, k.s.ended)
	}
}

// TestErrorMessage: readers that do not know a request answer with ERROR_MESSAGE instead of the response.
func TestErrorMessage(t *testing.T) {
	k := newTalker(settings("").(*Config))
	k.s.Feed(k.at,
		llrp.Encode(llrp.ReaderEvent, 1, llrp.TLV(llrp.ParamEventData, llrp.TLV(llrp.ParamUTCTimestamp, llrp.B8(1)),
			llrp.TLV(llrp.ParamConnectionAttempt, llrp.B2(0)))))
	k.s.Feed(k.at,
		llrp.Encode(llrp.ErrorMessage, k.s.id, llrp.TLV(llrp.ParamLLRPStatus, llrp.B2(109), llrp.B2(2), []byte("no"))))
	if k.s.ended == nil || !strings.Contains(k.s.ended.Error(), "refused our GET_READER_CAPABILITIES") {
		t.Errorf("%v", k.s.ended)
	}
}

func FuzzSession(f *testing.F) {
	f.Add(input())
	f.Add(llrp.Encode(llrp.ROAccessReport, 7,
		llrp.TLV(llrp.ParamTagReportData, llrp.TV(13, make([]byte, 12)), llrp.TLV(llrp.ParamC1G2ReadResult, []byte{0},
			llrp.B2(1), llrp.B2(1), []byte{1, 2}))))
	f.Add(llrp.Encode(llrp.ReaderEvent, 1,
		llrp.TLV(llrp.ParamEventData, llrp.TLV(llrp.ParamROSpecEvent, []byte{1}, llrp.B4(1), llrp.B4(0)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		k := newTalker(settings("").(*Config))
		k.connect()
		for i := 0; i < len(data); i += 17 {
			k.feed(time.Second, data[i:min(i+17, len(data))]...)
		}
		k.s.Break(k.at)
	})
}
