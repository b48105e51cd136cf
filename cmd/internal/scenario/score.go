package scenario

import (
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage"
)

// Tally counts observations, and those that are in the right passage.
type Tally struct{ All, Right, Alarms, AlarmsRight int }

// Share is how many are right.
func (t Tally) Share() float64 { return share(t.Right, t.All) }

// AlarmShare is how many alarms are right.
func (t Tally) AlarmShare() float64 { return share(t.AlarmsRight, t.Alarms) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (t *Tally) add(right, alarm bool) {
	count := func(n *int, on bool) {
		if on {
			*n++
		}
	}
	count(&t.All, true)
	count(&t.Right, right)
	count(&t.Alarms, alarm)
	count(&t.AlarmsRight, alarm && right)
}

// Score is how well a day was understood.
type Score struct {
	Total    Tally
	Cases    map[string]*Tally
	Passages int
	Wrong    []string // some of those that are wrong, in words
}

// Judge lets a correlator read a day, and holds what it says against the truth. An observation is right when it is in the passage that has
// most of its vehicle's, and that vehicle is the one of which the passage has most; one of no vehicle in this lane is right in none.
func Judge(s *Scenario, d *Day) *Score {
	c := passage.New([]passage.Lane{s.Lane("lane-1")})
	in := make([]string, len(d.Told))
	why := make([]string, len(d.Told))
	c.Assigned = func(idx int64, id string, confidence float64, reason string) {
		in[idx], why[idx] = id, fmt.Sprintf("%.2f %s", confidence, reason)
	}
	for i, t := range d.Told {
		c.Take(passage.Row{Idx: int64(i), Observation: t.Obs})
	}
	c.Flush()
	counts := map[int]map[string]int{}
	for i, t := range d.Told {
		if counts[t.Vehicle] == nil {
			counts[t.Vehicle] = map[string]int{}
		}
		counts[t.Vehicle][in[i]]++
	}
	main := map[int]string{}
	owner, owned := map[string]int{}, map[string]int{}
	for v, passages := range counts {
		if v < 0 {
			continue
		}
		best := 0
		for p, n := range passages {
			if p != "" && (n > best || n == best && p < main[v]) {
				best, main[v] = n, p
			}
			if p != "" && (n > owned[p] || n == owned[p] && v < owner[p]) {
				owner[p], owned[p] = v, n
			}
		}
	}
	score := &Score{Cases: map[string]*Tally{}, Passages: len(owner)}
	for i, t := range d.Told {
		right := in[i] == ""
		if t.Vehicle >= 0 {
			right = in[i] != "" && in[i] == main[t.Vehicle] && owner[in[i]] == t.Vehicle
		}
		name := t.Case
		if name == "" {
			name = "ordinary"
		}
		if score.Cases[name] == nil {
			score.Cases[name] = &Tally{}
		}
		alarm := t.Obs.Class == observation.Class_CLASS_ALARM
		score.Total.add(right, alarm)
		score.Cases[name].add(right, alarm)
		if !right && len(score.Wrong) < 400 {
			score.Wrong = append(score.Wrong, fmt.Sprintf("%v %s %s vehicle %d (%s) device %s kind %s is in %q (of %d), its own is %q: %s", alarm, t.Obs.Time().Format("15:04:05.0"), t.At.Format("15:04:05.0"), t.Vehicle, name,
				t.Obs.Device, t.Obs.Body.Kind().Name(), in[i], owner[in[i]], main[t.Vehicle], why[i]))
		}
	}
	return score
}

// Add adds another day's.
func (s *Score) Add(o *Score) {
	sum := func(a *Tally, b Tally) {
		a.All, a.Right, a.Alarms, a.AlarmsRight = a.All+b.All, a.Right+b.Right, a.Alarms+b.Alarms, a.AlarmsRight+b.AlarmsRight
	}
	sum(&s.Total, o.Total)
	for name, t := range o.Cases {
		if s.Cases[name] == nil {
			s.Cases[name] = &Tally{}
		}
		sum(s.Cases[name], *t)
	}
	s.Passages += o.Passages
}

// Table is the score as docs have it.
func (s *Score) Table() string {
	var names []string
	for n := range s.Cases {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("| case | observations | in the right passage | alarms | in the right passage |\n|---|---|---|---|---|\n")
	line := func(n string, t Tally) {
		fmt.Fprintf(&b, "| %s | %d | %.2f %% | %d | %.2f %% |\n", n, t.All, 100*t.Share(), t.Alarms, 100*t.AlarmShare())
	}
	for _, n := range names {
		line(n, *s.Cases[n])
	}
	line("**all**", s.Total)
	return b.String()
}
