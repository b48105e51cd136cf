package e2e

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/edge/evidence/sqlog"
)

// kills returns how often a crash test kills programs: as often as usual; make torture sets LANEWARDEN_KILLS for more.
func kills(t *testing.T, usual int) int {
	text := os.Getenv("LANEWARDEN_KILLS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LANEWARDEN_KILLS=%s: a number of kills, 1 or more", text)
	}
	return n
}

// usualKills is 12, so that each program of three goes four times.
const usualKills = 12

// TestKill kills agent and hub (which is the broker), and with Mosquitto also the broker, in turn at random moments under
// load. Afterwards the ledger must hold what devices were told is durable: nothing missing, nothing twice, evidence
// verified to the last leaf.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); testKill(t, false) })
	t.Run("mosquitto", func(t *testing.T) { t.Parallel(); testKill(t, true) })
}

func testKill(t *testing.T, mosquitto bool) {
	w := newWorld(t, options{mosquitto: mosquitto})
	load := startLoad(w, 4)
	victims := []*program{w.agent, w.hub}
	if mosquitto {
		victims = append(victims, w.broker)
	}
	n := kills(t, usualKills)
	for i := range n {
		w.waitFor("a document more than there were kills", 90*time.Second, func() bool { return load.count() > i })
		time.Sleep(time.Duration(100+rand.IntN(700)) * time.Millisecond) // a random moment is what is tested
		victim := victims[i%len(victims)]
		victim.end(syscall.SIGKILL)
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		victim.start()
	}
	acknowledged := load.stop()
	w.waitFor("the ledger to have everything", 90*time.Second, w.drained)
	w.stop()
	t.Logf("%d kills, %d documents acknowledged to their device", n, len(acknowledged))
	w.checkCopies()
	w.checkDocuments(acknowledged)
}

// load posts documents from several senders at once.
type load struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	stored map[[32]byte]bool
}

func startLoad(w *world, senders int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, stored: map[[32]byte]bool{}}
	for s := range senders {
		l.wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(s), 9))
			for n := 0; ctx.Err() == nil; n++ {
				p := sim.Draw(rng, s<<20|n, time.Now(), 0.1, 0.1)
				p.Seconds = 1
				doc := sim.Document(p, uint64(s))
				if w.post(ctx, doc) {
					l.mu.Lock()
					l.stored[sha256.Sum256(doc)] = true
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

// count returns how many documents were acknowledged so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.stored)
}

func (l *load) stop() map[[32]byte]bool {
	l.cancel()
	l.wg.Wait()
	return l.stored
}

// checkDocuments holds the ledger against the documents that were acknowledged, and looks for doubled occupancies.
func (w *world) checkDocuments(acknowledged map[[32]byte]bool) {
	w.t.Helper()
	documents, occupancies := map[[32]byte]int{}, map[string]int{}
	db, err := sqlog.Open(w.ledgerDB(), sqlog.ReadOnly)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	err = db.Query("SELECT body FROM observation", func(c []driver.Value) error {
		var b observation.Body
		if err := proto.Unmarshal(sqlog.Bytes(c[0]), &b); err != nil {
			return err
		}
		switch o := b.Typed().(type) {
		case *observation.RadiationSpectrum:
			documents[[32]byte(b.Artifacts[0].Sha256)]++
		case *observation.RadiationOccupancy:
			occupancies[fmt.Sprint(o.StartNs)]++
			if o.Number != 0 {
				occupancies[fmt.Sprint("number ", o.Number)]++
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for sum := range acknowledged {
		if documents[sum] != 1 {
			w.t.Errorf("document %x was acknowledged and is %d times in the ledger", sum[:4], documents[sum])
		}
	}
	for sum, n := range documents {
		if n != 1 {
			w.t.Errorf("document %x is %d times in the ledger", sum[:4], n)
		}
	}
	for key, n := range occupancies {
		if n != 1 {
			w.t.Errorf("occupancy %s is %d times in the ledger", key, n)
		}
	}
	w.t.Logf("%d documents, %d occupancies, each once", len(documents), len(occupancies)/2)
}
