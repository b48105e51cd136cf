package hub

import (
	"log/slog"
	"net"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/wire"
)

// openReaderBook reads a file of those who may subscribe to JSON at the embedded broker: lines NAME:BCRYPT or
// NAME:certificate, and after another colon the sites that they see, divided by commas; all without it.
func openReaderBook(path string, log *slog.Logger) (*agentBook, error) {
	file, err := linefile.Open(path, parseReaders)
	return &agentBook{log: log, file: file, ids: map[string][]uint64{}, reader: true}, err
}

// parseReaders reads lines of readers. A name has no slash: those of agents have one.
func parseReaders(text []byte) (map[string]string, error) {
	type reader struct{ name, shows string }
	all, err := linefile.Parse(text, func(line string) (r reader, err error) {
		name, shows, found := strings.Cut(line, ":")
		how, sites, _ := strings.Cut(shows, ":")
		if !found || name == "" || strings.ContainsAny(name, "/ \t") || how != agentByCertificate && !strings.HasPrefix(how, "$2") ||
			strings.ContainsAny(sites, ".*>/+# \t") {
			return r, message.Errorf("agents.reader-line", message.String("word", agentByCertificate))
		}
		return reader{name, shows}, nil
	}, func(r reader) string { return r.name })
	shows := map[string]string{}
	for _, r := range all {
		shows[r.name] = r.shows
	}
	return shows, err
}

// readerPermissions lets a reader subscribe to JSON of the sites of its line, and publish nothing.
func readerPermissions(shows string) *server.Permissions {
	_, sites, _ := strings.Cut(shows, ":")
	allow := []string{wire.JSONVersion, wire.JSONVersion + ".>"} // a filter that ends with # is for the level above it, too
	if sites != "" {
		allow = nil
		for site := range strings.SplitSeq(sites, ",") {
			allow = append(allow, wire.JSONVersion+"."+site, wire.JSONVersion+"."+site+".>")
		}
	}
	return &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{">"}}, Subscribe: &server.SubjectPermission{Allow: allow},
	}
}

// readersOf returns the book of those who may subscribe to JSON, nil where nobody may, or everyone on this machine.
func readersOf(o Options) (*agentBook, error) {
	host, _, _ := net.SplitHostPort(o.MQTT) // serverOptions has checked it
	switch {
	case !o.JSON:
		return nil, nil
	case o.ReadersFile != "":
		return openReaderBook(o.ReadersFile, o.Log)
	case o.AgentsFile != "" || !loopback(host):
		return nil, message.Errorf("hub.json-no-readers")
	}
	return nil, nil
}

// names reports whether somebody who connects has a name that is no agent's.
func (b *agentBook) names(c server.ClientAuthentication) bool {
	name := c.GetOpts().Username
	if name == "" {
		name = commonName(c.GetTLSConnectionState())
	}
	return name != "" && !strings.Contains(name, "/")
}
