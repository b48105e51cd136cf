package doctor

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
	"lanewarden/edge/api"
	"lanewarden/edge/diag"
	"lanewarden/edge/retention"
)

// agent is the running agent, which is asked over its socket.
type agent struct {
	socket string
	err    error // why it did not answer
}

// askTimeout bounds the wait for the agent's answer. An agent that is slower counts as one that
// hangs.
const askTimeout = 3 * time.Second

func (a *agent) client() *api.Client { return api.NewClient(a.socket, askTimeout) }

// status returns what the agent says of itself; nil when it does not answer, with the reason in
// err.
func (a *agent) status(ctx context.Context) *api.Status {
	var s api.Status
	if s, a.err = api.GetStatus.Ask(ctx, a.client(), api.None{}); a.err != nil {
		return nil
	}
	return &s
}

// tape returns what a device sent within the last while, as far as its tape has it; nil for any
// failure, as no evidence is no finding.
func (a *agent) tape(ctx context.Context, device string, back time.Duration) (in []byte) {
	to := time.Now().Add(-diag.CommitTime) // without waiting
	q := api.RecordingQuery{Device: device, From: to.Add(-back), To: to}
	body, err := api.GetRecording.Open(ctx, a.client(), q)
	if err != nil {
		return nil
	}
	defer body.Close()
	r, err := diag.Read(body)
	if err != nil {
		return nil
	}
	for _, one := range r.Records {
		if one.Kind == transport.RecordIn {
			in = append(in, one.Data...)
		}
	}
	return in
}

// checkConfig reads the lane file: the one that was named, else the agent's. A file that the agent
// could read and that is invalid now was changed since the agent's start.
func (p *examination) checkConfig(context.Context) {
	if p.Config == "" && p.status != nil {
		p.Config = p.status.Config
	}
	if p.Config == "" {
		return
	}
	c, err := p.Load(p.Config)
	if err == nil {
		p.config = c
		return
	}
	what := message.New("config", message.String("path", p.Config))
	switch {
	case p.status != nil:
		what = message.New("config-changed", message.String("path", p.Config))
	case errors.Is(err, fs.ErrPermission):
		what = message.New("permission", message.String("path", p.Config))
	case errors.Is(err, fs.ErrNotExist):
		what = message.New("config-missing")
	}
	p.add(Finding{Subject: []string{agentSubject}, What: what, Seen: message.Of(err)})
}

// checkAgent determines why the agent does not answer, or what it says is wrong with itself.
func (p *examination) checkAgent(ctx context.Context) {
	var what message.Message
	switch err := p.agent.err; {
	case p.status != nil:
		if n := p.status.Journal.Failures; n > 0 {
			p.add(Finding{Subject: []string{agentSubject}, What: message.New("journal", message.Count("n", n))})
		}
		p.checkBudget()
		return
	case errors.Is(err, fs.ErrPermission):
		what = message.New("permission", message.String("path", p.Socket))
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		what = message.New("agent-stopped", message.String("path", p.Socket))
		p.checkPermissions()
	default:
		what = message.New("agent-hangs")
	}
	p.add(Finding{Subject: []string{agentSubject}, What: what, Seen: message.Of(p.agent.err)})
}

// checkBudget reports which classes the agent does not store because its disk budget is spent.
func (p *examination) checkBudget() {
	d := p.status.Disk
	what := map[string]string{retention.RefusedTelemetry: "disk-telemetry", retention.RefusedEvents: "disk-events"}[d.Refused]
	if what == "" {
		return
	}
	const mega = 1e6
	p.add(Finding{Subject: []string{agentSubject}, What: message.New(what), Seen: message.New("seen.disk-budget",
		message.Quantity("used", float64(d.Used)/mega, 0, "MB"), message.Quantity("budget", float64(d.Budget)/mega, 0, "MB"))})
}
