package scenario

import (
	"math/rand/v2"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
)

// Told is an observation as it reaches the journal.
type Told struct {
	At      time.Time // when the agent has it
	Obs     *observation.Observation
	Vehicle int    // index of whom it is about; -1 for nobody in these lanes
	Case    string // what is special about it; "" for nothing
}

// Vehicle is the truth about one vehicle.
type Vehicle struct {
	Type       *Type
	Lane       int // index of its lane
	Length     units.Metres
	Plate      string
	Tag        [12]byte
	HasTag     bool
	Container  string   // the first of Containers
	Containers []string // that it carries
	Case       string
	Arrive     []time.Time           // its front is at each station of its lane; zero for those it did not reach
	Leave      []time.Time           // its end leaves the station
	Speed      units.MetresPerSecond // its own when nothing holds it up
	Back       time.Time             // when it was out again, of one that reversed
	Shown      Shown                 // at the booth
}

// Day is a day with its truth.
type Day struct {
	Vehicles []Vehicle // in the order in which they pass where lanes have become one
	Told     []Told    // by At
}

// generator makes a day.
type generator struct {
	*Scenario
	lanes   []ParallelLane
	road    *rand.Rand // of who comes, and how they drive
	rng     *rand.Rand // of what devices make of it
	office  *rand.Rand // of who shows what
	trade   *Trade     // nil when nobody shows anything
	begin   time.Time
	clocks  map[string]*clock
	dead    map[string]time.Time // when each device dies
	bursts  map[string]*burst
	day     *Day
	number  int // of reports
	grid    grid
	waiting [][]arrival // by lane, in their order, those that have not been driven yet
	keep    func(i int, p *path)
}

// Begin is the first moment of scenarios' days.
var Begin = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// Make makes a day.
func Make(s *Scenario, seed uint64) *Day { return newGenerator(s, seed, Begin).make() }

func newGenerator(s *Scenario, seed uint64, begin time.Time) *generator {
	g := &generator{
		Scenario: s, lanes: s.parallel(), begin: begin, day: &Day{},
		road: rand.New(rand.NewPCG(seed, 0x1a7e)), rng: rand.New(rand.NewPCG(seed, 0x0b5e)),
		office: rand.New(rand.NewPCG(seed, 0x0ff1ce)), clocks: map[string]*clock{}, dead: map[string]time.Time{}, bursts: map[string]*burst{},
	}
	faults := rand.New(rand.NewPCG(seed, 0xfa017))
	for _, d := range s.Devices() {
		g.spoil(d, faults)
	}
	if s.Papers != (Papers{}) {
		g.trade = NewTrade(Begin)
	}
	g.grid = g.layGrid()
	return g
}

// make lets vehicles come, drive and be seen.
func (g *generator) make() *Day {
	g.arrive()
	g.driveAll()
	slices.SortStableFunc(g.day.Told, func(a, b Told) int { return a.At.Compare(b.At) })
	for i := range g.day.Told {
		t := &g.day.Told[i]
		t.Obs.Body.AgentDelayNs = t.At.Sub(t.Obs.Time()).Nanoseconds() / 1e6 * 1e6 // whole milliseconds, as the agent has it
	}
	return g.day
}

// sec is a duration of so many seconds.
func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// at is the moment so many seconds after the day's beginning.
func (g *generator) at(s float64) time.Time { return g.begin.Add(sec(s)) }

// between draws evenly from a range.
func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }
