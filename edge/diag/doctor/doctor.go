// Package doctor finds what is wrong with a lane, and says it in the order of likelihood: the cause before what
// follows from it. The lane file, what the agent says of itself, the machine, the network and what devices send go in;
// findings for a technician come out. docs/diagnosis.md lists them.
package doctor

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"lanewarden/edge/api"
	firmwareconfig "lanewarden/firmware-config"

	"lanewarden/drivers/message"
)

// Options name the lane file and the agent's socket, and have the functions that the examination
// needs of other packages. Functions are fields so that tests can examine a lane without one.
type Options struct {
	Config      string // path of the lane file; "" for the one that the agent runs
	Socket      string // of the agent
	User        string // whom the agent runs as, when it does not run; "" for us
	TimeServers []string
	// Load reads a lane file.
	Load func(path string) (*firmwareconfig.Config, error)
	// Broker describes how the centre's broker is connected to: TLS, and a connection with name and password, which it
	// closes.
	TLS func(*firmwareconfig.Uplink) (*tls.Config, error)
	// Connect returns an error that is os.ErrDeadlineExceeded when the connection was accepted and nothing came after
	// that.
	Connect func(context.Context, *firmwareconfig.Uplink) error
	// Enter makes relative paths mean what they mean to the agent, which runs in dir.
	Enter func(dir string) error
}

// Limit bounds the whole examination: what has not answered by then is left out. People wait for it
// at a terminal.
const Limit = 9 * time.Second

// examination is the state of one run: the agent's configuration and status, and the findings so
// far. Checks run concurrently and share only findings.
type examination struct {
	Options
	config *firmwareconfig.Config
	status *api.Status // nil when the agent does not answer
	agent  *agent

	mu       sync.Mutex
	findings []Finding
}

// Examine returns what is wrong, the likeliest cause first; nothing when all is well. It returns
// within Limit, changes nothing, and works whether the agent runs or not. Enter may change the
// working folder of the process.
func Examine(ctx context.Context, o Options) []Finding {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	p := &examination{Options: o, agent: &agent{socket: o.Socket}}
	p.status = p.agent.status(ctx)
	if p.status != nil && p.status.Dir != "" {
		if err := p.Enter(p.status.Dir); err != nil {
			p.add(Finding{Subject: []string{agentSubject}, What: message.New("agent-folder"), Seen: message.Of(err)})
		}
	}
	p.checkConfig(ctx)
	var wg sync.WaitGroup
	for _, look := range []func(context.Context){p.checkAgent, p.checkDisk, p.checkClock, p.checkDevices, p.checkUplink} {
		wg.Go(func() { look(ctx) })
	}
	wg.Wait()
	return order(merge(p.findings))
}

// add adds a finding. It may be called by several checks at once.
func (p *examination) add(f Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.findings = append(p.findings, f)
}
