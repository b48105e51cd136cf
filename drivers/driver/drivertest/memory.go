package drivertest

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"
)

// WithoutRace skips a test of memory under the race detector, which takes memory of its own and ten times as long. make
// test runs those whose names contain Bombs without it.
func WithoutRace(t testing.TB) {
	t.Helper()
	if race {
		t.Skip("measures memory: run without the race detector")
	}
}

// MaxDocumentBytes bounds the memory that a hostile document may take, in bytes beside the document's own file: an
// agent decodes several at once on a machine of 1 GB.
const MaxDocumentBytes = 128 << 20

// Memory returns by how many bytes of memory the process grew at most while f ran, with the garbage collector as it
// is in the agent. Tests that call it do not run in parallel with others.
func Memory(t *testing.T, f func()) int64 {
	t.Helper()
	debug.FreeOSMemory()
	before := mapped()
	var peak atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	sample := func() { peak.Store(max(peak.Load(), mapped())) }
	go func() {
		defer close(stopped)
		// The heap shrinks only as the scavenger gives pages back, which takes longer than this.
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				sample()
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	sample()
	return peak.Load() - before
}

// mapped returns the bytes of heap that the system holds for the process.
func mapped() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys - m.HeapReleased)
}
