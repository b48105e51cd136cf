package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers/driver"
	aspect "lanewarden/drivers/radiation/aspect/sim"
	n42 "lanewarden/drivers/radiation/n42/sim"
	tsa "lanewarden/drivers/radiation/tsa/sim"
	power "lanewarden/drivers/site/power/sim"
	ionscan "lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/plasmagram"
	barcode "lanewarden/drivers/vehicle/barcode/sim"
	llrp "lanewarden/drivers/vehicle/llrp/sim"
	plate "lanewarden/drivers/vehicle/plate/sim"
	plc "lanewarden/drivers/vehicle/plc/sim"
	scale "lanewarden/drivers/vehicle/scale/sim"
	xray "lanewarden/drivers/xray/dicos/sim"
	firmwareconfig "lanewarden/firmware-config"
)

// addresses are where the simulated devices are, and where the agent's endpoints are that they push to.
type addresses struct {
	portal, rfid, io, scale, codes, exitPortal, ups string // HOST:PORT that we serve
	entryPlates, exitPlates                         string // URLs that we post to
	dicom                                           string // HOST:PORT that we push to
	spectra, swabs                                  string // folders
}

// conductor lets the vehicles of a scenario drive through a lane of simulated devices, each of which speaks its real protocol.
type conductor struct {
	addresses
	scenario *scenario.Scenario
	seed     uint64

	rng      *rand.Rand
	rpm      *tsa.Server
	io       *plc.Module
	reader   *llrp.Reader
	scale    *scale.Scale
	codes    *barcode.Scanner
	exit     *aspect.Portal
	cameras  map[string]*plate.Camera
	scanner  *ionscan.Scanner
	ahead    map[string]time.Duration // of devices' clocks
	passes   int
	deliver  *errgroup.Group
	deliverC context.Context
}

// run serves all devices and lets vehicles come until ctx ends.
func (c *conductor) run(ctx context.Context) error {
	var lib driver.Ref[plasmagram.Library]
	if err := firmwareconfig.LoadDocument(&lib, firmwareconfig.Substances, "open-literature"); err != nil {
		return err
	}
	c.rng = rand.New(rand.NewPCG(c.seed, 0xc0))
	cfg := tsa.Defaults()
	cfg.Seed, cfg.TruckEvery = c.seed, 0 // vehicles come from us alone
	c.rpm, c.io, c.scale, c.codes, c.exit = &tsa.Server{Portal: tsa.New(cfg)}, &plc.Module{}, &scale.Scale{}, &barcode.Scanner{}, aspect.New(c.seed)
	c.io.Input(3, true) // the emergency stop is not pressed
	c.io.Register(0, 215)
	c.scanner = ionscan.NewScanner(c.seed, lib.Value)
	c.ahead = map[string]time.Duration{}
	for _, d := range []string{"lpr-1", "lpr-2", "rfid-1", "xray-1", "ion-1", "asp-1"} {
		c.ahead[d] = time.Duration((2*c.rng.Float64() - 1) * float64(c.scenario.Faults.Clock))
	}
	c.reader = &llrp.Reader{ClockError: c.ahead["rfid-1"]}
	c.cameras = map[string]*plate.Camera{
		"lpr-1": {URL: c.entryPlates, ID: "entry", Vendor: "openalpr", ClockError: c.ahead["lpr-1"], Rand: rand.New(rand.NewPCG(c.seed, 1))},
		"lpr-2": {URL: c.exitPlates, ID: "exit", Vendor: "platerecognizer", ClockError: c.ahead["lpr-2"], Rand: rand.New(rand.NewPCG(c.seed, 2))},
	}
	ups := &power.UPS{}
	g, ctx := errgroup.WithContext(ctx)
	serve := func(address string, f func(context.Context, net.Listener) error) {
		g.Go(func() error {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return f(ctx, l)
		})
	}
	serve(c.portal, c.rpm.Serve)
	serve(c.rfid, c.reader.Serve)
	serve(c.addresses.scale, c.scale.Serve)
	serve(c.addresses.codes, c.codes.Serve)
	serve(c.ups, ups.Serve)
	g.Go(func() error { return c.io.Serve(ctx, c.addresses.io) })
	g.Go(func() error { return c.exit.Serve(ctx, c.exitPortal) })
	g.Go(func() error { return c.traffic(ctx) })
	return g.Wait()
}

// beginAt is how long after the start the first vehicle comes: the agent has connected by then.
const beginAt = 6 * time.Second

// traffic lets the vehicles of the scenario's day come, from its noon on.
func (c *conductor) traffic(ctx context.Context) error {
	day := scenario.Make(c.scenario, c.seed)
	noon := scenario.Begin.Add(12 * time.Hour)
	start := time.Now().Add(beginAt)
	vehicles := day.Vehicles
	for len(vehicles) > 0 && vehicles[0].Arrive[0].Before(noon) {
		vehicles = vehicles[1:]
	}
	if len(vehicles) == 0 {
		return errors.New("the scenario's day has no afternoon")
	}
	shift := start.Sub(vehicles[0].Arrive[0])
	c.deliver, c.deliverC = errgroup.WithContext(ctx)
	for i := range vehicles {
		v := &vehicles[i]
		for k, s := range c.scenario.Stations {
			for _, d := range s.Devices {
				c.at(v.Arrive[k], shift, func() { c.see(v, k, d, v.Arrive[k].Add(shift)) })
			}
		}
		if !pause(ctx, time.Until(v.Arrive[0].Add(shift))) {
			break
		}
	}
	return c.deliver.Wait()
}

// at does something at a moment of the scenario.
func (c *conductor) at(t time.Time, shift time.Duration, do func()) {
	if t.IsZero() {
		return
	}
	c.deliver.Go(func() error {
		if pause(c.deliverC, time.Until(t.Add(shift))) {
			do()
		}
		return nil
	})
}

// see lets a device see a vehicle that has just arrived.
func (c *conductor) see(v *scenario.Vehicle, k int, d scenario.Device, at time.Time) {
	ctx := c.deliverC
	stay := v.Leave[k].Sub(v.Arrive[k])
	report := func(err error) {
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", d.ID, err)
		}
	}
	switch d.ID {
	case "io-1":
		c.io.Input(0, true)
		pause(ctx, stay)
		c.io.Input(0, false)
	case "lpr-1", "lpr-2":
		if v.Plate != "" {
			report(c.cameras[d.ID].Post(ctx, v.Plate, at))
		}
	case "rfid-1":
		for begin := time.Now(); v.HasTag && time.Since(begin) < stay && pause(ctx, 200*time.Millisecond); {
			c.reader.Read(llrp.Tag{EPC: v.Tag, Antenna: uint16(1 + c.passes%2), RSSI: -58, At: time.Now()})
		}
	case "rpm-1":
		c.rpm.Do(func(p *tsa.Portal) {
			one := p.RandomVehicle()
			one.Length, one.Speed, one.Source = v.Length, v.Speed, nil
			if v.Length > 5 && rand.Float64() < c.scenario.Faults.Alarms {
				one.Source = &tsa.Source{Gamma: 6000, Position: v.Length / 2, Length: v.Length / 2}
			}
			p.Send(one)
		})
	case "rpm-2":
		c.exit.Vehicle(stay, 0)
	case "asp-1":
		c.passes++
		n := c.passes
		pause(ctx, stay)
		pass := n42.Draw(rand.New(rand.NewPCG(c.seed, uint64(n))), n, at.Add(c.ahead["asp-1"]), 0.05, 0.02)
		report(n42.Drop(c.spectra, n42.Document(pass, c.seed+uint64(n)), fmt.Sprintf("pass-%s-%04d.n42", at.UTC().Format("20060102T150405"), n)))
	case "ocr-1":
		if v.Container != "" {
			c.codes.Scan(v.Container)
		}
	case "xray-1":
		ooi := v.Plate
		if v.Container != "" {
			ooi = v.Container
		}
		pause(ctx, stay)
		scan := xray.Scan{Seed: uint64(at.UnixNano()) >> 1, Rows: 800, Columns: 2400, At: at.Add(c.ahead["xray-1"]).UTC(), Threat: rand.Float64() < 0.2, OOI: ooi, Dual: true}
		report(scans{push: c.dicom, calling: "SIMXRAY", called: "LANE1"}.deliver(ctx, scan))
	case "scale-1":
		c.scale.Load(v.Type.Kg)
		pause(ctx, stay)
		c.scale.Load(0)
	}
	if d.ID == "lpr-2" && v.Plate != "" && rand.Float64() < c.scenario.Faults.Swabs { // sent to secondary
		pause(ctx, 20*time.Second)
		w := c.scanner.Random(time.Now().Add(c.ahead["ion-1"]).UTC(), 0.2)
		w.Sample = v.Plate
		r, err := c.scanner.Run(w)
		if err == nil {
			err = r.Drop(c.swabs)
		}
		report(err)
	}
}

// demoConductor is the lane of `lanesim demo`.
func demoConductor(dir string) (*conductor, error) {
	var ref driver.Ref[scenario.Scenario]
	if err := firmwareconfig.LoadDocument(&ref, firmwareconfig.Scenarios, "demo"); err != nil {
		return nil, err
	}
	return &conductor{
		scenario: ref.Value, seed: uint64(time.Now().Unix()),
		addresses: addresses{
			portal: demoPortal, rfid: demoRFID, io: demoIO, scale: demoScale, codes: demoCodes, exitPortal: demoExitPortal, ups: demoUPS, entryPlates: "http://" + demoEntryPlates + "/plates",
			exitPlates: "http://" + demoExitPlates + "/plates", dicom: demoDICOM, spectra: filepath.Join(dir, "n42"), swabs: filepath.Join(dir, "trace"),
		},
	}, nil
}
