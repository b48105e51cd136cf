package scenario

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/barcode"
	"lanewarden/drivers/vehicle/llrp"
	platesim "lanewarden/drivers/vehicle/plate/sim"
)

// Told is an observation as it reaches the journal.
type Told struct {
	At      time.Time // when the agent has it
	Obs     *observation.Observation
	Vehicle int    // index of whom it is about; -1 for nobody in this lane
	Case    string // what is special about it; "" for nothing
}

// Vehicle is what is true of one.
type Vehicle struct {
	Type      *Type
	Length    float64
	Plate     string
	Tag       [12]byte
	HasTag    bool
	Container string
	Case      string
	Arrive    []time.Time // at each station; zero for those it did not reach
	Leave     []time.Time // its end leaves the station
	Speed     float64     // m/s
	Back      time.Time   // when it was out again, of one that reversed
}

// Day is a day with its truth.
type Day struct {
	Vehicles []Vehicle
	Told     []Told // by At
}

// generator makes a day.
type generator struct {
	*Scenario
	rng    *rand.Rand
	begin  time.Time
	clocks map[string]time.Duration // of devices, how far they are ahead at the beginning
	drift  map[string]float64
	dead   map[string]time.Time // when each device dies
	day    *Day
	number int
}

// Begin is when days of scenarios begin.
var Begin = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// Make makes a day.
func Make(s *Scenario, seed uint64) *Day {
	g := &generator{
		Scenario: s, rng: rand.New(rand.NewPCG(seed, 0x1a7e)), begin: Begin, clocks: map[string]time.Duration{}, drift: map[string]float64{}, dead: map[string]time.Time{}, day: &Day{},
	}
	for _, st := range s.Stations {
		for _, d := range st.Devices {
			g.dead[d.ID] = g.begin.Add(time.Duration(2+20*g.rng.Float64()) * time.Hour)
			if d.Kind == "plate" || d.Kind == "xray" || d.Kind == "swab" || d.Kind == "spectrum" { // the others speak by the agent's clock
				g.clocks[d.ID] = time.Duration((2*g.rng.Float64() - 1) * float64(s.Faults.Clock))
				g.drift[d.ID] = (2*g.rng.Float64() - 1) * s.Faults.DriftPPM
			}
		}
	}
	g.traffic()
	for i := range g.day.Vehicles {
		g.observe(i)
	}
	slices.SortStableFunc(g.day.Told, func(a, b Told) int { return a.At.Compare(b.At) })
	for i := range g.day.Told {
		t := &g.day.Told[i]
		t.Obs.Body.AgentDelayNs = t.At.Sub(t.Obs.Time()).Nanoseconds() / 1e6 * 1e6
	}
	return g.day
}

// density is how many arrive at an hour, relative.
func (g *generator) density(hour float64) float64 {
	d := 1.0
	for _, p := range g.Peaks {
		x := (hour - p.Hour) / p.Width
		d += (p.Factor - 1) * math.Exp(-0.5*x*x)
	}
	return d
}

// traffic lets vehicles come and drive through the lane. They stay in their order, and keep their distance.
func (g *generator) traffic() {
	var hours []float64
	most := 0.0
	for h := 0.0; h < 24; h += 0.1 {
		most = max(most, g.density(h))
	}
	for len(hours) < g.Vehicles {
		if h := 23.5 * g.rng.Float64(); g.rng.Float64()*most < g.density(h) {
			hours = append(hours, h)
		}
	}
	slices.Sort(hours)
	total := 0.0
	for _, t := range g.Mix {
		total += t.Share
	}
	for i, h := range hours {
		v := g.vehicle(total)
		at := g.begin.Add(time.Duration(h * float64(time.Hour)))
		var before *Vehicle
		if i > 0 {
			before = &g.day.Vehicles[i-1]
			if g.rng.Float64() < g.Faults.Tailgating { // it comes when the one before has just cleared the entry
				at = before.Leave[0].Add(time.Duration((0.8 + 1.5*g.rng.Float64()) * float64(time.Second)))
				v.Case, v.Speed = "tailgating", before.Speed*(0.97+0.06*g.rng.Float64())
			}
		}
		reverse := v.Case == "" && g.rng.Float64() < g.Faults.Reversing
		g.drive(&v, at, before, reverse)
		g.day.Vehicles = append(g.day.Vehicles, v)
	}
}

func (g *generator) vehicle(total float64) Vehicle {
	pick := g.rng.Float64() * total
	t := &g.Mix[len(g.Mix)-1]
	for i := range g.Mix {
		if pick -= g.Mix[i].Share; pick < 0 {
			t = &g.Mix[i]
			break
		}
	}
	v := Vehicle{Type: t, Length: t.Length * (0.9 + 0.2*g.rng.Float64()), Speed: g.SpeedKph / 3.6 * (0.8 + 0.4*g.rng.Float64())}
	if !t.NoPlate {
		v.Plate = g.plate()
	}
	if v.HasTag = g.rng.Float64() < t.Tag; v.HasTag {
		v.Tag = [12]byte{0x34, 0x14, 0x25, 0x7b, 0xf4}
		for i := 6; i < 12; i++ {
			v.Tag[i] = byte(g.rng.Uint32())
		}
	}
	if g.rng.Float64() < t.Container {
		ten := fmt.Sprintf("%c%c%cU%06d", 'A'+g.rng.IntN(26), 'A'+g.rng.IntN(26), 'A'+g.rng.IntN(26), g.rng.IntN(1e6))
		v.Container = ten + string(identifier.ContainerDigit(ten))
	}
	switch {
	case t.Faint:
		v.Case = t.Name
	case t.NoPlate:
		v.Case = "no plate"
	}
	return v
}

func (g *generator) plate() string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	b := make([]byte, 7)
	for i := range b {
		if i < 3 {
			b[i] = letters[g.rng.IntN(len(letters))]
		} else {
			b[i] = byte('0' + g.rng.IntN(10))
		}
	}
	return string(b)
}

// drive fills in when a vehicle is where.
func (g *generator) drive(v *Vehicle, at time.Time, before *Vehicle, reverse bool) {
	turn := len(g.Stations)
	if reverse {
		v.Case = "reversing"
		turn = 1 + g.rng.IntN(max(1, len(g.Stations)-2))
	}
	v.Arrive, v.Leave = make([]time.Time, len(g.Stations)), make([]time.Time, len(g.Stations))
	position, stopped := 0.0, 0
	for i, s := range g.Stations {
		if i >= turn || slices.ContainsFunc(s.Devices, func(d Device) bool { return d.Kind == "swab" }) {
			continue
		}
		run := (s.Position - position) / v.Speed * (0.95 + 0.1*g.rng.Float64())
		at = at.Add(time.Duration(run * float64(time.Second)))
		if before != nil && !before.Leave[i].IsZero() {
			if clear := before.Leave[i].Add(time.Duration((0.6 + 0.6*g.rng.Float64()) * float64(time.Second))); at.Before(clear) {
				at, stopped = clear, stopped+1
			}
		}
		if before != nil && before.Case == "reversing" && at.Before(before.Back) { // waits outside
			at = before.Back.Add(2 * time.Second)
		}
		v.Arrive[i] = at
		dwell := time.Duration(float64(s.Dwell) * (0.6 + 0.8*g.rng.Float64()))
		if dwell == 0 && g.rng.Float64() < 0.03 {
			dwell = time.Duration(20 * g.rng.Float64() * float64(time.Second)) // the driver stops for some reason
		}
		at = at.Add(dwell)
		v.Leave[i] = at.Add(time.Duration((v.Length + 2) / v.Speed * float64(time.Second)))
		position = s.Position
	}
	if stopped > 0 && v.Case == "" {
		v.Case = "queue"
	}
	if reverse {
		v.Back = v.Leave[turn-1].Add(time.Duration((20 + position/v.Speed) * float64(time.Second)))
		for i := range turn { // whoever comes next has a free lane then
			v.Leave[i] = later(v.Leave[i], v.Arrive[i])
		}
	}
}

func later(a, b time.Time) time.Time { return map[bool]time.Time{true: b, false: a}[b.After(a)] }

// observe lets the devices see a vehicle.
func (g *generator) observe(i int) {
	v := &g.day.Vehicles[i]
	alarm := g.rng.Float64() < g.Faults.Alarms
	swab := g.rng.Float64() < g.Faults.Swabs && v.Plate != ""
	for k, s := range g.Stations {
		for _, d := range s.Devices {
			if d.Kind == "swab" && swab && !v.Arrive[0].IsZero() && v.Case != "reversing" {
				g.swab(i, d.ID)
			}
			if v.Arrive[k].IsZero() || g.isDead(d.ID, v.Arrive[k]) {
				continue
			}
			missed := g.Faults.Missed
			if v.Type.Faint {
				missed *= 3
			}
			if g.rng.Float64() >= missed {
				g.see(i, k, d, alarm)
			}
			if d.Kind == "tag" && g.rng.Float64() < g.Faults.Neighbour {
				epc := [12]byte{0x34, 0x14, 0x25, 0x7b, 0xf4, 9, byte(g.rng.Uint32()), byte(g.rng.Uint32()), byte(g.rng.Uint32()), byte(g.rng.Uint32())}
				at := v.Arrive[k].Add(time.Duration(g.rng.Float64() * float64(3*time.Minute)))
				g.tag(-1, d.ID, epc, at, at.Add(200*time.Millisecond), 1, -78, "neighbour")
			}
		}
	}
	if v.Case == "reversing" {
		g.reverse(i)
	}
}

func (g *generator) isDead(device string, at time.Time) bool {
	died := g.dead[device]
	return g.Faults.Dead > 0 && at.After(died) && at.Before(died.Add(g.Faults.Dead))
}

// clock is the time that a device shows.
func (g *generator) clock(device string, at time.Time) time.Time {
	ahead := g.clocks[device] + time.Duration(g.drift[device]*1e-6*float64(at.Sub(g.begin)))
	return at.Add(ahead).Truncate(time.Millisecond)
}

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// tell lets an observation reach the journal, sometimes twice. shown is the device's own time, zero when it has none.
func (g *generator) tell(vehicle int, device, special string, at, shown, told time.Time, class observation.Class, body proto.Message) {
	n := 1
	if g.rng.Float64() < g.Faults.Twice {
		n = 2
	}
	for k := range n {
		o := observation.New(class, at, body)
		if !shown.IsZero() {
			o.TimeNs, o.Body.DeviceTimeNs = shown.UnixNano(), shown.UnixNano()
		}
		g.number++
		o.Device, o.Key = device, fmt.Sprintf("%s-%d", device, g.number)
		g.day.Told = append(g.day.Told, Told{told.Add(time.Duration(k) * sec(2+3*g.rng.Float64())), o, vehicle, special})
	}
}

// see is what a device makes of a vehicle at its station.
func (g *generator) see(i, k int, d Device, alarm bool) {
	v := &g.day.Vehicles[i]
	at, left := v.Arrive[k], v.Leave[k]
	event, loud := observation.Class_CLASS_EVENT, observation.Class_CLASS_EVENT
	if alarm {
		loud = observation.Class_CLASS_ALARM
	}
	switch d.Kind {
	case "loop":
		g.tell(i, d.ID, v.Case, at, time.Time{}, left.Add(sec(0.05)), event, &observation.VehicleDetection{
			Station: d.ID, StartNs: at.UnixNano(), EndNs: left.UnixNano(), Direction: "forward", SpeedKph: float32(v.Speed * 3.6 * (0.95 + 0.1*g.rng.Float64())), LengthM: float32(v.Length),
		})
	case "portal":
		g.tell(i, d.ID, v.Case, at, time.Time{}, left.Add(sec(0.3)), loud, &observation.RadiationOccupancy{
			StartNs: at.UnixNano(), EndNs: left.UnixNano(), End: observation.RadiationOccupancy_END_MARKED, SpeedKph: float32(v.Speed * 3.6 * (0.9 + 0.2*g.rng.Float64())), GammaAlarm: alarm,
		})
	case "plate":
		if v.Plate == "" {
			return
		}
		read, sure := platesim.Misread(g.rng, v.Plate, 1-g.Faults.Misread)
		normal := identifier.NormalPlate(read)
		shot := at.Add(sec(0.5 + g.rng.Float64()))
		g.tell(i, d.ID, v.Case, shot, g.clock(d.ID, shot), shot.Add(sec(0.5+1.5*g.rng.Float64())), event, &observation.VehiclePlate{
			Plate: read, Normal: normal, Skeleton: identifier.PlateSkeleton(normal), Confidence: float32(sure), Camera: d.ID,
		})
	case "tag":
		if v.HasTag {
			first := at.Add(-sec(1 + 2*g.rng.Float64()))
			g.tag(i, d.ID, v.Tag, first, left, uint32(5+g.rng.IntN(20)), -58, v.Case)
		}
	case "scale":
		g.tell(i, d.ID, v.Case, at.Add(sec(2)), time.Time{}, left.Add(-sec(1)), event, &observation.VehicleWeight{Kg: math.Round(v.Type.Kg*(0.7+0.6*g.rng.Float64())/20) * 20})
	case "code":
		if v.Container != "" {
			shot := at.Add(sec(1 + g.rng.Float64()))
			g.tell(i, d.ID, v.Case, shot, time.Time{}, shot.Add(sec(0.5)), event, barcode.Classify(v.Container, nil))
		}
	case "spectrum":
		g.tell(i, d.ID, v.Case, at, g.clock(d.ID, at), left.Add(sec(2)), loud, &observation.RadiationSpectrum{Occupied: true, StartNs: at.UnixNano()})
	case "xray":
		g.image(i, d.ID, at)
	}
}

func (g *generator) tag(vehicle int, device string, epc [12]byte, first, last time.Time, reads uint32, rssi int32, special string) {
	_, uri := llrp.EPCURI(epc[:])
	g.tell(vehicle, device, special, first, time.Time{}, last.Add(sec(2)), observation.Class_CLASS_EVENT, &observation.VehicleTag{
		Epc: epc[:], Scheme: "giai-96", Uri: uri, FirstNs: first.UnixNano(), LastNs: last.UnixNano(), Reads: reads, RssiMaxDbm: rssi,
	})
}

// image is an X-ray scan: the image, and later its preview and report. One in a hundred comes an hour late.
func (g *generator) image(i int, device string, at time.Time) {
	v := &g.day.Vehicles[i]
	scan := fmt.Sprintf("1.2.3.%d.%d", i, g.rng.Uint32())
	ooi := v.Plate
	if v.Container != "" {
		ooi = v.Container
	}
	if g.rng.Float64() < g.Faults.Anonymous {
		ooi = ""
	}
	told := at.Add(sec(30 + 60*g.rng.Float64()))
	if g.rng.Float64() < 0.01 {
		told = told.Add(time.Hour)
	}
	shown := g.clock(device, at.Add(sec(1)))
	event := observation.Class_CLASS_EVENT
	g.tell(i, device, v.Case, at, shown, told, event, &observation.XrayImage{OoiId: ooi, ScanInstance: scan, SopInstance: scan + ".1"})
	g.tell(i, device, v.Case, at, shown, told.Add(sec(2)), event, &observation.XrayPreview{ImageInstance: scan + ".1"})
	class := event
	if g.rng.Float64() < g.Faults.Alarms {
		class = observation.Class_CLASS_ALARM
	}
	g.tell(i, device, v.Case, at, g.clock(device, at.Add(sec(20))), told.Add(sec(5)), class, &observation.XrayThreatReport{OoiId: ooi, ScanInstance: scan, ImageInstances: []string{scan + ".1"}})
}

// swab is an officer's swab, two minutes or so after the vehicle was through.
func (g *generator) swab(i int, device string) {
	v := &g.day.Vehicles[i]
	var end time.Time
	for _, t := range v.Leave {
		end = later(end, t)
	}
	at := end.Add(sec(60 + 120*g.rng.Float64()))
	class := observation.Class_CLASS_EVENT
	if g.rng.Float64() < 0.05 {
		class = observation.Class_CLASS_ALARM
	}
	g.tell(i, device, v.Case, at, g.clock(device, at), at.Add(sec(15)), class, &observation.TraceAnalysis{Sample: v.Plate, Verdict: "clear"})
}

// reverse is how a vehicle goes out: over the loops, backwards.
func (g *generator) reverse(i int) {
	v := &g.day.Vehicles[i]
	for k, s := range g.Stations {
		for _, d := range s.Devices {
			if d.Kind != "loop" || v.Arrive[k].IsZero() || g.isDead(d.ID, v.Back) || g.rng.Float64() < g.Faults.Missed {
				continue
			}
			at := v.Back.Add(-sec((s.Position + v.Length) / v.Speed))
			end := at.Add(sec(v.Length / v.Speed))
			g.tell(i, d.ID, v.Case, at, time.Time{}, end, observation.Class_CLASS_EVENT, &observation.VehicleDetection{
				Station: d.ID, StartNs: at.UnixNano(), EndNs: end.UnixNano(), Direction: "reverse", SpeedKph: float32(v.Speed * 3.6), LengthM: float32(v.Length),
			})
		}
	}
}
