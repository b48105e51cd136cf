package ledger

import (
	"crypto/rand"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/wire"
)

// BenchmarkSmallBatches files batches of 50 rows of many agents, in the groups that a hub makes of them: what a country
// sends while no backlog drains. Signing and decoding are not in it.
func BenchmarkSmallBatches(b *testing.B) {
	const agents, rows = 2000, 50
	for _, group := range []int{64, 256} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			l := openBench(b)
			senders := make([]*benchAgent, agents)
			var messages []Message
			for i := range senders {
				senders[i] = newBenchAgent(b, i)
				messages = append(messages, senders[i].hello)
			}
			for hellos := range slices.Chunk(messages, 64) {
				if _, err := l.Apply(hellos); err != nil {
					b.Fatal(err)
				}
			}
			filed := 0
			b.ResetTimer()
			var used time.Duration // by Apply, of this process
			for i := range b.N {
				b.StopTimer()
				messages = messages[:0]
				for n := range group {
					messages = append(messages, senders[(i*group+n)%agents].next(rows))
				}
				before := cpuTime(b)
				b.StartTimer()
				answers, err := l.Apply(messages)
				if err != nil {
					b.Fatal(err)
				}
				used += cpuTime(b) - before
				for _, a := range answers {
					filed += a.Rows
				}
			}
			if filed != b.N*group*rows {
				b.Fatalf("%d rows are filed", filed)
			}
			b.ReportMetric(float64(filed)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(used.Nanoseconds())/float64(filed), "cpu-ns/row") // which other programs hardly change
		})
	}
}

// cpuTime returns the CPU time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// benchAgent is an agent that sends telemetry of one journal.
type benchAgent struct {
	from    Sender
	journal []byte
	hello   Hello
	last    int64
}

// newBenchAgent makes an agent.
func newBenchAgent(b *testing.B, i int) *benchAgent {
	a := &benchAgent{from: Sender{Site: "site", Agent: fmt.Sprintf("lane-%d", i)}, journal: make([]byte, 16), last: -1}
	rand.Read(a.journal)
	_, verifier, err := note.GenerateKey(rand.Reader, evidence.KeyName(a.from.Site, a.from.Agent))
	if err != nil {
		b.Fatal(err)
	}
	a.hello = Hello{From: a.from, Body: &wire.Hello{
		Journal: a.journal, Size: 1 << 40, BlindKey: make([]byte, 32), Verifier: verifier, Epoch: 1,
	}}
	return a
}

// next returns the agent's next batch.
func (a *benchAgent) next(n int) Message {
	rows := make([]wire.Row, n)
	for i := range rows {
		rows[i] = wire.Row{
			Idx: a.last + 1 + int64(i), Time: time.Now().UnixNano(), Device: "rpm-1",
			Kind: observation.Kind_KIND_RADIATION_BACKGROUND, Body: []byte(fmt.Sprintf("%064d", a.last+int64(i))),
		}
	}
	batch := wire.NewBatch(a.journal, observation.Class_CLASS_TELEMETRY, a.last, rows)
	a.last += int64(n)
	return Batch{From: a.from, Body: batch}
}
