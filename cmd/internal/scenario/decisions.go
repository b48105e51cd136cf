package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/booth"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/edge/lane/passage"
	"lanewarden/firmware-config/policy"
)

// DecisionScore holds a day's decisions against the truth.
type DecisionScore struct {
	Vehicles  int // whose drivers showed papers at the booth
	Decided   int // of which there is a decision
	Right     int // the last word while the vehicle was there has the reason of what was wrong, or releases it
	Released  int // something was wrong, or an alarm was theirs, and they were let go
	Held      int // nothing was wrong, all was read, no alarm, no draw, and they were not let go; or for another reason
	Alarms    int // vehicles with an alarm that was known before they left
	Random    int // selected for a random check
	Revisions int // decisions, all revisions counted
	Wrong     []string
}

// decisions lets a lane decide about a day: the correlator and the booth read what devices told, and what each other says.
type decisions struct {
	s       *Scenario
	day     *Day
	lists   clearance.Lists
	policy  *policy.Policy
	seed    uint64
	passage *passage.Correlator
	booth   *booth.Booth
	next    int64         // row
	told    map[int64]int // row: index in Told
	last    map[string]*observation.ClearanceDecision
	begun   map[string]int // presentation: vehicle of its first row
	score   *DecisionScore
}

// boothStation is the station of a scenario's lane at which drivers show their papers.
func (s *Scenario) boothStation() string {
	for _, st := range s.parallel()[0].Stations {
		if slices.ContainsFunc(st.Devices, func(d Device) bool { return d.Kind == "papers" }) {
			return st.ID
		}
	}
	return ""
}

// booth is the booth of a scenario's one lane, at the first kind of site of a policy.
func (s *Scenario) booth(p *policy.Policy) booth.Lane {
	lane := booth.Lane{Site: "scenario", SiteKind: string(p.SiteKinds[0]), ID: theLane, Booth: s.boothStation(), Idle: 5 * time.Minute}
	for _, st := range s.Lanes()[0].Stations {
		lane.Stations = append(lane.Stations, booth.Station{
			ID: st.ID, Position: float64(st.Position), Devices: st.Devices, Late: st.Late,
		})
	}
	for _, st := range s.parallel()[0].Stations {
		for _, d := range st.Devices {
			if st.ID == lane.Booth && d.Kind == "loop" {
				lane.Leaving = booth.Detector{Device: d.ID, Station: d.ID}
			}
		}
	}
	return lane
}

// JudgeDecisions lets a lane decide about a day by a policy, and holds that against the truth. The scenario has one lane,
// with a booth.
func JudgeDecisions(s *Scenario, day *Day, p *policy.Policy, seed uint64) *DecisionScore {
	lane := s.booth(p)
	d := &decisions{
		s: s, day: day, lists: NewTrade(Begin).Lists(Begin), policy: p, seed: seed, passage: passage.New(s.Lanes()),
		booth: booth.New(lane), told: map[int64]int{}, last: map[string]*observation.ClearanceDecision{},
		begun: map[string]int{}, score: &DecisionScore{},
	}
	for i := range day.Told {
		d.read(i)
	}
	d.judge()
	return d.score
}

// read lets time go on to a report, second by second, as the follower does, and takes it.
func (d *decisions) read(i int) {
	t := &d.day.Told[i]
	if i > 0 {
		for now := d.day.Told[i-1].At.Add(time.Second); now.Before(t.At); now = now.Add(time.Second) {
			d.said(d.passage.Tick(now.Add(-2*time.Second)), now)
			d.booth.Tick(now)
			d.decide(now)
			if d.booth.Current() == nil && t.At.Sub(now) > time.Minute {
				now = t.At.Add(-30 * time.Second) // nobody is there
			}
		}
	}
	row := d.next
	d.told[row] = i
	d.next++
	d.booth.Take(booth.Row{Idx: row, Observation: t.Obs})
	d.decide(t.At)
	d.said(d.passage.Take(passage.Row{Idx: row, Observation: t.Obs}), t.At)
	d.decide(t.At)
}

// said gives the booth what the correlator says.
func (d *decisions) said(all []*observation.Observation, now time.Time) {
	for _, o := range all {
		o.Device = observation.AgentDevice
		o.Body.AgentDelayNs = now.UnixNano() - o.TimeNs
		d.booth.Take(booth.Row{Idx: d.next, Observation: o})
		d.next++
	}
}

// decide decides what is due, and journals it.
func (d *decisions) decide(now time.Time) {
	for _, p := range d.booth.Due() {
		in := d.booth.Input(p, now)
		in.ClockTrusted = true
		in.Draw = draw.None()
		if identity, ready := clearance.DrawFor(in, d.lists, d.policy); ready {
			in.Draw = clearance.Draw{Identity: identity, Drawn: Begin, Secret: "2026-11-24",
				Value: draw.Value(fmt.Append(nil, d.seed), identity, Begin)}
		}
		said := d.booth.Revise(p, in, clearance.Decide(in, d.lists, d.policy), now)
		if said == nil {
			continue
		}
		d.score.Revisions++
		if _, known := d.begun[p.ID]; !known {
			d.begun[p.ID] = d.vehicle(p)
		}
		if !said.Ended {
			d.last[p.ID] = said
		}
		d.said([]*observation.Observation{booth.Observe(said)}, now)
	}
}

// vehicle returns the vehicle that began a presentation; -1 for none of the day.
func (d *decisions) vehicle(p *booth.Presentation) int {
	if i, ok := d.told[p.FirstRow()]; ok {
		return d.day.Told[i].Vehicle
	}
	return -1
}

// judge holds the last word about each vehicle while it was there against the truth.
func (d *decisions) judge() {
	of := map[int]*observation.ClearanceDecision{}
	for id, said := range d.last {
		if v := d.begun[id]; v >= 0 {
			if have := of[v]; have == nil || said.NowNs > have.NowNs {
				of[v] = said
			}
		}
	}
	all := d.known()
	for v := range d.day.Vehicles {
		if all[v] == nil {
			all[v] = &known{}
		}
		// One that went back before the booth, or came while the scanner was dead, has shown nothing.
		if s := &d.day.Vehicles[v].Shown; s.Class != "" && (of[v] != nil || all[v].codes > 0) {
			d.score.Vehicles++
			d.judgeOne(v, of[v], all[v])
		}
	}
}

// known is what the lane's devices told of a vehicle before it left the booth.
type known struct {
	alarm  bool
	portal bool // a portal saw it
	plate  bool // a camera read its plate
	codes  int  // that were scanned
}

// known returns what was known of each vehicle when it left the booth.
func (d *decisions) known() map[int]*known {
	out := map[int]*known{}
	kinds := d.s.deviceKinds()
	k := slices.IndexFunc(d.s.parallel()[0].Stations, func(st Station) bool { return st.ID == d.s.boothStation() })
	scanned := map[string]bool{}
	for _, t := range d.day.Told {
		if t.Vehicle < 0 {
			continue
		}
		one := out[t.Vehicle]
		if one == nil {
			one = &known{}
			out[t.Vehicle] = one
		}
		leave := d.day.Vehicles[t.Vehicle].Leave
		if k >= len(leave) || !t.At.Before(leave[k]) {
			continue
		}
		one.alarm = one.alarm || t.Obs.Class == observation.Class_CLASS_ALARM
		one.portal = one.portal || kinds[t.Obs.Device] == "portal"
		one.plate = one.plate || kinds[t.Obs.Device] == "plate"
		if code := t.Obs.Body.GetVehicleCode(); code != nil && kinds[t.Obs.Device] == "papers" {
			if key := fmt.Sprint(t.Vehicle, code.Text); !scanned[key] {
				scanned[key] = true
				one.codes++
			}
		}
	}
	return out
}

// judgeOne holds the last word about a vehicle against the truth. One that no portal saw, or whose codes were not all
// scanned, is right to be stopped.
func (d *decisions) judgeOne(v int, said *observation.ClearanceDecision, known *known) {
	s, shown := d.score, &d.day.Vehicles[v].Shown
	if known.alarm {
		s.Alarms++
	}
	if said == nil {
		s.Wrong = append(s.Wrong, fmt.Sprintf("vehicle %d (%s), %v, known %+v: no decision", v, d.day.Vehicles[v].Case,
			shown.Codes, *known))
		return
	}
	s.Decided++
	if said.GetDraw().GetSelected() {
		s.Random++
	}
	released := said.Outcome == string(clearance.Release) || said.Outcome == string(clearance.Move)
	blind := !known.portal || known.codes < len(shown.Codes)
	right := released
	switch {
	case shown.Fault != "" && !blind:
		right = !released && hasReason(said, string(shown.Fault))
	case shown.Fault != "", blind, known.alarm, said.GetDraw().GetSelected():
		right = !released
	case !known.plate && hasReason(said, "PLATE-MISSING"):
		right = true // the policy says whether that stops it
	}
	if right {
		s.Right++
		return
	}
	if released {
		s.Released++
	} else {
		s.Held++
	}
	if len(s.Wrong) < maxWrong {
		s.Wrong = append(s.Wrong, fmt.Sprintf("vehicle %d (%s), %s %v, fault %q, known %+v: %s by %s; passage %q", v,
			d.day.Vehicles[v].Case, shown.Class, shown.Codes, shown.Fault, *known, said.Outcome, codesOf(said), said.Passage))
	}
}

// hasReason reports whether a decision, or one of its shipments', has a reason.
func hasReason(said *observation.ClearanceDecision, code string) bool {
	return slices.Contains(strings.Fields(codesOf(said)), code)
}

func codesOf(said *observation.ClearanceDecision) string {
	var all []string
	for _, r := range said.Reasons {
		all = append(all, r.Code)
	}
	for _, s := range said.Shipments {
		for _, r := range s.Reasons {
			all = append(all, r.Code)
		}
	}
	return strings.Join(all, " ")
}

// Report is the score as text.
func (s *DecisionScore) Report() string {
	return fmt.Sprintf("decisions: %d of %d vehicles with papers, %d right, %d let go wrongly, %d stopped wrongly; "+
		"%d with an alarm, %d drawn; %.1f revisions a vehicle\n", s.Decided, s.Vehicles, s.Right, s.Released, s.Held, s.Alarms,
		s.Random, float64(s.Revisions)/float64(max(s.Decided, 1)))
}
