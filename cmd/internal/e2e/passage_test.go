package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	plate "lanewarden/drivers/vehicle/plate/sim"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// killLane is the lane of TestKillDuringPassages: three plate readers in a row, for what they post is lost neither by
// them nor by the agent.
func killLane() passage.Lane {
	return passage.Lane{ID: "lane-1", SpeedKph: 14.4, Timeout: 20 * time.Second, Stations: []passage.Station{
		{ID: "entry", Position: 0, Devices: []string{"lpr-1"}},
		{ID: "middle", Position: 8, Devices: []string{"lpr-2"}},
		{ID: "exit", Position: 16, Devices: []string{"lpr-3"}},
	}}
}

// TestKillDuringPassages kills the agent at random moments while vehicles are in its lane. What the agent says of them
// over all its lives is what one says that reads the same journal without a stop: the same readings are together, each
// vehicle is one passage, opened once and closed once.
func TestKillDuringPassages(t *testing.T) {
	t.Parallel()
	lane := killLane()
	var stations, devices []string
	cameras := make([]*plate.Camera, len(lane.Stations))
	for i, s := range lane.Stations {
		address, id := freeAddress(t), s.Devices[0]
		stations = append(stations, fmt.Sprintf("{id: %s, position: %g, devices: [%s]}", s.ID, s.Position, id))
		devices = append(devices, fmt.Sprintf("  - {id: %s, driver: plate, lane: lane-1, settings: "+
			"{http: {listen: %q, path: /p}}}", id, address))
		cameras[i] = &plate.Camera{URL: "http://" + address + "/p", ID: id, Vendor: "openalpr", Right: 1}
	}
	w := newWorld(t, options{
		noPortal: true, devices: strings.Join(devices, "\n"),
		lane: fmt.Sprintf(", speed: %g, timeout: %s, stations: [%s]", lane.SpeedKph, lane.Timeout,
			strings.Join(stations, ", ")),
	})
	var seen sync.WaitGroup
	random := rand.New(rand.NewPCG(1, 2))
	n := kills(t, 5)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*20*time.Second+2*time.Minute)
	defer cancel()
	rest := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	begin, vehicles := time.Now(), 0
	until := func(end time.Duration) { // lets vehicles come, one in 4 s, until that long after the test's begin
		for ; time.Duration(vehicles)*4*time.Second < end; vehicles++ {
			rest(time.Until(begin.Add(time.Duration(vehicles) * 4 * time.Second)))
			name := killed(vehicles)
			seen.Go(func() {
				for i, c := range cameras { // 2 s from one to the next; who is not answered posts again
					own := *c
					own.Rand = rand.New(rand.NewPCG(uint64(i), 3))
					seen.Go(func() {
						if err := own.Post(ctx, name, time.Now()); err != nil {
							t.Errorf("%s at %s: %v", name, own.ID, err)
						}
					})
					rest(2 * time.Second)
				}
			})
		}
		rest(time.Until(begin.Add(end)))
	}
	until(3 * time.Second)
	for range n {
		until(time.Since(begin) + time.Duration(500+random.IntN(7000))*time.Millisecond) // what is tested
		w.agent.end(syscall.SIGKILL)
		w.agent.start()
	}
	until(time.Since(begin) + 4*time.Second)
	seen.Wait()
	w.waitFor("all passages to be closed", 5*time.Minute, func() bool {
		told := readPassages(t, w.journalRows())
		return len(told.of) >= 3*vehicles && len(told.closed) >= len(told.opened)
	})
	w.agent.end(syscall.SIGTERM)
	w.hub.end(syscall.SIGTERM)
	rows := w.journalRows()
	told := readPassages(t, rows)
	told.once(t)
	t.Logf("%d kills, %d vehicles, %d passages", n, vehicles, len(told.opened))
	if len(told.opened) != vehicles {
		t.Errorf("%d passages were opened for %d vehicles", len(told.opened), vehicles)
	}
	readings := 0
	for _, r := range rows {
		if r.Kind == observation.Kind_KIND_VEHICLE_PLATE {
			readings++
		}
	}
	if readings != 3*vehicles || len(told.of) != readings {
		t.Errorf("%d of %d readings of %d vehicles are in a passage", len(told.of), readings, vehicles)
	}
	want := undisturbed(t, rows, lane)
	for idx, passage := range told.of {
		if together(told.of, passage) != together(want, want[idx]) {
			t.Errorf("reading %d is in %s with %s, and without kills with %s", idx, passage,
				together(told.of, passage), together(want, want[idx]))
		}
	}
}

// killed is the plate of a vehicle; those of vehicles near each other differ in four characters.
func killed(n int) string {
	return fmt.Sprintf("%c%c%c%c%d", 'A'+n%26, 'C'+n*7%20, 'F'+n*11%18, 'H'+n*5%17, 100+n%900)
}

// journalRows reads the agent's journal, which may be in use.
func (w *world) journalRows() (out []journal.Row) {
	w.t.Helper()
	err := journal.Each(w.journalDB(), func(r *journal.Row) error {
		out = append(out, *r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// passages are what an agent's rows say of passages.
type passages struct {
	of             map[int64]string // by row of the reading
	opened, closed map[string]int   // how often
}

// readPassages folds rows of a journal.
func readPassages(t *testing.T, rows []journal.Row) passages {
	p := passages{map[int64]string{}, map[string]int{}, map[string]int{}}
	all := func(id string, readings []*observation.PassageReading) {
		for _, r := range readings {
			p.of[r.Idx] = id
		}
	}
	for i := range rows {
		if rows[i].Device != observation.AgentDevice {
			continue
		}
		b := &observation.Body{}
		if err := proto.Unmarshal(rows[i].Body, b); err != nil {
			t.Fatal(err)
		}
		switch o := b.Typed().(type) {
		case *observation.PassageOpened:
			p.opened[o.Id]++
			all(o.Id, o.Readings)
		case *observation.PassageUpdated:
			all(o.Id, o.Readings)
		case *observation.PassageCorrected:
			p.of[o.Idx] = o.To
		case *observation.PassageClosed:
			p.closed[o.Id]++
		}
	}
	return p
}

// once fails unless each passage was opened once and closed once.
func (p *passages) once(t *testing.T) {
	for id, n := range p.opened {
		if n != 1 || p.closed[id] != 1 {
			t.Errorf("passage %s was opened %d times and closed %d times", id, n, p.closed[id])
		}
	}
	for id := range p.closed {
		if p.opened[id] == 0 {
			t.Errorf("passage %s was closed, and never opened", id)
		}
	}
}

// undisturbed returns the passage of each reading as it is without kills: a correlator reads the devices' rows.
func undisturbed(t *testing.T, rows []journal.Row, lane passage.Lane) map[int64]string {
	c := passage.New([]passage.Lane{lane})
	out := map[int64]string{}
	c.Assigned = func(a passage.Assignment) { out[a.Idx] = a.Passage }
	for i := range rows {
		r := &rows[i]
		o, err := r.Observation()
		if err != nil {
			t.Fatal(err)
		}
		if r.Device != observation.AgentDevice {
			c.Take(passage.Row{Idx: r.Idx, Observation: o})
		}
	}
	c.Flush()
	return out
}

// together lists the readings of a passage.
func together(of map[int64]string, id string) string {
	var in []int64
	for idx, o := range of {
		if o == id {
			in = append(in, idx)
		}
	}
	slices.Sort(in)
	return fmt.Sprint(in)
}
