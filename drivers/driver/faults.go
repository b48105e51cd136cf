package driver

import (
	"fmt"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

const (
	faultPeriod    = 15 * time.Second
	faultsInPeriod = 5   // reported one by one; the rest of a period is folded into one report
	excerptBytes   = 256 // of the offending frame
	maxFolded      = 8   // reasons that are told apart in a period; hostile input has a new one each time
)

// Faults turns input that could not be understood into device.fault observations: the first five of 15 seconds
// one by one, the rest as one of each reason with their count. Not for concurrent use. The zero value is ready.
type Faults struct {
	Source string // the peer's address or the file's name

	Total  uint64
	begin  time.Time                  // of the period
	count  int                        // in the period
	folded []*observation.DeviceFault // one of each reason, in the order in which they came
	others *observation.DeviceFault   // what came after maxFolded reasons: the first of them, with the count of all
	due    []*observation.Observation

	last     time.Time // of the last report
	sameTime int       // reports at that time
}

// Add takes one fault: what is wrong, where it stood in the input, and the frame itself.
func (f *Faults) Add(at time.Time, reason message.Message, offset int64, frame []byte) {
	f.Tick(at)
	if f.begin.IsZero() {
		f.begin = at
	}
	f.Total++
	f.count++
	if f.count > faultsInPeriod {
		f.fold(reason, offset, frame)
		return
	}
	f.report("fault", at, f.fault(reason, offset, frame, 1))
}

// fold counts a fault with those of its reason.
func (f *Faults) fold(reason message.Message, offset int64, frame []byte) {
	for _, one := range f.folded {
		if one.Reason == reason.English() {
			one.Count++
			return
		}
	}
	switch {
	case len(f.folded) < maxFolded:
		f.folded = append(f.folded, f.fault(reason, offset, frame, 1))
	case f.others == nil:
		f.others = f.fault(reason, offset, frame, 1)
	default:
		f.others.Count++
	}
}

// Tick ends a period that is over.
func (f *Faults) Tick(at time.Time) {
	if f.begin.IsZero() || at.Sub(f.begin) < faultPeriod {
		return
	}
	f.Flush()
}

// Flush ends the period: what was folded is reported.
func (f *Faults) Flush() {
	for _, one := range f.folded {
		f.report("folded-faults", f.begin, one)
	}
	if f.others != nil {
		if f.others.Count > 1 {
			first := DecodeMessage(f.others.Message, f.others.Reason)
			setReason(f.others, message.New("fault.others", message.Count("n", f.others.Count),
				message.Nested("first", first)))
		}
		f.report("folded-faults", f.begin, f.others)
	}
	f.begin, f.count, f.folded, f.others = time.Time{}, 0, nil, nil
}

// Due counts the observations that are to be committed now.
func (f *Faults) Due() int { return len(f.due) }

// Take returns the observations that are to be committed now.
func (f *Faults) Take() []*observation.Observation {
	due := f.due
	f.due = nil
	return due
}

func (f *Faults) fault(reason message.Message, offset int64, frame []byte, count uint32) *observation.DeviceFault {
	excerpt := append([]byte(nil), frame[:min(len(frame), excerptBytes)]...)
	fault := &observation.DeviceFault{Offset: offset, Excerpt: excerpt, Count: count, Source: validUTF8(f.Source)}
	setReason(fault, reason)
	return fault
}

// setReason sets the reason of a fault, as a message and as its English text.
func setReason(fault *observation.DeviceFault, reason message.Message) {
	fault.Reason, fault.Message = validUTF8(reason.English()), EncodeMessage(reason)
}

func (f *Faults) report(name string, at time.Time, fault *observation.DeviceFault) {
	o := observation.New(observation.Class_CLASS_EVENT, at, fault)
	if !at.Equal(f.last) {
		f.last, f.sameTime = at, 0
	}
	f.sameTime++
	said := fault.Message
	fault.Message = nil // the digest in the key is that of older versions
	// The same when the input is replayed; offsets are not.
	SetKey(o, fmt.Sprintf("%s@%d#%d", name, at.UnixNano(), f.sameTime))
	fault.Message = said
	f.due = append(f.due, o)
}
