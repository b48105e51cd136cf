package e2e

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	aspect "lanewarden/drivers/radiation/aspect/sim"
	power "lanewarden/drivers/site/power/sim"
	barcode "lanewarden/drivers/vehicle/barcode/sim"
	llrp "lanewarden/drivers/vehicle/llrp/sim"
	plate "lanewarden/drivers/vehicle/plate/sim"
	plc "lanewarden/drivers/vehicle/plc/sim"
	scale "lanewarden/drivers/vehicle/scale/sim"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
)

// socket is a device that can be plugged in and unplugged.
type socket struct {
	t       *testing.T
	address string
	serve   func(context.Context) error
	stop    context.CancelFunc
	done    chan error
}

func (s *socket) plug() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.done = cancel, make(chan error, 1)
	go func() { s.done <- s.serve(ctx) }()
}

func (s *socket) unplug() {
	s.stop()
	if err := <-s.done; err != nil {
		s.t.Error(err)
	}
}

// listening serves on the socket's address.
func (s *socket) listening(f func(context.Context, net.Listener) error) func(context.Context) error {
	return func(ctx context.Context) error {
		l, err := net.Listen("tcp", s.address)
		if err != nil {
			return err
		}
		return f(ctx, l)
	}
}

// TestUnplugged unplugs each device in turn while trucks pass, and plugs it in again: that is said, the others go on, and the passages say
// which station was blind.
func TestUnplugged(t *testing.T) {
	t.Parallel()
	io, reader, weigh, codes, exit, ups := &plc.Module{}, &llrp.Reader{}, &scale.Scale{}, &barcode.Scanner{}, aspect.New(1), &power.UPS{}
	sockets := map[string]*socket{}
	for _, id := range []string{"io-1", "rfid-1", "scale-1", "ocr-1", "rpm-2", "ups-1"} {
		sockets[id] = &socket{t: t, address: freeAddress(t)}
	}
	at := func(id string) string { return sockets[id].address }
	sockets["io-1"].serve = func(ctx context.Context) error { return io.Serve(ctx, at("io-1")) }
	sockets["rpm-2"].serve = func(ctx context.Context) error { return exit.Serve(ctx, at("rpm-2")) }
	sockets["rfid-1"].serve = sockets["rfid-1"].listening(reader.Serve)
	sockets["scale-1"].serve = sockets["scale-1"].listening(weigh.Serve)
	sockets["ocr-1"].serve = sockets["ocr-1"].listening(codes.Serve)
	sockets["ups-1"].serve = sockets["ups-1"].listening(ups.Serve)
	for _, s := range sockets {
		s.plug()
		t.Cleanup(s.unplug)
	}
	io.Input(3, true)
	plates := freeAddress(t)
	w := newWorld(t, options{
		noPortal: true,
		lane:     `, timeout: 15s, stations: [{id: entry, position: 0, devices: [io-1, lpr-1]}, {id: rfid, position: 4, devices: [rfid-1]}, {id: scale, position: 8, devices: [scale-1]}, {id: ocr, position: 10, devices: [ocr-1]}, {id: exit, position: 12, devices: [rpm-2]}]`,
		devices: fmt.Sprintf(`  - {id: io-1, driver: plc, lane: lane-1, settings: {address: "%s", profile: example-lane-io}}
  - {id: lpr-1, driver: plate, lane: lane-1, settings: {http: {listen: "%s", path: /p}}}
  - {id: rfid-1, driver: llrp, lane: lane-1, settings: {address: "%s", keepalive: 1s, silent_after: 4s}}
  - {id: scale-1, driver: scale, lane: lane-1, settings: {address: "%s"}}
  - {id: ocr-1, driver: barcode, lane: lane-1, settings: {address: "%s"}}
  - {id: rpm-2, driver: aspect, lane: lane-1, settings: {address: "%s"}}
  - {id: ups-1, driver: power, settings: {address: "%s", ups: lane, poll: 1s}}`, at("io-1"), plates, at("rfid-1"), at("scale-1"), at("ocr-1"), at("rpm-2"), at("ups-1")),
	})
	camera := &plate.Camera{URL: "http://" + plates + "/p", ID: "entry", Vendor: "openalpr", Rand: rand.New(rand.NewPCG(1, 1)), Right: 1}
	ctx, cancel := context.WithCancel(t.Context())
	var trucks sync.WaitGroup
	defer trucks.Wait()
	defer cancel()
	rest := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	drive := func(n int) {
		io.Input(0, true)
		camera.Post(ctx, fmt.Sprintf("TRK%04d", n), time.Now())
		rest(1500 * time.Millisecond)
		io.Input(0, false)
		for range 5 {
			reader.Read(llrp.Tag{EPC: llrp.EPC(1, uint64(n)), Antenna: 1, RSSI: -50, At: time.Now()})
			rest(200 * time.Millisecond)
		}
		weigh.Load(9000)
		rest(1500 * time.Millisecond)
		weigh.Load(0)
		codes.Scan(fmt.Sprintf("ABCD%08d", n))
		rest(time.Second)
		exit.Vehicle(1500*time.Millisecond, 0)
		rest(1500 * time.Millisecond)
	}
	trucks.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			trucks.Go(func() { drive(n) })
			rest(5 * time.Second)
		}
	})
	states := func() map[string]string {
		s, err := w.status()
		if err != nil {
			return nil
		}
		out := map[string]string{}
		for _, d := range s.Devices {
			if sockets[d.ID] != nil {
				out[d.ID] = d.State
			}
		}
		return out
	}
	running := func(but string) bool {
		all := states()
		for id := range sockets {
			if id != but && all[id] != "running" {
				return false
			}
		}
		return true
	}
	w.waitFor("all devices to run", 60*time.Second, func() bool { return running("") })
	for _, id := range []string{"rfid-1", "scale-1", "rpm-2", "io-1", "ocr-1", "ups-1"} {
		sockets[id].unplug()
		w.waitFor(id+" to be reported", 30*time.Second, func() bool { s := states()[id]; return s == "down" || s == "silent" })
		if !running(id) {
			t.Errorf("%s was unplugged: %v", id, states())
		}
		rest(9 * time.Second) // a truck goes through meanwhile
		sockets[id].plug()
		w.waitFor(id+" to run again", 60*time.Second, func() bool { return running("") })
	}
	rest(25 * time.Second) // passages close
	cancel()
	trucks.Wait()
	w.waitFor("the hub to have everything", 60*time.Second, w.drained)
	w.stop()
	blind, closed, whole := map[string]bool{}, 0, 0
	w.bodies(func(b *observation.Body) {
		p := b.GetPassageClosed()
		if p == nil {
			return
		}
		closed++
		gaps := 0
		for _, s := range p.Stations {
			if s.Gap == observation.PassageGap_PASSAGE_GAP_BLIND {
				blind[s.Station] = true
			}
			if s.Gap != observation.PassageGap_PASSAGE_GAP_UNSPECIFIED {
				gaps++
			}
		}
		if gaps == 0 {
			whole++
		}
	})
	for _, station := range []string{"rfid", "scale", "exit", "ocr"} {
		if !blind[station] {
			t.Errorf("no passage says that %s was blind", station)
		}
	}
	if whole == 0 || closed < 10 {
		t.Errorf("%d passages, %d of them whole", closed, whole)
	}
	w.checkCopies()
}

// bodies calls f with the body of each row of the hub's ledger.
func (w *world) bodies(f func(*observation.Body)) {
	db, err := sqlog.Open(w.ledgerDB(), sqlog.ReadOnly)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	sealer, err := ledger.SealerBeside(db, w.ledgerDB())
	if err != nil {
		w.t.Fatal(err)
	}
	err = db.Query("SELECT kind, body, sealed FROM observation ORDER BY idx", func(c []driver.Value) error {
		var b observation.Body
		kind := observation.Kind(sqlog.Int64(c[0]))
		text, err := ledger.WithValues(sealer, kind, sqlog.Bytes(c[1]), sqlog.Bytes(c[2]), "")
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(text, &b); err != nil {
			return err
		}
		f(&b)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestKillDuringPlates kills the agent while a camera posts: each read that got its 200 is in the ledger, once.
func TestKillDuringPlates(t *testing.T) {
	t.Parallel()
	plates := freeAddress(t)
	w := newWorld(t, options{noPortal: true, devices: fmt.Sprintf(`  - {id: lpr-1, driver: plate, lane: lane-1, settings: {http: {listen: "%s", path: /p}}}`, plates)})
	camera := &plate.Camera{URL: "http://" + plates + "/p", ID: "entry", Vendor: "platerecognizer", Rand: rand.New(rand.NewPCG(1, 1)), Right: 1}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const reads, kills = 200, 8
	posted := make(chan error, 1)
	go func() {
		for n := range reads {
			if err := camera.Post(ctx, fmt.Sprintf("TRK%04d", n), time.Now()); err != nil {
				posted <- err
				return
			}
		}
		posted <- nil
	}()
	for range kills {
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond) // a random moment is what is tested
		w.agent.end(syscall.SIGKILL)
		w.agent.start()
	}
	if err := <-posted; err != nil {
		t.Fatal(err)
	}
	w.waitFor("the hub to have everything", time.Minute, w.drained)
	w.stop()
	seen := map[string]int{}
	w.bodies(func(b *observation.Body) {
		if p := b.GetVehiclePlate(); p != nil {
			seen[p.Normal]++
		}
	})
	for n := range reads {
		if k := seen[fmt.Sprintf("TRK%04d", n)]; k != 1 {
			t.Errorf("read %d is %d times in the ledger", n, k)
		}
	}
	w.checkCopies()
}
