package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/transport"
	"lanewarden/edge/api"
	"lanewarden/edge/diag"
)

// agent is the running agent, asked on its socket.
type agent struct {
	socket string
	err    error // why it did not answer
}

// askTimeout is how long an agent that is well needs at most.
const askTimeout = 3 * time.Second

func (a *agent) client() *api.Client { return api.NewClient(a.socket, askTimeout) }

// status returns what the agent says of itself; nil when it does not answer.
func (a *agent) status(ctx context.Context) *api.Status {
	var s api.Status
	if s, a.err = api.GetStatus.Ask(ctx, a.client(), api.None{}); a.err != nil {
		return nil
	}
	return &s
}

// tape returns what a device sent lately, as far as its tape has it: no evidence is no evidence.
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

// lookAtConfig reads the lane file, that of the agent when none was named.
func (p *patient) lookAtConfig(context.Context) {
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
	f := Finding{Cause: "config", Subject: []string{"agent"}, Text: "the lane file is wrong: the agent does not start with it", Seen: err.Error(), Do: "mend the line that is named; try with: laned check " + p.Config, Rank: rankConfig}
	switch {
	case errors.Is(err, fs.ErrPermission):
		f.Cause, f.Text, f.Do, f.Rank = "permission", "we may not read the lane file", "use sudo, or add yourself to the group lanewarden", rankPermission
	case errors.Is(err, fs.ErrNotExist):
		f.Text, f.Do = "there is no lane file", "name it with --config, or put one there"
	}
	if p.status != nil {
		f.Text, f.Rank, f.Warning = "the lane file was changed and is wrong: the agent will not start with it again", rankWarning, true
	}
	p.add(f)
}

// lookAtAgent says why it does not answer.
func (p *patient) lookAtAgent(ctx context.Context) {
	f := Finding{Subject: []string{"agent"}, Rank: rankAgent}
	switch {
	case p.status != nil:
		if n := p.status.Journal.Failures; n > 0 {
			p.add(Finding{Cause: "journal", Subject: []string{"agent"}, Text: fmt.Sprintf("%d %s to the journal failed since the agent's start", n, english.PluralWord(int(n), "write", "")), Do: "look at disk space, and at the agent's log for the reason", Rank: rankEffect})
		}
		return
	case errors.Is(p.agent.err, fs.ErrPermission):
		f.Cause, f.Rank, f.Text = "permission", rankPermission, "we may not use the agent's socket "+p.Socket
		f.Do = "use sudo, or add yourself to the group lanewarden"
	case errors.Is(p.agent.err, syscall.ECONNREFUSED), errors.Is(p.agent.err, fs.ErrNotExist):
		f.Cause, f.Text = "agent-stopped", "the agent does not run: nobody is at "+p.Socket
		f.Do = "systemctl start laned; when it stops again: journalctl -u laned -n 50"
		p.lookAtPermissions()
	default:
		f.Cause, f.Text = "agent-hangs", "the agent runs but does not answer"
		f.Do = "systemctl restart laned, and keep its log: journalctl -u laned -n 200 > laned.log"
	}
	f.Seen = p.agent.err.Error()
	p.add(f)
}
