package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
)

// fleet serves hubapi.GetFleet.
func (s *httpServer) fleet(c *api.Call, in hubapi.FleetQuery) (hubapi.FleetPage, error) {
	out, err := s.board.Page(in, c.User.Sees)
	if err == nil {
		out.Partial, err = partial(s.views)
	}
	return out, err
}

// Limits of streams of changes.
const (
	maxFleetStreams = 500
	fleetEvery      = 2 * time.Second  // between two events: each is a drawing of a page
	fleetComment    = 15 * time.Second // a word for proxies, when there is no event
	fleetWrite      = 10 * time.Second
	fleetRetry      = 10 * time.Second
)

// fleetChanges serves hubapi.GetFleetChanges, until the page goes.
func (s *httpServer) fleetChanges(w http.ResponseWriter, c *api.Call, in hubapi.FleetChangesQuery) error {
	if s.fleetStreams.Add(1) > maxFleetStreams {
		s.fleetStreams.Add(-1)
		return api.NewProblem(api.Unavailable, message.New("fleet.streams", message.Int("n", maxFleetStreams))).After(fleetRetry)
	}
	defer s.fleetStreams.Add(-1)
	after := in.After
	if n, err := strconv.ParseInt(in.LastEventID, 10, 64); err == nil {
		after = n
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	for {
		changed, version := s.board.Changed()
		text := ": nothing new\n\n"
		if version > after {
			out := s.board.Changes(after, c.User.Sees)
			data, err := json.Marshal(out)
			if err != nil {
				return nil // it has begun: the page asks again
			}
			after, text = out.Version, fmt.Sprintf("id: %d\ndata: %s\n\n", out.Version, data)
		}
		err := control.SetWriteDeadline(time.Now().Add(fleetWrite))
		if err == nil {
			_, err = fmt.Fprint(w, text)
		}
		if err == nil {
			err = control.Flush()
		}
		if err != nil || !awaitChange(c.Request, changed) {
			return nil
		}
	}
}

// awaitChange waits for a change, for fleetEvery at least and fleetComment at most. It reports false when the page is gone.
func awaitChange(r *http.Request, changed <-chan struct{}) bool {
	least, most := time.NewTimer(fleetEvery), time.NewTimer(fleetComment)
	defer least.Stop()
	defer most.Stop()
	select {
	case <-least.C:
	case <-r.Context().Done():
		return false
	}
	select {
	case <-changed:
	case <-most.C:
	case <-r.Context().Done():
		return false
	}
	return true
}

// fleetAgent serves hubapi.GetFleetAgent.
func (s *httpServer) fleetAgent(c *api.Call, in hubapi.FleetAgentName) (out hubapi.FleetAgent, err error) {
	a, ok := s.board.Agent(store.Sender{Site: in.Site, Agent: in.Agent})
	if !ok || !c.User.Sees(in.Site) {
		return out, api.NewProblem(api.NotFound, message.New("fleet.unknown", message.String("site", in.Site),
			message.String("agent", in.Agent)))
	}
	now := time.Now().UTC()
	slots := in.Days * int(24*time.Hour/views.Slot)
	from := now.Truncate(views.Slot).Add(-time.Duration(slots-1) * views.Slot)
	out = hubapi.FleetAgent{
		Lanes: a.Lanes, Site: a.Site, From: from, Console: a.Journal.Inventory.GetConsoleUrl(), Devices: []hubapi.FleetDevice{},
	}
	if !a.Heard.IsZero() {
		at := a.Heard.UTC()
		out.Heard = &at
	}
	if out.Lists, err = s.listsOf(a.Journal.ID); err != nil {
		return out, err
	}
	known, err := s.views.Devices(a.Journal.ID)
	if err != nil {
		return out, err
	}
	letters, err := s.views.Availability(a.Journal.ID, from, slots)
	if err != nil {
		return out, err
	}
	by := map[string]*views.Device{}
	for i := range known {
		by[known[i].Device] = &known[i]
	}
	for _, d := range a.Journal.Inventory.GetDevices() {
		one := hubapi.FleetDevice{Lane: d.Lane}
		if one.LaneDevice, err = laneDevice(d, by[d.Id]); err != nil {
			return out, err
		}
		told := stateTold(&a, d.Id)
		one.State = cmp.Or(told, one.State)
		one.Availability = unheard(letters[d.Id], slots, from, a.Heard)
		out.Devices = append(out.Devices, one)
	}
	return out, nil
}

// stateTold returns the state of a device by its agent's last word, which may be newer than its rows; "" when that says
// nothing.
func stateTold(a *fleet.Agent, device string) string {
	if !a.Reports {
		return ""
	}
	for _, t := range a.Trouble {
		if t.Device == device {
			return t.State
		}
	}
	return "running"
}

// unheard returns the letters of slots without those after the agent's last word, which is not known to have lasted.
func unheard(letters string, slots int, from, heard time.Time) string {
	if letters == "" {
		letters = strings.Repeat(views.SlotLetters[:1], slots)
	}
	if heard.IsZero() {
		return letters
	}
	known := min(max(int(heard.Sub(from)/views.Slot)+1, 0), len(letters))
	return letters[:known] + strings.Repeat(views.SlotLetters[:1], len(letters)-known)
}
