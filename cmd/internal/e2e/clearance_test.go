package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	barcode "lanewarden/drivers/vehicle/barcode/sim"
	plc "lanewarden/drivers/vehicle/plc/sim"
	"lanewarden/edge/api"
)

// boothWorld is a world whose lane decides, with a scanner, a loop, a barrier and a light at its booth.
type boothWorld struct {
	*world
	io    *plc.Module
	codes *barcode.Scanner
}

// Of example-lane-io: coils of the barrier and of the red light, the loop under the vehicle at the booth.
const (
	barrierCoil = 0
	redCoil     = 2
	boothLoop   = 0
)

// newBoothWorld starts everything. o may say more about it, but not of lane and devices.
func newBoothWorld(t *testing.T, o options) *boothWorld {
	b := &boothWorld{io: &plc.Module{}, codes: &barcode.Scanner{}}
	module, scanner := &socket{t: t, address: freeAddress(t)}, &socket{t: t, address: freeAddress(t)}
	module.serve = func(ctx context.Context) error { return b.io.Serve(ctx, module.address) }
	scanner.serve = scanner.listening(b.codes.Serve)
	for _, s := range []*socket{module, scanner} {
		s.plug()
		t.Cleanup(s.unplug)
	}
	b.io.Input(3, true) // no emergency stop
	o.noPortal = true
	o.lane = `, stations: [{id: portal, position: 0, devices: [rpm-1]}, {id: booth, position: 20, devices: [io-1, ocr-1]}], ` +
		`clearance: {policy: joint-facility, booth: booth, leaving: {device: io-1, station: loop-in}, ` +
		`outputs: [{device: io-1, output: barrier, "on": [RELEASE]}, {device: io-1, output: light-red, "on": [DOCUMENTS, REFER, HOLD]}]}`
	o.devices = fmt.Sprintf(`  - {id: io-1, driver: plc, lane: lane-1, settings: {address: "%s", profile: example-lane-io}}
  - {id: ocr-1, driver: barcode, lane: lane-1, settings: {address: "%s"}}`, module.address, scanner.address)
	b.world = newWorld(t, o)
	b.waitFor("the devices", time.Minute, func() bool {
		s, err := b.status()
		running := 0
		for _, d := range s.Devices {
			if (d.ID == "io-1" || d.ID == "ocr-1") && d.State == "running" {
				running++
			}
		}
		return err == nil && running == 2
	})
	return b
}

// killAgent kills the agent some time from now, at most after most, and starts it again.
func (b *boothWorld) killAgent(most time.Duration) {
	time.Sleep(rand.N(most)) // a random moment is what is tested
	b.agent.end(syscall.SIGKILL)
	b.agent.start()
}

// occupied reports whether a vehicle is at the booth that is decided about.
func (b *boothWorld) occupied() (occupied, known bool) {
	all, err := api.GetClearance.Ask(context.Background(), api.NewClient(b.socket, 2*time.Second), api.None{})
	if err != nil || len(all.Booths) == 0 {
		return false, false
	}
	return all.Booths[0].Current != nil, true
}

// until does something again every three seconds until the booth is occupied, or not: what a device says to an agent that
// is down is lost, and people do it again.
func (b *boothWorld) until(occupied bool, do func()) {
	b.t.Helper()
	next := time.Now().Add(3 * time.Second)
	b.waitFor(fmt.Sprintf("the booth to be occupied: %t", occupied), 2*time.Minute, func() bool {
		now, known := b.occupied()
		if known && now == occupied {
			return true
		}
		if time.Now().After(next) {
			do()
			next = time.Now().Add(3 * time.Second)
		}
		return false
	})
}

// leave lets the vehicle drive over the loop behind the booth.
func (b *boothWorld) leave() {
	b.io.Input(boothLoop, true)
	time.Sleep(700 * time.Millisecond) // longer than the module is read
	b.io.Input(boothLoop, false)
}

// TestKillWhileDeciding kills the agent at random moments while vehicles present, and while they leave: each goes on with
// its presentation, no decision is lost or doubled, and the red light is as the decision in force says.
func TestKillWhileDeciding(t *testing.T) {
	t.Parallel()
	b := newBoothWorld(t, options{})
	n := kills(t, 4)
	for i := range n {
		show := func() { b.codes.Scan(fmt.Sprintf("9%03dPARS%05d", 100+i%30, i)) }
		show()
		if i%2 == 0 {
			b.killAgent(120 * time.Millisecond)
		}
		b.until(true, show)
		b.waitFor("the red light", time.Minute, func() bool { return b.io.Coil(redCoil) && !b.io.Coil(barrierCoil) })
		b.leave()
		if i%2 == 1 {
			b.killAgent(250 * time.Millisecond)
		}
		b.until(false, b.leave)
		b.waitFor("the red light to go out", time.Minute, func() bool { return !b.io.Coil(redCoil) && !b.io.Coil(barrierCoil) })
	}
	b.waitFor("the hub to have everything", time.Minute, b.drained)
	b.stop()
	b.checkDecisions(n)
	b.checkCopies()
}

// checkDecisions wants the decisions about so many vehicles at the hub: each revision once, the last one when it had left.
func (b *boothWorld) checkDecisions(vehicles int) {
	b.t.Helper()
	last := map[string]*observation.ClearanceDecision{}
	b.bodies(func(body *observation.Body) {
		d := body.GetClearanceDecision()
		if d == nil {
			return
		}
		if d.Revision != last[d.Presentation].GetRevision()+1 {
			b.t.Errorf("%s: revision %d follows %d", d.Presentation, d.Revision, last[d.Presentation].GetRevision())
		}
		last[d.Presentation] = d
	})
	for id, d := range last {
		if !d.Ended || d.Outcome == "RELEASE" {
			b.t.Errorf("the last word about %s is %s, ended %t", id, d.Outcome, d.Ended)
		}
	}
	if len(last) != vehicles {
		b.t.Errorf("%d presentations of %d vehicles", len(last), vehicles)
	}
}
