package simulate

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// report prints the status line once a second until ctx ends, and measures the disk every ten
// seconds. Traffic stops, for good, when the disk that the demonstration may use is spent.
func (d *demo) report(ctx context.Context) error {
	hub := &api.Client{HTTP: &http.Client{Timeout: time.Second}, Base: "http://" + demoHub}
	for n := 0; pause(ctx, time.Second); n++ {
		// Walking through all files costs more than the rest.
		if n%10 == 0 {
			d.measure()
		}
		d.screen.State(d.status(ctx, hub))
	}
	d.screen.End()
	return nil
}

// status returns the status line: how each site is, how much the hub has, and how much disk is used.
func (d *demo) status(ctx context.Context, hub *api.Client) string {
	var parts []string
	if d.full.Load() {
		parts = append(parts, d.p.Phrase("sim.disk-used", cli.Size("budget", demoBudget)))
	}
	for _, s := range d.sites {
		said := d.p.Phrase("sim.starting")
		if status, err := api.GetStatus.Ask(ctx, api.NewClient(s.socket(), time.Second), api.None{}); err == nil {
			said = summary(d.p, status)
		}
		parts = append(parts, s.id+" "+said)
	}
	if agents, err := hubapi.GetAgents.Ask(ctx, hub, hubapi.AgentsQuery{}); err == nil {
		held := int64(0)
		for i := range agents {
			held += agents[i].Held
		}
		parts = append(parts, d.p.Phrase("sim.at-hub", message.Count("n", held)))
	}
	parts = append(parts, d.p.Phrase("sim.disk", cli.Size("used", d.used.Load()), cli.Size("budget", demoBudget)))
	return strings.Join(parts, " · ")
}

// measure determines how much of its disk the demonstration uses, and says once that it is spent.
func (d *demo) measure() {
	used := usedBytes(d.dir)
	d.used.Store(used)
	if used >= demoBudget && !d.full.Swap(true) {
		d.screen.Event(d.p.Phrase("sim.disk-full", message.String("folder", d.dir), cli.Size("size", used)))
	}
}

// usedBytes returns the sum of the sizes of the files below a folder, in bytes; files that vanish
// meanwhile do not count.
func usedBytes(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// summary says how a site is: how many of its devices work, which do not, and whether its link is down.
func summary(p cli.Printer, s api.Status) string {
	var wrong []string
	for _, d := range s.Devices {
		if d.State != "running" {
			wrong = append(wrong, d.ID+" "+p.In(message.New("lanectl.state."+d.State)))
		}
	}
	parts := append([]string{p.Phrase("sim.working", message.Int("n", len(s.Devices)-len(wrong)), message.Int("of", len(s.Devices)))}, wrong...)
	if !s.Link.Ready {
		w := s.Journal.Waiting
		parts = append(parts, p.Phrase("sim.link-down"), p.Phrase("sim.queued", message.Count("n", w["alarm"]+w["event"]+w["telemetry"])))
	}
	return strings.Join(parts, ", ")
}

// events prints what happens at a site, as its agent journals it, until ctx ends. It waits for an
// agent that starts.
func (d *demo) events(ctx context.Context, s *site) error {
	for pause(ctx, time.Second) {
		body, err := api.GetTail.Open(ctx, api.NewClient(s.socket(), 0), api.TailQuery{Follow: true})
		if err != nil {
			continue // the agent is starting
		}
		d.follow(s, body)
		body.Close()
	}
	return nil
}

// follow prints the events of one answer until that ends. Lines that this version cannot decode are
// passed over.
func (d *demo) follow(s *site, body io.Reader) {
	vehicle := func(passage string) string { return s.vehicle(d.p, passage) }
	for lines := bufio.NewReader(body); ; {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return // the agent stops, or starts again
		}
		var line api.Line
		o := &observation.Observation{}
		if json.Unmarshal(text, &line) != nil || observation.FromJSON(line.Observation, o) != nil {
			continue
		}
		for _, said := range happened(d.p, line, o, vehicle) {
			d.event(s, said)
		}
	}
}
