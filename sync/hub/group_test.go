package hub

import (
	"fmt"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// BenchmarkGroup files events of 2,000 agents, one in a message as they come from lanes at work, in groups of several
// sizes: processor time a message, so that what else the machine does counts little, and the time of one transaction,
// which every acknowledgement in it waits for. maxGroupMessages was chosen from it.
func BenchmarkGroup(b *testing.B) {
	const agents = 2000
	for _, size := range []int{16, 64, 128, 256, 512, 1024} {
		b.Run(fmt.Sprintf("messages=%d", size), func(b *testing.B) {
			l, err := ledger.Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			all := make([]*eventSource, agents)
			var hellos []ledger.Message
			for i := range all {
				all[i] = newEventSource(b, i)
				hellos = append(hellos, all[i].hello())
			}
			if _, err := l.Apply(hellos); err != nil {
				b.Fatal(err)
			}
			groups := make([][]ledger.Message, b.N)
			for i := range groups {
				for k := range size {
					groups[i] = append(groups[i], all[(i*size+k)%agents].next(b))
				}
			}
			b.ResetTimer()
			before := processorTime(b)
			for _, g := range groups {
				answers, err := l.Apply(g)
				if err != nil || answers[0].Rows != 1 {
					b.Fatal(answers[0].Ack, err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N*size), "cpu-us/message")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/group")
		})
	}
}

// processorTime returns the processor time that this process has used.
func processorTime(b *testing.B) time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// eventSource is an agent whose events are sent one by one.
type eventSource struct {
	from    ledger.Sender
	journal *journal.Memory
	sent    int64
}

func newEventSource(b *testing.B, number int) *eventSource {
	s := &eventSource{from: ledger.Sender{Site: fmt.Sprintf("site-%d", number/20), Agent: fmt.Sprintf("lane-%d", number%20)}, sent: -1}
	var err error
	opts := journal.Options{Site: s.from.Site, Agent: s.from.Agent}
	if s.journal, err = journal.NewMemory(opts, mathrand.NewChaCha8([32]byte{byte(number), byte(number >> 8)})); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *eventSource) hello() ledger.Hello {
	id := s.journal.Identity()
	return ledger.Hello{From: s.from, Body: &wire.Hello{
		Journal: id.ID, Size: s.journal.Size(), BlindKey: id.BlindKey, Verifier: id.Verifier, Inventory: &observation.Inventory{}, Epoch: 1,
	}}
}

// next returns a batch of one event.
func (s *eventSource) next(b *testing.B) ledger.Batch {
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.DeviceState{State: 2})
	o.Device = "rpm-1"
	if _, err := s.journal.Commit(b.Context(), o); err != nil {
		b.Fatal(err)
	}
	found, err := s.journal.Next(observation.Class_CLASS_EVENT, s.sent, journal.Limits{Rows: 1, Bytes: 1 << 20, Removed: 1})
	if err != nil || len(found.Rows) == 0 {
		b.Fatal(found, err)
	}
	row := wire.RowOf(&found.Rows[0], true)
	batch := wire.NewBatch(s.journal.Identity().ID, observation.Class_CLASS_EVENT, s.sent, []wire.Row{row})
	s.sent = row.Idx
	return ledger.Batch{From: s.from, Body: batch}
}
