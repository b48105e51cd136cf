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
	local := api.NewClient(d.socket(), time.Second)
	hub := &api.Client{HTTP: &http.Client{Timeout: time.Second}, Base: "http://" + demoHub}
	for n := 0; pause(ctx, time.Second); n++ {
		// Walking through all files costs more than the rest.
		if n%10 == 0 {
			d.measure()
		}
		s, err := api.GetStatus.Ask(ctx, local, api.None{})
		if err != nil {
			d.screen.State(d.p.Phrase("sim.starting"))
			continue
		}
		line := summary(d.p, s)
		if agents, err := hubapi.GetAgents.Ask(ctx, hub, hubapi.AgentsQuery{}); err == nil && len(agents) > 0 {
			line += " · " + d.p.Phrase("sim.at-hub", message.Count("n", agents[0].Held))
		}
		line += " · " + d.p.Phrase("sim.disk", cli.Size("used", d.used.Load()), cli.Size("budget", demoBudget))
		if d.full.Load() {
			line = d.p.Phrase("sim.disk-used", cli.Size("budget", demoBudget)) + " " + line
		}
		d.screen.State(line)
	}
	d.screen.End()
	return nil
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

// summary returns the status line, with what is wrong first.
func summary(p cli.Printer, s api.Status) string {
	var wrong []string
	for _, d := range s.Devices {
		if d.State != "running" {
			wrong = append(wrong, d.ID+" "+p.In(message.New("lanectl.state."+d.State)))
		}
	}
	line := p.Phrase("sim.all-well", message.Count("n", len(s.Devices)))
	if len(wrong) > 0 {
		line = p.Phrase("sim.some-unwell", message.Int("bad", len(wrong)), message.Count("n", len(s.Devices)),
			message.String("which", strings.Join(wrong, ", ")))
	}
	link := p.Phrase("sim.link-up")
	if !s.Link.Ready {
		link = p.Phrase("sim.link-down")
	}
	w := s.Journal.Waiting
	return strings.Join([]string{line, link, p.Phrase("sim.queued", message.Count("n", w["alarm"]+w["event"]+w["telemetry"])),
		p.Phrase("sim.artifacts-queued", message.Count("n", s.Journal.WaitingArtifacts)),
		p.Phrase("sim.records", message.Count("n", s.Journal.Size))}, " · ")
}

// events prints what happens at the lane, as its agent journals it, until ctx ends. It waits for an
// agent that starts.
func (d *demo) events(ctx context.Context) error {
	for pause(ctx, time.Second) {
		body, err := api.GetTail.Open(ctx, api.NewClient(d.socket(), 0), api.TailQuery{Follow: true})
		if err != nil {
			continue // the agent is starting
		}
		d.follow(body)
		body.Close()
	}
	return nil
}

// follow prints the events of one answer until that ends. Lines that this version cannot decode are
// passed over.
func (d *demo) follow(body io.Reader) {
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
		for _, said := range happened(d.p, line, o, d.vehicle) {
			d.screen.Event(said)
		}
	}
}
