package torture

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"lanewarden/cmd/internal/torture/powercut"
)

// Result is what a run gave.
type Result struct {
	Seed           uint64
	Kinds          map[string]Count
	Rows           int // of devices' results in the ledger
	Acknowledged   int // results of which a device was told that they are stored
	Lost           int // of those, not in the ledger, or not whole
	Doubled        int // results that are more than once in the ledger
	EvidenceBreaks int // sides that do not verify, and journals set aside
	ManualSteps    int // waits that were too long: a person would have to act
	Fell           int // times that a program ended by itself and was started again, as its systemd unit does
	CutPages       int // pages that power cuts took
	CutNames       int // creations, renames and removals that they undid
	Seconds        float64

	mu    sync.Mutex
	notes []string
}

// Count is what was done of one kind of fault.
type Count struct {
	Faults   int
	Injected int // kills, stops, cuts; for EIO: system calls that failed
	Seconds  float64
}

// count notes a fault.
func (r *Result) count(kind string, injected int, took time.Duration) {
	if r.Kinds == nil {
		r.Kinds = map[string]Count{}
	}
	c := r.Kinds[kind]
	r.Kinds[kind] = Count{c.Faults + 1, c.Injected + injected, c.Seconds + took.Seconds()}
}

// cut notes what a power cut took.
func (r *Result) cut(lost powercut.Lost) {
	r.CutPages += lost.Pages
	r.CutNames += lost.Names
}

// note keeps what was found wrong. It may be called from several goroutines.
func (r *Result) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// Problems returns what was found wrong, and kinds of faults that were drawn and injected nothing: such a run shows
// less than it says.
func (r *Result) Problems() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := append([]string(nil), r.notes...)
	for _, name := range kindNames {
		if c := r.Kinds[name]; c.Faults > 0 && c.Injected == 0 {
			out = append(out, fmt.Sprintf("%s: %d times, and nothing was injected", name, c.Faults))
		}
	}
	return out
}

// Broken reports whether a promise was broken.
func (r *Result) Broken() bool { return r.Lost+r.Doubled+r.EvidenceBreaks+r.ManualSteps > 0 }

// String is the table.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n%-16s %7s %9s %8s\n", r.Seed, "fault", "times", "injected", "seconds")
	var all Count
	for _, name := range kindNames {
		c := r.Kinds[name]
		fmt.Fprintf(&b, "%-16s %7d %9d %8.0f\n", name, c.Faults, c.Injected, c.Seconds)
		all = Count{all.Faults + c.Faults, all.Injected + c.Injected, all.Seconds + c.Seconds}
	}
	fmt.Fprintf(&b, "%-16s %7d %9d %8.0f\n\n", "all", all.Faults, all.Injected, r.Seconds)
	fmt.Fprintf(&b, "acknowledged %d, lost %d, doubled %d, evidence breaks %d, manual steps %d\n", r.Acknowledged, r.Lost,
		r.Doubled, r.EvidenceBreaks, r.ManualSteps)
	fmt.Fprintf(&b, "results in the ledger %d; programs that ended by themselves %d; power cuts took %d pages, %d names\n",
		r.Rows, r.Fell, r.CutPages, r.CutNames)
	return b.String()
}
