package hub

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/wire/identity"
)

const (
	// agentByCertificate stands in the agents file in place of a hash: the agent shows a client certificate whose
	// common name is SITE/AGENT.
	agentByCertificate = "certificate"
	// agentsEvery is how often the agents file is looked at for changes, beside each connection's own look.
	agentsEvery = time.Second
	// agentConnections is how many connections of one agent are remembered, to close them when it is taken out. An
	// agent has one; a second one of the same name closes the first.
	agentConnections = 4
)

// agentBook decides which agents may connect to the embedded broker: those of a file of lines SITE/AGENT:BCRYPT or
// SITE/AGENT:certificate. The file is read again when it changed. It implements server.Authentication and may be used
// by many goroutines.
type agentBook struct {
	log    *slog.Logger
	reader bool // it is of readers of JSON (openReaderBook), and not of agents

	mu   sync.Mutex
	file *linefile.Watched[map[string]string] // how each agent shows who it is, by SITE/AGENT
	ids  map[string][]uint64                  // its last connections, by SITE/AGENT
	gone []uint64                             // connections to be closed: their agents' lines changed
}

// openAgentBook reads the file, which must exist and be valid: a hub does not start with an agents
// file that says nothing.
func openAgentBook(path string, log *slog.Logger) (*agentBook, error) {
	file, err := linefile.Open(path, parseAgents)
	return &agentBook{log: log, file: file, ids: map[string][]uint64{}}, err
}

// Check implements server.Authentication: it registers the permissions of whoever is let in. A name
// in the client certificate must be the user name, if both are given, so that a certificate of one
// agent does not serve another.
func (b *agentBook) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	name := o.Username
	if shown := commonName(c.GetTLSConnectionState()); name == "" {
		name = shown
	} else if shown != "" && shown != name {
		return false
	}
	shows, ok := b.known(name, o.Password, c.GetTLSConnectionState())
	if !ok || !b.note(name, shows, c.GetID()) {
		return false
	}
	if b.reader {
		c.RegisterUser(&server.User{Username: name, Permissions: readerPermissions(shows)})
		return true
	}
	site, agent, _ := strings.Cut(name, "/")
	c.RegisterUser(&server.User{Username: name, Permissions: agentPermissions(site, agent)})
	return true
}

// note notes the connection of an agent that has shown what its line asked for. It reports false when the line has
// changed meanwhile: nobody else would close the connection.
func (b *agentBook) note(name, shows string, id uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file.Value[name] != shows {
		return false
	}
	last := append(b.ids[name], id)
	b.ids[name] = last[max(0, len(last)-agentConnections):]
	return true
}

// known reports whether an agent of the file has shown that it is the one, and what its line asks for. It reads the
// file first, so that an agent that was taken out a moment ago is refused. bcrypt runs without the lock: it takes tens
// of milliseconds by design.
func (b *agentBook) known(name, password string, state *tls.ConnectionState) (shows string, ok bool) {
	b.mu.Lock()
	if err := b.refresh(); err != nil {
		b.log.Warn("agents file: those that were read last hold", "err", err)
	}
	shows, ok = b.file.Value[name]
	b.mu.Unlock()
	if !ok {
		return "", false
	}
	how := shows
	if b.reader {
		how, _, _ = strings.Cut(shows, ":")
	}
	if how == agentByCertificate {
		return shows, commonName(state) == name
	}
	return shows, bcrypt.CompareHashAndPassword([]byte(how), []byte(password)) == nil
}

// commonName returns the common name of a client certificate that was verified against the
// authority; "" for none.
func commonName(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// refresh reads the file when it changed and notes the connections of agents that are not in it any more, or that have
// to show something else now. Any agent's connection may be the first to see the change. The caller holds mu.
func (b *agentBook) refresh() error {
	before := b.file.Value
	if err := b.file.Refresh(); err != nil {
		return err
	}
	for name, shows := range before {
		if b.file.Value[name] != shows {
			b.gone = append(b.gone, b.ids[name]...)
			delete(b.ids, name)
		}
	}
	return nil
}

// takeGone reads the file and returns the connections to be closed, each once.
func (b *agentBook) takeGone() (gone []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.refresh() // the next connection says what is wrong
	gone, b.gone = b.gone, nil
	return gone
}

// revoke closes the connections of agents that are taken out of the file, or whose credential
// changed, until ctx ends. It looks every agentsEvery.
func (b *agentBook) revoke(ctx context.Context, s *server.Server) error {
	t := time.NewTicker(agentsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		for _, id := range b.takeGone() {
			_ = s.DisconnectClientByID(id) // it may be closed already
		}
	}
}

// ReadAgents reads a file of agents, as for Options.AgentsFile: how each shows who it is, by SITE/AGENT, the bcrypt
// hash of its password or "certificate". Errors name file and line.
func ReadAgents(path string) (map[string]string, error) {
	file, err := linefile.Open(path, parseAgents)
	if err != nil {
		return nil, err
	}
	return file.Value, nil
}

// parseAgents reads lines SITE/AGENT:BCRYPT, as htpasswd -B makes them, or SITE/AGENT:certificate. Errors name the
// line.
func parseAgents(text []byte) (map[string]string, error) {
	type agent struct{ name, shows string }
	all, err := linefile.Parse(text, func(line string) (a agent, err error) {
		name, shows, found := strings.Cut(line, ":")
		if err := identity.CheckName(name); err != nil {
			return a, err
		}
		if !found || shows != agentByCertificate && !strings.HasPrefix(shows, "$2") {
			return a, message.Errorf("agents.line", message.String("word", agentByCertificate))
		}
		return agent{name, shows}, nil
	}, func(a agent) string { return a.name })
	shows := map[string]string{}
	for _, a := range all {
		shows[a.name] = a.shows
	}
	return shows, err
}

// byCertificate returns the agents that show certificates, sorted.
func (b *agentBook) byCertificate() (names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(b.file.Value)) {
		if b.file.Value[name] == agentByCertificate {
			names = append(names, name)
		}
	}
	return names
}
