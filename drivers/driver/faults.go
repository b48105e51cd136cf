package driver

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"

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

// Add takes one fault: what is wrong in words, where it stood in the input, and the frame itself.
func (f *Faults) Add(at time.Time, reason string, offset int64, frame []byte) {
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
func (f *Faults) fold(reason string, offset int64, frame []byte) {
	for _, one := range f.folded {
		if one.Reason == reason {
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
			f.others.Reason = fmt.Sprintf("and %d %s of other reasons, the first: %s",
				f.others.Count, english.PluralWord(int(f.others.Count), "fault", ""), f.others.Reason)
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

func (f *Faults) fault(reason string, offset int64, frame []byte, count uint32) *observation.DeviceFault {
	excerpt := append([]byte(nil), frame[:min(len(frame), excerptBytes)]...)
	return &observation.DeviceFault{Reason: reason, Offset: offset, Excerpt: excerpt, Count: count, Source: f.Source}
}

func (f *Faults) report(name string, at time.Time, fault *observation.DeviceFault) {
	o := observation.New(observation.Class_CLASS_EVENT, at, fault)
	if !at.Equal(f.last) {
		f.last, f.sameTime = at, 0
	}
	f.sameTime++
	SetKey(o, fmt.Sprintf("%s@%d#%d", name, at.UnixNano(), f.sameTime)) // the same when the input is replayed; offsets are not
	f.due = append(f.due, o)
}
