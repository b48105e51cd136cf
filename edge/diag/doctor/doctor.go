// Package doctor finds what is wrong with a lane, and says it in the order of likelihood: the cause before what follows from it. The lane
// file, what the agent says of itself, the machine, the network and what devices send go in; findings for a technician come out.
// docs/diagnosis.md lists them.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/edge/api"
	firmwareconfig "lanewarden/firmware-config"
)

// Finding is one thing that is wrong.
type Finding struct {
	Cause   string   `json:"cause"`             // a word that stays the same: "port-closed"
	Subject []string `json:"subject"`           // devices, "uplink", "agent", "machine"
	Text    string   `json:"text"`              // what is wrong
	Seen    string   `json:"seen,omitempty"`    // the evidence
	Do      string   `json:"do"`                // the cure
	Warning bool     `json:"warning,omitempty"` // nothing fails because of it yet
	Rank    int      `json:"-"`                 // causes before effects
	host    string   // of a network finding: many devices there have one cause
}

// Ranks: what stops everything comes before what stops one device.
const (
	rankConfig = 10 * (iota + 1)
	rankPermission
	rankDisk
	rankAgent
	rankClock
	rankNetwork
	rankDevice
	rankUplink
	rankEffect // what may follow from something above
	rankChange // what somebody did, and nothing fails because of yet
	rankWarning
)

// Options are where to look.
type Options struct {
	Config      string // path of the lane file; "" for the one that the agent runs
	Socket      string // of the agent
	User        string // whom the agent runs as, when it does not run; "" for us
	TimeServers []string
	// Load reads a lane file.
	Load func(path string) (*firmwareconfig.Config, error)
	// Broker tells how the centre's broker is connected to: TLS, and a connection with name and password, which it closes.
	TLS func(*firmwareconfig.Uplink) (*tls.Config, error)
	// Connect returns an error that is os.ErrDeadlineExceeded when the connection was accepted and nothing came after that.
	Connect func(context.Context, *firmwareconfig.Uplink) error
	// Enter makes relative paths mean what they mean to the agent, which runs in dir.
	Enter func(dir string) error
}

// Limit bounds the whole examination: what has not answered by then is left out.
const Limit = 9 * time.Second

// patient is what is examined.
type patient struct {
	Options
	config *firmwareconfig.Config
	status *api.Status // nil when the agent does not answer
	agent  *agent

	mu       sync.Mutex
	findings []Finding
}

// Examine returns what is wrong, the likeliest cause first; nothing when all is well.
func Examine(ctx context.Context, o Options) []Finding {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	p := &patient{Options: o, agent: &agent{socket: o.Socket}}
	p.status = p.agent.status(ctx)
	if p.status != nil && p.status.Dir != "" {
		if err := p.Enter(p.status.Dir); err != nil {
			p.add(Finding{Cause: "permission", Subject: []string{"agent"}, Warning: true, Rank: rankWarning, Text: "we may not enter the folder that the agent runs in: relative paths of the lane file may be misread", Seen: err.Error(), Do: "use sudo"})
		}
	}
	p.lookAtConfig(ctx)
	var wg sync.WaitGroup
	for _, look := range []func(context.Context){p.lookAtAgent, p.lookAtDisk, p.lookAtClock, p.lookAtDevices, p.lookAtUplink} {
		wg.Go(func() { look(ctx) })
	}
	wg.Wait()
	return order(merge(p.findings))
}

func (p *patient) add(f Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.findings = append(p.findings, f)
}

// merge makes one finding of those that several devices share.
func merge(in []Finding) (out []Finding) {
	for _, f := range in {
		i := slices.IndexFunc(out, func(o Finding) bool {
			return o.Cause == f.Cause && o.host != "" && o.host == f.host && o.Text == f.Text
		})
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Subject = append(out[i].Subject, f.Subject...)
	}
	return out
}

// order sorts faults before warnings, of which nothing fails yet, and each by rank; of equals, what strikes more devices
// comes first.
func order(all []Finding) []Finding {
	warning := func(f Finding) int {
		if f.Warning {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(warning(a), warning(b)),
			cmp.Compare(a.Rank, b.Rank),
			cmp.Compare(len(b.Subject), len(a.Subject)),
			strings.Compare(strings.Join(a.Subject, " "), strings.Join(b.Subject, " ")))
	})
	return all
}
