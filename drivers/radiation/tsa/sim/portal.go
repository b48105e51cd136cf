// Package sim is a radiation portal, simulated at protocol level: trucks, sources and weather go in, the lines of the
// TSA protocol come out, over TCP in real time or as a recorded daily file.
package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Config describes portal and traffic. Rates are counts per second.
type Config struct {
	Seed           uint64
	Panels         int           // gamma panels and neutron detectors, 1 to 4
	GammaRate      float64       // background per panel
	NeutronRate    float64       // background per detector
	Drift          float64       // slow drift of the background over hours, as a share
	RainEvery      time.Duration // mean time between rains; radon daughters raise the background by 20 to 60 %
	TruckEvery     time.Duration // mean time between vehicles
	FirstTruck     time.Duration // when the first vehicle comes; 0 leaves it to chance
	InnocentShare  float64       // of vehicles that carry something naturally radioactive
	SourceShare    float64       // of vehicles that carry a gamma source
	NeutronShare   float64       // of vehicles that carry a neutron source
	NSigma         float64       // alarm threshold
	Intervals      int           // gamma intervals summed
	SpeedMin       float64       // km/h
	SpeedMax       float64       // km/h
	LengthMin      float64       // m
	LengthMax      float64       // m
	HalfWidth      float64       // m from the lane's middle to a panel
	SuppressionMax float64       // largest share of the background that a truck keeps away
}

// Defaults is a four-panel plastic portal at a busy lane (docs/traffic.md).
func Defaults() Config {
	return Config{
		Seed: 1, Panels: 4, GammaRate: 250, NeutronRate: 1.2, Drift: 0.03, RainEvery: 20 * time.Hour,
		TruckEvery:    100 * time.Second,
		InnocentShare: 0.02, SourceShare: 0.001, NeutronShare: 0.0005, NSigma: 7, Intervals: 5,
		SpeedMin: 5, SpeedMax: 8,
		LengthMin: 6, LengthMax: 21, HalfWidth: 2.5, SuppressionMax: 0.25,
	}
}

// Source is something radioactive on a vehicle.
type Source struct {
	Gamma    float64 // counts per second in one panel at 1 m, unshielded
	Neutron  float64 // the same for a neutron detector
	Position float64 // m behind the vehicle's front
	Length   float64 // m; 0 for a point
	Side     float64 // m from the lane's middle
}

// Vehicle is one passage.
type Vehicle struct {
	Length      float64 // m
	Speed       float64 // m/s
	Suppression float64 // largest share of the background that it keeps away
	Source      *Source
}

// Truth is the simulated occupancy itself.
type Truth struct {
	Number     uint32
	Start, End time.Duration // since the portal's start
	Vehicle    Vehicle
	GammaAlarm bool // as the portal reported it
}

// Line is one line that the portal sends.
type Line struct {
	At   time.Duration // since the portal's start
	Text string        // without line end
}

const (
	gammaStep      = 200 * time.Millisecond
	stepsPerSecond = int(time.Second / gammaStep)
	idlePeriod     = 5 * time.Second
	beamGap        = 0.6 // m between the two occupancy beams
	kph            = 1 / 3.6
)

// Portal is the simulated portal. Its methods are for one goroutine.
type Portal struct {
	cfg    Config
	rng    *rand.Rand
	now    time.Duration
	out    []Line
	number uint32

	phase     float64 // of the drift
	rainUntil time.Duration
	rainFrom  time.Duration
	rainGain  float64
	nextTruck time.Duration
	occupied  *occupancy
	queue     []Vehicle // to come before chance decides again
	faultGain float64   // of the detectors: 1, or what a fault on demand makes of it
	tamper    bool
	stepOfBG  int
	neutronBG float64
	gammaBG   float64 // as the portal last reported it, all panels, 1 s
	truths    []Truth
}

// occupancy is a vehicle in the portal.
type occupancy struct {
	Vehicle
	start    time.Duration
	front    float64 // m past the middle of the portal
	window   []int
	step     int
	neutrons []float64 // expected counts of the second at hand
	alarm    bool
	spoke    bool
}

// New makes a portal whose traffic follows from cfg alone.
func New(cfg Config) *Portal {
	p := &Portal{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x7a5)), faultGain: 1, rainGain: 0.4}
	p.phase = p.rng.Float64() * 2 * math.Pi
	p.rainFrom = p.exponential(cfg.RainEvery)
	p.nextTruck = p.exponential(cfg.TruckEvery)
	if cfg.FirstTruck > 0 {
		p.nextTruck = cfg.FirstTruck
	}
	p.setUp()
	return p
}

// Setup returns the lines with which a portal answers a new connection.
func (p *Portal) Setup() []string {
	c := p.cfg
	return []string{
		fmt.Sprintf("SG1,%06d,%06d,%d,10,%.1f,000000", int(c.GammaRate*2), int(c.GammaRate/4), c.Intervals, c.NSigma),
		fmt.Sprintf("SG2,%d,0.068,5.000,2,1,2.03", c.Panels),
		"SG3,0.068,5.000,20,7,A1.4",
		"SN1,000020,5,002,050,003,20",
		"SN2,0.500,5.000,0.500,5.000,000000",
	}
}

func (p *Portal) setUp() {
	for _, s := range p.Setup() {
		p.say(s)
	}
}

func (p *Portal) say(text string) { p.out = append(p.out, Line{p.now, text}) }

func (p *Portal) exponential(mean time.Duration) time.Duration {
	return time.Duration(p.rng.ExpFloat64() * float64(mean))
}

// Next returns the next line.
func (p *Portal) Next() Line {
	for len(p.out) == 0 {
		p.step()
	}
	l := p.out[0]
	p.out = p.out[1:]
	return l
}

// Now is the time of the next step, since the start.
func (p *Portal) Now() time.Duration { return p.now }

// Truths returns the occupancies that ended since the last call.
func (p *Portal) Truths() []Truth {
	t := p.truths
	p.truths = nil
	return t
}

// Send puts a vehicle into the lane as soon as it is free.
func (p *Portal) Send(v Vehicle) { p.queue = append(p.queue, v) }

// SetTamper trips or clears the tamper switch.
func (p *Portal) SetTamper(on bool) {
	if p.tamper != on {
		p.tamper = on
		p.say(map[bool]string{true: "TT", false: "TC"}[on])
	}
}

// SetGain multiplies what the gamma panels count: 3 makes a high fault, 0.1 a low one, 1 is sound.
func (p *Portal) SetGain(gain float64) { p.faultGain = gain }

// step lets one gamma interval pass.
func (p *Portal) step() {
	p.now += gammaStep
	if p.occupied == nil {
		p.startOccupancy()
	}
	if p.occupied != nil {
		p.occupiedStep()
		return
	}
	if p.stepOfBG++; p.stepOfBG >= int(idlePeriod/gammaStep) {
		p.stepOfBG = 0
		p.reportBackground()
	}
}

func (p *Portal) startOccupancy() {
	var v Vehicle
	switch {
	case len(p.queue) > 0:
		v, p.queue = p.queue[0], p.queue[1:]
	case p.now >= p.nextTruck && p.cfg.TruckEvery > 0:
		v = p.RandomVehicle()
	default:
		return
	}
	p.occupied = &occupancy{Vehicle: v, start: p.now, front: -beamGap, neutrons: make([]float64, p.cfg.Panels)}
	p.stepOfBG = 0
}

// RandomVehicle draws a vehicle by the configuration's shares.
func (p *Portal) RandomVehicle() Vehicle {
	c, r := p.cfg, p.rng
	v := Vehicle{
		Length:      c.LengthMin + r.Float64()*(c.LengthMax-c.LengthMin),
		Speed:       (c.SpeedMin + r.Float64()*(c.SpeedMax-c.SpeedMin)) * kph,
		Suppression: (0.2 + 0.8*r.Float64()) * c.SuppressionMax,
	}
	switch u := r.Float64(); {
	case u < c.InnocentShare: // fertiliser, tiles: along the whole load
		v.Source = &Source{Gamma: 800 + 2500*r.Float64(), Position: v.Length * 0.6, Length: v.Length * 0.6}
	case u < c.InnocentShare+c.SourceShare:
		v.Source = &Source{Gamma: 1500 + 20000*r.Float64(), Position: v.Length * r.Float64(), Side: r.Float64()*2 - 1}
	case u < c.InnocentShare+c.SourceShare+c.NeutronShare:
		v.Source = &Source{Gamma: 500, Neutron: 60 + 300*r.Float64(), Position: v.Length * r.Float64(),
			Side: r.Float64()*2 - 1}
	}
	return v
}

// background returns the expected gamma counts per panel and second.
func (p *Portal) background() float64 {
	if p.now > p.rainFrom && p.cfg.RainEvery > 0 {
		p.rainUntil = p.now + time.Hour + p.exponential(time.Hour)
		p.rainFrom = p.rainUntil + p.exponential(p.cfg.RainEvery)
		p.rainGain = 0.2 + 0.4*p.rng.Float64()
	}
	drift := 1 + p.cfg.Drift*math.Sin(p.phase+2*math.Pi*p.now.Hours()/9)
	rain := 1.0
	if left := p.rainUntil - p.now; left > 0 {
		rain += p.rainGain * math.Min(1, left.Hours()) // washed out and decayed within the hour
	}
	return p.cfg.GammaRate * drift * rain * p.faultGain
}

func (p *Portal) reportBackground() {
	gamma, neutron := make([]int, p.cfg.Panels), make([]int, p.cfg.Panels)
	bg, sum := p.background(), 0
	for i := range gamma {
		gamma[i], neutron[i] = p.Poisson(bg), p.Poisson(p.cfg.NeutronRate)
		sum += gamma[i]
		p.neutronBG += (float64(neutron[i]) - p.neutronBG/float64(p.cfg.Panels)) / 20
	}
	p.gammaBG = float64(sum)
	tag := "GB"
	switch mean := p.gammaBG / float64(p.cfg.Panels); {
	case mean > 2*p.cfg.GammaRate:
		tag = "GH"
	case mean < p.cfg.GammaRate/4:
		tag = "GL"
	}
	p.say(counts(tag, gamma))
	p.say(counts("NB", neutron))
}

// counts formats a line: four fields, zero-padded; panels that are not there are zero.
func counts(tag string, n []int) string {
	var four [4]int
	copy(four[:], n)
	return fmt.Sprintf("%s,%06d,%06d,%06d,%06d", tag, four[0], four[1], four[2], four[3])
}

func (p *Portal) occupiedStep() {
	o := p.occupied
	o.step++
	o.front += o.Speed * gammaStep.Seconds()
	gamma, sum := make([]int, p.cfg.Panels), 0
	shield := 1 - o.Suppression*o.coverage()
	bg := p.background() * shield * gammaStep.Seconds()
	for i := range gamma {
		gamma[i] = p.Poisson(bg + o.rate(p.cfg, i, func(s *Source) float64 {
			return s.Gamma
		})*gammaStep.Seconds()*p.faultGain)
		sum += gamma[i]
		o.neutrons[i] += (p.cfg.NeutronRate*shield + o.rate(p.cfg, i, func(s *Source) float64 {
			return s.Neutron
		})) * gammaStep.Seconds()
	}
	o.window = append(o.window, sum)
	p.say(counts(map[bool]string{true: "GA", false: "GS"}[p.gammaAlarm(o)], gamma))
	if o.step%stepsPerSecond == 0 {
		p.neutronStep(o)
	}
	if !o.spoke && o.front > 0 {
		o.spoke = true
		p.say(fmt.Sprintf("SP,%.4f,%.2f,%.3f", beamGap/o.Speed, o.Speed/kph/1.609344, o.Speed/kph))
	}
	if o.front > o.Length {
		p.endOccupancy()
	}
}

// gammaAlarm is the portal's own rule: the sum of the last intervals against the background.
func (p *Portal) gammaAlarm(o *occupancy) bool {
	if len(o.window) < p.cfg.Intervals || p.gammaBG == 0 {
		return false
	}
	f := 0
	for _, n := range o.window[len(o.window)-p.cfg.Intervals:] {
		f += n
	}
	b := p.gammaBG * float64(p.cfg.Intervals) / float64(stepsPerSecond)
	alarm := float64(f) > b+p.cfg.NSigma*math.Sqrt(b)
	o.alarm = o.alarm || alarm
	return alarm
}

func (p *Portal) neutronStep(o *occupancy) {
	n, sum := make([]int, p.cfg.Panels), 0
	for i, rate := range o.neutrons {
		n[i] = p.Poisson(rate)
		sum += n[i]
		o.neutrons[i] = 0
	}
	b := p.cfg.NeutronRate * float64(p.cfg.Panels)
	p.say(counts(map[bool]string{true: "NA", false: "NS"}[float64(sum) > b+p.cfg.NSigma*math.Sqrt(b)], n))
}

func (p *Portal) endOccupancy() {
	o := p.occupied
	p.number++
	p.say(fmt.Sprintf("GX,%06d,%06d", p.number, int(p.cfg.NeutronRate*float64(p.cfg.Panels)*1000)))
	p.truths = append(p.truths, Truth{Number: p.number, Start: o.start, End: p.now, Vehicle: o.Vehicle,
		GammaAlarm: o.alarm})
	p.occupied = nil
	p.nextTruck = p.now + max(p.exponential(p.cfg.TruckEvery), 2*time.Second)
}

// coverage returns the part of the vehicle that stands between the panels, 0 to 1.
func (o *occupancy) coverage() float64 {
	const reach = 3.0 // m before and behind the panels where a vehicle still matters
	in := math.Min(o.front, reach) - math.Max(o.front-o.Length, -reach)
	return math.Max(0, math.Min(1, in/(2*reach)))
}

// rate returns a panel's counts per second from the vehicle's source: inverse square of the distance, over its length.
func (o *occupancy) rate(c Config, panel int, strength func(*Source) float64) float64 {
	s := o.Source
	if s == nil || strength(s) == 0 {
		return 0
	}
	side, height := c.HalfWidth, 0.9 // panels 0 and 1 left, 2 and 3 right; even ones low
	if panel < 2 {
		side = -side
	}
	if panel%2 == 1 {
		height = -height
	}
	const parts = 5
	sum := 0.0
	for i := range parts {
		along := o.front - s.Position + s.Length*(float64(i)/(parts-1)-0.5)
		across := side - s.Side
		sum += 1 / math.Max(0.25, along*along+across*across+height*height)
	}
	return strength(s) * sum / parts
}

// Poisson draws a count with the given mean.
func (p *Portal) Poisson(mean float64) int { return Poisson(p.rng, mean) }

// Poisson draws a count with the given mean: by multiplication below 30, above it by the transformed rejection of
// Hörmann (PTRS, 1993).
func Poisson(r *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean < 30 {
		limit, k, prod := math.Exp(-mean), 0, r.Float64()
		for prod > limit {
			k++
			prod *= r.Float64()
		}
		return k
	}
	b := 0.931 + 2.53*math.Sqrt(mean)
	a := -0.059 + 0.02483*b
	invAlpha := 1.1239 + 1.1328/(b-3.4)
	vr := 0.9277 - 3.6224/(b-2)
	for {
		u, v := r.Float64()-0.5, r.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= vr {
			return int(k)
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		lg, _ := math.Lgamma(k + 1)
		if math.Log(v*invAlpha/(a/(us*us)+b)) <= k*math.Log(mean)-mean-lg {
			return int(k)
		}
	}
}
