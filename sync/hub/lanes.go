package hub

import (
	"fmt"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
)

// lanes serves hubapi.GetLanes: the lanes of a page of journals, newest hello first.
func (s *httpServer) lanes(c *api.Call, in hubapi.LanesQuery) (out hubapi.LanePage, err error) {
	out.Lanes = []hubapi.LaneRecord{}
	after, err := parsePosition(in.After)
	if err != nil {
		return out, err
	}
	journals, next, err := s.ledger.Journals(after, in.Limit)
	if err != nil {
		return out, err
	}
	for i := range journals {
		j := &journals[i]
		if (ledger.Sender{Site: j.Site, Agent: j.Agent}) == hubjournal.Name || !c.User.Sees(j.Site) {
			continue
		}
		some, err := s.lanesOf(j)
		if err != nil {
			return out, err
		}
		out.Lanes = append(out.Lanes, some...)
	}
	if next != nil {
		out.Next = fmt.Sprintf("%d-%d", next.HelloNs, next.ID)
	}
	out.Partial, err = partial(s.views)
	return out, err
}

// lanesOf returns the lanes of one journal's agent.
func (s *httpServer) lanesOf(j *ledger.Summary) (out []hubapi.LaneRecord, err error) {
	devices, err := s.views.Devices(j.ID)
	if err != nil {
		return nil, err
	}
	known := map[string]*views.Device{}
	for i := range devices {
		known[devices[i].Device] = &devices[i]
	}
	lists, err := s.listsOf(j.ID)
	if err != nil {
		return nil, err
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	counted, err := s.views.Hours(j.ID, day, day.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	said, _ := s.states.latest(j.Site, j.Agent)
	for _, l := range j.Inventory.GetLanes() {
		one := hubapi.LaneRecord{
			Site: j.Site, Agent: j.Agent, Lane: l.Id, Title: l.Title, Online: said.State.GetOnline(), Lists: lists,
			Outcomes: map[string]int64{}, Devices: []hubapi.LaneDevice{},
		}
		countDay(&one, counted)
		for _, d := range j.Inventory.GetDevices() {
			if d.Lane != l.Id {
				continue
			}
			device, err := laneDevice(d, known[d.Id])
			if err != nil {
				return nil, err
			}
			one.Devices = append(one.Devices, device)
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *httpServer) listsOf(owner int64) ([]hubapi.ListInForce, error) {
	lists, err := s.views.Lists(owner)
	out := []hubapi.ListInForce{}
	for _, l := range lists {
		one := hubapi.ListInForce{List: l.List, Version: l.Version}
		if !l.Issued.IsZero() {
			one.Issued = &l.Issued
		}
		out = append(out, one)
	}
	return out, err
}

// countDay adds up the counters of a lane.
func countDay(one *hubapi.LaneRecord, counted []views.Counted) {
	for _, c := range counted {
		outcome, isOutcome := strings.CutPrefix(c.What, views.CountOutcome)
		switch {
		case c.Lane != one.Lane:
		case isOutcome:
			one.Outcomes[outcome] += c.N
		case c.What == views.CountPassages:
			one.Passages += c.N
		case c.What == views.CountAlarms:
			one.Alarms += c.N
		}
	}
}

// laneDevice joins what an agent's list of devices says of one with what came of it; known is nil where nothing did.
func laneDevice(d *observation.Device, known *views.Device) (out hubapi.LaneDevice, err error) {
	out = hubapi.LaneDevice{Device: d.Id, Title: d.Title, Driver: d.Driver, Conditions: []api.Line{}}
	if known == nil {
		return out, nil
	}
	out.Seen = &known.Seen
	if known.State != nil {
		state := known.State.GetBody().GetDeviceState().GetState().String()
		out.State = strings.ToLower(strings.TrimPrefix(state, "STATE_"))
		line, err := api.NewLine(0, known.State)
		if err != nil {
			return out, err
		}
		out.Said = &line
	}
	out.Conditions, err = shownLines(known.Conditions)
	return out, err
}
