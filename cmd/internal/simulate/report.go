package simulate

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// report says how things are, once a second, and pauses the traffic when the disk that the demonstration may use is full.
func (d *demo) report(ctx context.Context) error {
	local := api.NewClient(d.socket(), time.Second)
	hub := &api.Client{HTTP: &http.Client{Timeout: time.Second}, Base: "http://" + demoHub}
	for n := 0; pause(ctx, time.Second); n++ {
		if n%10 == 0 {
			d.measure()
		}
		s, err := api.GetStatus.Ask(ctx, local, api.None{})
		if err != nil {
			d.screen.State("The agent is starting.")
			continue
		}
		line := summary(s)
		if agents, err := hubapi.GetAgents.Ask(ctx, hub, hubapi.AgentsQuery{}); err == nil && len(agents) > 0 {
			line += fmt.Sprintf(" · %d %s at the hub",
				agents[0].Held, english.PluralWord(int(agents[0].Held), "record", ""))
		}
		line += fmt.Sprintf(" · %d of %d MB", d.used.Load()>>20, demoBudget>>20)
		if d.full.Load() {
			line = fmt.Sprintf("%d MB are used: no more trucks come. Ctrl-C, and the next 'make run' begins anew. ", demoBudget>>20) + line
		}
		d.screen.State(line)
	}
	d.screen.End()
	return nil
}

// measure finds out how much of its disk the demonstration uses.
func (d *demo) measure() {
	used := usedBytes(d.dir)
	d.used.Store(used)
	if used >= demoBudget && !d.full.Swap(true) {
		d.screen.Event(fmt.Sprintf("%s holds %d MB, which is all that a demonstration may use: no more trucks come. Everything else goes on.", d.dir, used>>20))
	}
}

// usedBytes is how much disk the files below a folder use; files that come and go meanwhile do not count.
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

// summary is the status line: what is wrong first.
func summary(s api.Status) string {
	var wrong []string
	for _, d := range s.Devices {
		if d.State != "running" {
			wrong = append(wrong, d.ID+" "+d.State)
		}
	}
	line := fmt.Sprintf("%d %s OK", len(s.Devices), english.PluralWord(len(s.Devices), "device", ""))
	if len(s.Devices) > 1 {
		line = "All " + line
	}
	if len(wrong) > 0 {
		line = fmt.Sprintf("%d of %d %s: %s",
			len(wrong), len(s.Devices), english.PluralWord(len(s.Devices), "device", ""), strings.Join(wrong, ", "))
	}
	link := "link up"
	if !s.Link.Ready {
		link = "link down"
	}
	w := s.Journal.Waiting
	return fmt.Sprintf("%s · %s · %d %s queued, %d %s · %d %s", line, link,
		w["alarm"]+w["event"]+w["telemetry"],
		english.PluralWord(int(w["alarm"]+w["event"]+w["telemetry"]), "record", ""),
		s.Journal.WaitingArtifacts,
		english.PluralWord(int(s.Journal.WaitingArtifacts), "image or document", "images and documents"),
		s.Journal.Size, english.PluralWord(int(s.Journal.Size), "record", ""))
}

// events prints what happens at the lane, as its agent journals it.
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
		for _, said := range happened(line, o, d.vehicle) {
			d.screen.Event(said)
		}
	}
}
