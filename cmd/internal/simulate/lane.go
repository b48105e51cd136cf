package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/radiation/aspect"
	aspectsim "lanewarden/drivers/radiation/aspect/sim"
	"lanewarden/drivers/radiation/instrument"
	n42sim "lanewarden/drivers/radiation/n42/sim"
	"lanewarden/drivers/radiation/tsa"
	tsasim "lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/drivers/site/power"
	powersim "lanewarden/drivers/site/power/sim"
	"lanewarden/drivers/trace/ionscan"
	ionscansim "lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/vehicle/barcode"
	barcodesim "lanewarden/drivers/vehicle/barcode/sim"
	llrpsim "lanewarden/drivers/vehicle/llrp/sim"
	"lanewarden/drivers/vehicle/plate"
	platesim "lanewarden/drivers/vehicle/plate/sim"
	"lanewarden/drivers/vehicle/plc"
	plcsim "lanewarden/drivers/vehicle/plc/sim"
	"lanewarden/drivers/vehicle/rfid"
	"lanewarden/drivers/vehicle/scale"
	scalesim "lanewarden/drivers/vehicle/scale/sim"
	"lanewarden/drivers/xray/dicos"
	dicossim "lanewarden/drivers/xray/dicos/sim"
	firmwareconfig "lanewarden/firmware-config"
)

// conductor drives the vehicles of a scenario through a lane of simulated devices, each of which
// speaks its real protocol at the address that a lane file gives it.
type conductor struct {
	scenario *scenario.Scenario
	config   *firmwareconfig.Config
	seed     uint64
	from     time.Duration // time of the scenario's day at which it begins

	rng     *rand.Rand
	library *plasmagram.Library
	players map[string]player // what each device does when a vehicle arrives
	servers []func(context.Context) error
	hold    func() bool // whether vehicles are to stay away; nil for never
	deliver *errgroup.Group
	ctx     context.Context
}

// player lets a device see a vehicle, which has just arrived at its station, the kth. Vehicles may
// be at a device at the same time, so that players of one device run concurrently.
type player func(ctx context.Context, v *scenario.Vehicle, k int, at time.Time) error

// conduct returns a conductor of a scenario: a built-in one by its name, or a file by its path.
// Each device of the scenario must be in the lane file, with a driver that can be simulated. The
// same seed gives the same vehicles and faults.
func conduct(name string, config *firmwareconfig.Config, seed uint64, from time.Duration) (*conductor, error) {
	var day driver.Ref[scenario.Scenario]
	var lib driver.Ref[plasmagram.Library]
	if err := errors.Join(firmwareconfig.LoadDocument(&day, firmwareconfig.Scenarios, name),
		firmwareconfig.LoadDocument(&lib, firmwareconfig.Substances, "open-literature")); err != nil {
		if errors.Is(err, firmwareconfig.ErrNotBuiltin) { // the scenario is named on the command line
			err = cli.Usage(err)
		}
		return nil, err
	}
	c := &conductor{scenario: day.Value, config: config, seed: seed, from: from,
		rng: rand.New(rand.NewPCG(seed, 0xc0)), library: lib.Value, players: map[string]player{}}
	for _, d := range config.Devices {
		c.simulate(d)
	}
	for _, d := range c.scenario.Devices() {
		if c.players[d.ID] == nil {
			return nil, message.Errorf("sim.no-device", message.String("scenario", name), message.String("device", d.ID))
		}
	}
	return c, nil
}

// sharedSource is a source of random numbers for the players of one device, which run concurrently.
type sharedSource struct {
	mu     sync.Mutex
	source rand.Source
}

// Uint64 implements rand.Source.
func (s *sharedSource) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Uint64()
}

// clock draws by how much a device's own clock is ahead, within what the scenario's faults allow
// either way.
func (c *conductor) clock() time.Duration {
	return time.Duration((2*c.rng.Float64() - 1) * float64(c.scenario.Faults.Clock))
}

// listen adds a server for a device that accepts connections at an address.
func (c *conductor) listen(address string, f func(context.Context, net.Listener) error) {
	c.servers = append(c.servers, func(ctx context.Context) error {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return f(ctx, l)
	})
}

// simulate adds the simulator of a device, if there is one for its driver. Devices are drawn in the
// order of the lane file, so that a device added at its end leaves the others' random numbers as
// they are.
func (c *conductor) simulate(d firmwareconfig.Device) {
	rng := rand.New(&sharedSource{source: rand.NewPCG(c.seed, c.rng.Uint64())})
	ahead := c.clock()
	switch s := d.Settings.(type) {
	case *tsa.Config:
		c.players[d.ID] = c.simulatePortal(s, rng)
	case *aspect.Config:
		portal := aspectsim.New(c.seed)
		c.servers = append(c.servers, func(ctx context.Context) error { return portal.Serve(ctx, s.Address) })
		c.players[d.ID] = func(_ context.Context, v *scenario.Vehicle, k int, _ time.Time) error {
			portal.Vehicle(stay(v, k), 0)
			return nil
		}
	case *instrument.Config:
		if s.Folder != nil {
			c.players[d.ID] = c.dropMeasurements(s.Folder.Path, rng, ahead)
		}
	case *plc.Config:
		c.simulatePLC(d.ID, s)
	case *plate.Config:
		if s.HTTP != nil {
			c.players[d.ID] = c.postPlates(d.ID, "http://"+s.HTTP.Listen+s.HTTP.Path, rng, ahead)
		}
	case *rfid.Config:
		c.players[d.ID] = c.simulateReader(s, rng, ahead)
	case *barcode.Config:
		scanner := &barcodesim.Scanner{}
		c.listen(s.Address, scanner.Serve)
		c.players[d.ID] = func(ctx context.Context, v *scenario.Vehicle, _ int, _ time.Time) error {
			codes := v.Containers
			if c.scenario.Shows(d.ID) {
				codes = v.Shown.Codes
			}
			for _, code := range codes {
				if !pause(ctx, scanPause) {
					break
				}
				scanner.Scan(code)
			}
			return nil
		}
	case *scale.Config:
		platform := &scalesim.Scale{}
		c.listen(s.Address, platform.Serve)
		c.players[d.ID] = func(ctx context.Context, v *scenario.Vehicle, k int, _ time.Time) error {
			platform.Load(v.Type.Kg)
			pause(ctx, stay(v, k))
			platform.Load(0)
			return nil
		}
	case *dicos.Config:
		if s.Network != nil {
			c.players[d.ID] = pushScans(s.Network, ahead)
		}
	case *ionscan.Config:
		c.simulateScanner(d.ID, s, ahead)
	case *power.Config:
		c.listen(s.Address, (&powersim.UPS{}).Serve)
	}
}

// scanPause is how long a driver takes to hold the next code before the scanner.
const scanPause = 700 * time.Millisecond

// simulatePortal simulates a TSA portal monitor. A share of the vehicles over 5 m, as the scenario
// says, has a source amidships.
func (c *conductor) simulatePortal(s *tsa.Config, rng *rand.Rand) player {
	cfg := tsasim.Defaults()
	cfg.Seed, cfg.TruckEvery = c.seed, 0 // vehicles come from us alone
	rpm := &tsasim.Server{Portal: tsasim.New(cfg)}
	c.listen(s.Address, rpm.Serve)
	return func(_ context.Context, v *scenario.Vehicle, _ int, _ time.Time) error {
		rpm.Do(func(p *tsasim.Portal) {
			one := p.RandomVehicle()
			one.Length, one.Speed, one.Source = float64(v.Length), float64(v.Speed), nil
			if v.Length > 5 && rng.Float64() < c.scenario.Faults.Alarms {
				half := float64(v.Length / 2)
				one.Source = &tsasim.Source{Gamma: 6000, Position: half, Length: half}
			}
			p.Send(one)
		})
		return nil
	}
}

// dropMeasurements writes an N42 document for each vehicle into a folder, when the vehicle has left
// the station.
func (c *conductor) dropMeasurements(folder string, rng *rand.Rand, ahead time.Duration) player {
	var passes atomic.Int64
	return func(ctx context.Context, v *scenario.Vehicle, k int, at time.Time) error {
		n := int(passes.Add(1))
		pause(ctx, stay(v, k))
		pass := n42sim.Draw(rng, n, at.Add(ahead), 0.05, 0.02)
		return n42sim.Drop(folder, n42sim.Document(pass, c.seed+uint64(n)),
			fmt.Sprintf("pass-%s-%04d.n42", at.UTC().Format("20060102T150405"), n))
	}
}

// postPlates simulates a plate camera that posts what it reads to a URL, in the format of one of
// two vendors.
func (c *conductor) postPlates(id, url string, rng *rand.Rand, ahead time.Duration) player {
	camera := &platesim.Camera{
		URL: url, ID: id, Vendor: []string{"openalpr", "platerecognizer"}[rng.IntN(2)],
		ClockError: ahead, Rand: rng, Right: 1 - c.scenario.Faults.Misread,
	}
	return func(ctx context.Context, v *scenario.Vehicle, _ int, at time.Time) error {
		if v.Plate == "" {
			return nil
		}
		return camera.Post(ctx, v.Plate, at)
	}
}

// simulateReader simulates an RFID reader, which reads a vehicle's tag every 200 ms for as long as
// it is there.
func (c *conductor) simulateReader(s *rfid.Config, rng *rand.Rand, ahead time.Duration) player {
	reader := &llrpsim.Reader{ClockError: ahead}
	c.listen(s.Address, reader.Serve)
	return func(ctx context.Context, v *scenario.Vehicle, k int, _ time.Time) error {
		for begin := time.Now(); v.HasTag && time.Since(begin) < stay(v, k) && pause(ctx, 200*time.Millisecond); {
			reader.Read(llrpsim.Tag{EPC: v.Tag, Antenna: uint16(1 + rng.IntN(2)), RSSI: -58, At: time.Now()})
		}
		return nil
	}
}

// pushScans sends an X-ray image of each vehicle over DICOM, when the vehicle has left; one in five
// has a threat in it.
func pushScans(s *dicos.Network, ahead time.Duration) player {
	return func(ctx context.Context, v *scenario.Vehicle, k int, at time.Time) error {
		ooi := v.Plate
		if v.Container != "" {
			ooi = v.Container
		}
		pause(ctx, stay(v, k))
		scan := dicossim.Scan{
			Seed: uint64(at.UnixNano()) >> 1, Rows: scanRows, Columns: scanColumns,
			At: at.Add(ahead).UTC(), Threat: rand.Float64() < 0.2, OOI: ooi, Dual: true,
		}
		return scans{push: s.Listen, calling: "SIMXRAY", called: s.AETitle}.deliver(ctx, scan)
	}
}

// scanRows and scanColumns are those of a simulated X-ray image, pixels: half of a real one's each way, so that an
// hour of trucks stays within the disk that a demonstration may use.
const (
	scanRows    = 480
	scanColumns = 1440
)

// stay returns how long a vehicle is at a station.
func stay(v *scenario.Vehicle, k int) time.Duration { return v.Leave[k].Sub(v.Arrive[k]) }

// simulatePLC simulates an I/O module whose first vehicle detector is the loop of the station.
func (c *conductor) simulatePLC(id string, s *plc.Config) {
	io := &plcsim.Module{}
	io.Input(3, true) // the emergency stop of example-lane-io is not pressed
	io.Register(0, 215)
	c.servers = append(c.servers, func(ctx context.Context) error { return io.Serve(ctx, s.Address) })
	points := s.Profile.Value.Points
	if i := slices.IndexFunc(points, func(p plc.Point) bool { return p.Vehicle && p.Table == "discrete" }); i >= 0 {
		c.players[id] = func(ctx context.Context, v *scenario.Vehicle, k int, _ time.Time) error {
			io.Input(points[i].Address, true)
			pause(ctx, stay(v, k))
			io.Input(points[i].Address, false)
			return nil
		}
	}
}

// simulateScanner simulates an ion scanner: with a folder it gets swabs of the scenario's vehicles,
// on a line its own.
func (c *conductor) simulateScanner(id string, s *ionscan.Config, ahead time.Duration) {
	if s.Folder == nil {
		c.servers = append(c.servers, func(ctx context.Context) error {
			return swabs{listen: s.Link.Address, every: time.Minute, first: 9 * time.Second, seed: c.seed,
				alarm: 0.1}.run(ctx)
		})
		return
	}
	scanner := ionscansim.NewScanner(c.seed, c.library)
	queue := make(chan string, 16)
	c.servers = append(c.servers, func(ctx context.Context) error { // one officer, one scanner
		for kind := "verification"; ; kind = "analysis" {
			w := scanner.Random(time.Now().Add(ahead).UTC(), 0.2)
			if kind == "verification" {
				w = ionscansim.Swab{Kind: kind, Substance: "cocaine", Amplitude: 400, Operator: w.Operator, At: w.At}
			} else {
				select {
				case w.Sample = <-queue:
				case <-ctx.Done():
					return nil
				}
				w.At = time.Now().Add(ahead).UTC()
			}
			r, err := scanner.Run(w)
			if err == nil {
				err = os.MkdirAll(s.Folder.Path, 0o750)
			}
			if err == nil {
				err = r.Drop(s.Folder.Path)
			}
			if err != nil {
				return err
			}
		}
	})
	c.players[id] = func(ctx context.Context, v *scenario.Vehicle, _ int, _ time.Time) error {
		if pause(ctx, 20*time.Second) {
			select {
			case queue <- v.Plate:
			default: // the officer has enough to do
			}
		}
		return nil
	}
}

// run serves all devices and sends vehicles until ctx ends or the scenario's day is over.
func (c *conductor) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, serve := range c.servers {
		g.Go(func() error { return serve(ctx) })
	}
	g.Go(func() error { return c.traffic(ctx) })
	return g.Wait()
}

// beginAt is the time from the start to the first vehicle: by then the agent has connected to all
// devices.
const beginAt = 6 * time.Second

// traffic sends the vehicles of the scenario's day from c.from on, in real time.
func (c *conductor) traffic(ctx context.Context) error {
	day := scenario.Make(c.scenario, c.seed)
	from := scenario.Begin.Add(c.from)
	vehicles := day.Vehicles // of several lanes, they are not in the order in which they come in
	slices.SortStableFunc(vehicles, func(a, b scenario.Vehicle) int { return a.Arrive[0].Compare(b.Arrive[0]) })
	for len(vehicles) > 0 && vehicles[0].Arrive[0].Before(from) {
		vehicles = vehicles[1:]
	}
	if len(vehicles) == 0 {
		return message.Errorf("sim.nobody")
	}
	// The difference between real time and the scenario's.
	shift := time.Now().Add(beginAt).Sub(vehicles[0].Arrive[0])
	c.deliver, c.ctx = errgroup.WithContext(ctx)
	for i := range vehicles {
		if c.hold == nil || !c.hold() {
			c.drive(&vehicles[i], shift)
		}
		if !pause(ctx, time.Until(vehicles[i].Arrive[0].Add(shift))) {
			break
		}
	}
	return c.deliver.Wait()
}

// drive plays a vehicle's way through the lane. shift is the real time less the scenario's. What a
// device could not do is printed and does not stop the vehicle.
func (c *conductor) drive(v *scenario.Vehicle, shift time.Duration) {
	last := v.Arrive[0]
	for k, s := range c.scenario.LaneOf(v).Stations {
		for _, d := range s.Devices {
			at := v.Arrive[k]
			if d.Kind == "swab" && v.Plate != "" && c.rng.Float64() < c.scenario.Faults.Swabs {
				at = last // sent to secondary from the last station
			}
			if at.IsZero() {
				continue
			}
			if d.Kind != "swab" {
				last = at
			}
			c.deliver.Go(func() error {
				if !pause(c.ctx, time.Until(at.Add(shift))) {
					return nil
				}
				if err := c.players[d.ID](c.ctx, v, k, at.Add(shift)); err != nil && c.ctx.Err() == nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", d.ID, err)
				}
				return nil
			})
		}
	}
}

// laneCommand simulates all devices of a lane file and the traffic of a scenario through them.
func laneCommand() *cobra.Command {
	var name, config string
	var seed uint64
	var from time.Duration
	c := &cobra.Command{
		Use: "lane", Short: "help.lane",
		Args: cobra.NoArgs,
		Long: "help.lane.long",
		Example: "  lanesim lane --config lane.yaml --scenario demo\n" +
			"  lanesim lane --config lane.yaml --scenario ./rush-hour.yaml --from 8h30m --seed 7",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return cli.Usagef("cli.need-flag", message.String("flag", "config"))
			}
			cfg, err := firmwareconfig.Load(config, drivers.Catalog)
			if err != nil {
				return err
			}
			lane, err := conduct(name, cfg, seed, from)
			if err != nil {
				return err
			}
			return lane.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&name, "scenario", "demo", "help.flag.lane.scenario")
	f.StringVar(&config, "config", "", "help.flag.lane.config")
	f.Uint64Var(&seed, "seed", 1, "help.flag.lane.seed")
	from = 12 * time.Hour
	cli.Duration(f, &from, "from", 0, "help.flag.lane.from")
	return c
}
