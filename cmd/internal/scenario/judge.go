package scenario

import (
	"fmt"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage"
)

// Score counts right and wrong assignments over days.
type Score struct {
	Total       Tally
	Cases       map[string]*Tally // by what is special about a vehicle
	Kinds       map[string]*Tally // by kind of device
	Calibration Calibration
	Vehicles    int // that any device saw
	Passages    int // that hold a reading
	Mixed       int // passages that hold X-ray images of two vehicles
	Weighed     int // passages that hold weighings of two vehicles
	Undecided   int // readings of which nothing was ever said; they are not in the calibration
	Days        int
	Took        time.Duration // of the correlator alone
	Wrong       []string      // some of those that are wrong, in words
}

// maxWrong bounds the list of what is wrong of one day.
const maxWrong = 400

// Judge lets a correlator read a day, and holds what it says against the truth. A reading is right when it is in the
// passage that has most of its vehicle's, and that vehicle is the one of which the passage has most; a reading of no
// vehicle in these lanes is right in none.
func Judge(s *Scenario, d *Day) *Score {
	begin := time.Now()
	said := correlate(s, d)
	took := time.Since(begin)
	truth := match(d, said)
	score := newScore()
	score.Days, score.Took = 1, took
	score.Vehicles, score.Passages = len(truth.main), len(truth.owner)
	score.Mixed = holdTwo(d, said, observation.Kind_KIND_XRAY_IMAGE)
	score.Weighed = holdTwo(d, said, observation.Kind_KIND_VEHICLE_WEIGHT)
	types := s.deviceKinds()
	for i, t := range d.Told {
		score.add(t, said[i], truth, types[t.Obs.Device])
	}
	return score
}

func newScore() *Score { return &Score{Cases: map[string]*Tally{}, Kinds: map[string]*Tally{}} }

// correlate returns the last decision about each reading; nil for one of which nothing was said.
func correlate(s *Scenario, d *Day) []*passage.Assignment {
	c := passage.New(s.Lanes())
	said := make([]*passage.Assignment, len(d.Told))
	c.Assigned = func(a passage.Assignment) { said[a.Idx] = &a }
	for i, t := range d.Told {
		c.Take(passage.Row{Idx: int64(i), Observation: t.Obs})
	}
	c.Flush()
	return said
}

// truth matches vehicles and passages: each to the one of which it has most.
type truth struct {
	main  map[int]string // of vehicles that were seen; "" when none of a vehicle's readings is in a passage
	owner map[string]int // of passages
}

func match(d *Day, said []*passage.Assignment) truth {
	type pair struct {
		vehicle int
		passage string
	}
	t := truth{map[int]string{}, map[string]int{}}
	counts := map[pair]int{}
	for i, one := range d.Told {
		if one.Vehicle >= 0 {
			t.main[one.Vehicle] = ""
		}
		if a := said[i]; a != nil && a.Passage != "" {
			counts[pair{one.Vehicle, a.Passage}]++
		}
	}
	most, owned := map[int]int{}, map[string]int{}
	for p, n := range counts { // of equal counts the smaller name, so that the order of a map does not matter
		v := p.vehicle
		if v >= 0 && (n > most[v] || n == most[v] && p.passage < t.main[v]) {
			most[v], t.main[v] = n, p.passage
		}
		if o, ok := t.owner[p.passage]; !ok || n > owned[p.passage] || n == owned[p.passage] && v < o {
			owned[p.passage], t.owner[p.passage] = n, v
		}
	}
	return t
}

// own returns a vehicle's own passage; ok is false when it has none.
func (t truth) own(vehicle int) (id string, ok bool) {
	if vehicle < 0 {
		return "", true
	}
	id = t.main[vehicle]
	return id, id != "" && t.owner[id] == vehicle
}

// holdTwo counts the passages that hold observations of a kind of two vehicles.
func holdTwo(d *Day, said []*passage.Assignment, kind observation.Kind) (n int) {
	first, mixed := map[string]int{}, map[string]bool{}
	for i, t := range d.Told {
		if t.Obs.Body.Kind() != kind || said[i] == nil || said[i].Passage == "" {
			continue
		}
		id := said[i].Passage
		if v, ok := first[id]; ok && v != t.Vehicle {
			mixed[id] = true
		}
		first[id] = t.Vehicle
	}
	return len(mixed)
}

// add counts one reading.
func (s *Score) add(t Told, said *passage.Assignment, truth truth, kind string) {
	a := passage.Assignment{}
	if said != nil {
		a = *said
	}
	own, ok := truth.own(t.Vehicle)
	v := judgeOne(a, own, !ok, t.Obs.Class == observation.Class_CLASS_ALARM)
	name := t.Case
	if name == "" {
		name = "ordinary"
	}
	s.Total.add(v)
	tally(s.Cases, name).add(v)
	tally(s.Kinds, kind).add(v)
	if said == nil {
		s.Undecided++
	} else {
		s.Calibration.add(a.Confidence, v.right)
	}
	if !v.right && len(s.Wrong) < maxWrong {
		s.Wrong = append(s.Wrong, fmt.Sprintf(
			"%s told %s %s %s vehicle %d (%s)%s is in %q (of vehicle %d), its own is %q: %.3f %s; or %q %.3f",
			t.Obs.Time().Format("15:04:05.0"), t.At.Format("15:04:05.0"), t.Obs.Device, t.Obs.Body.Kind().Name(), t.Vehicle, name,
			map[bool]string{true: " ALARM"}[v.alarm], a.Passage, truth.owner[a.Passage], own, a.Confidence, a.Reason, a.Other,
			a.OtherConfidence))
	}
}

func tally(of map[string]*Tally, name string) *Tally {
	if of[name] == nil {
		of[name] = &Tally{}
	}
	return of[name]
}

// Add adds other days' score, but for what is wrong in words.
func (s *Score) Add(o *Score) {
	s.Total.sum(o.Total)
	for name, t := range o.Cases {
		tally(s.Cases, name).sum(*t)
	}
	for name, t := range o.Kinds {
		tally(s.Kinds, name).sum(*t)
	}
	s.Calibration.sum(&o.Calibration)
	s.Vehicles, s.Passages, s.Mixed = s.Vehicles+o.Vehicles, s.Passages+o.Passages, s.Mixed+o.Mixed
	s.Weighed, s.Undecided = s.Weighed+o.Weighed, s.Undecided+o.Undecided
	s.Days, s.Took = s.Days+o.Days, s.Took+o.Took
}
