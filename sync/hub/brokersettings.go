package hub

import (
	"net"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/wire"
)

const (
	hubUser         = "lanehub"
	maxPayload      = wire.MaxPayload + 64<<10 // with the broker's own headers
	maxBrokerMemory = 4 * maxSessions          // bytes of JetStream
	maxBrokerStore  = 1 << 20                  // bytes of its files, of which there are none
)

// serverOptions returns the settings of the embedded broker: no NATS port, MQTT only; and the gate, which is not open
// yet. Errors are wrong settings, in words for the administrator.
func serverOptions(o Options) (*server.Options, *gate, error) {
	host, portText, err := net.SplitHostPort(o.MQTT)
	if err != nil {
		return nil, nil, message.Wrap(err, "hub.mqtt-address", message.String("address", o.MQTT))
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, nil, message.Wrap(err, "hub.mqtt-address", message.String("address", o.MQTT))
	}
	book, err := agentsOf(o, host)
	if err != nil {
		return nil, nil, err
	}
	gate := newGate(book)
	gate.json = o.JSON
	if gate.readers, err = readersOf(o); err != nil {
		return nil, nil, err
	}
	so := &server.Options{
		ServerName: "lanehub", DontListen: true, NoSigs: true, MaxPayload: maxPayload, CustomClientAuthentication: gate,
		// MQTT needs JetStream, in memory here (keepSessionsInMemory). Set here, or the server would want a gigabyte free
		// before it starts.
		JetStream: true, StoreDir: o.brokerDir(), JetStreamMaxStore: maxBrokerStore, JetStreamMaxMemory: maxBrokerMemory,
		MQTT: server.MQTTOpts{Host: host, Port: port},
	}
	so.MQTT.TLSConfig, err = api.ServerTLS(o.TLSCert, o.TLSKey, o.MQTTClientCA)
	return so, gate, err
}

// agentsOf returns the book of agents, nil when everyone on this machine may be one.
func agentsOf(o Options, host string) (*agentBook, error) {
	if o.AgentsFile == "" {
		if !loopback(host) {
			return nil, message.Errorf("hub.no-agents-file", message.String("address", o.MQTT))
		}
		return nil, nil
	}
	book, err := openAgentBook(o.AgentsFile, o.Log)
	if err != nil {
		return nil, err
	}
	if names := book.byCertificate(); len(names) > 0 && (o.MQTTClientCA == "" || o.TLSCert == "") {
		return nil, message.Errorf("lanehub.mqtt-no-ca", message.String("file", o.AgentsFile), message.Names("agents", names))
	}
	return book, nil
}

// loopback reports whether a host is reached from this machine only. Host names other than
// localhost are not resolved.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// agentPermissions lets an agent publish what agents say and read what the hub answers (wire.Rules), on its own topics
// only. "*" for site and agent gives the topics of all agents.
func agentPermissions(site, agent string) *server.Permissions {
	subjects := func(by wire.Party) *server.SubjectPermission {
		var allow []string
		for _, leaf := range wire.Leaves(by) {
			allow = append(allow, subject(wire.Topic(site, agent, leaf)))
		}
		return &server.SubjectPermission{Allow: allow}
	}
	return &server.Permissions{Publish: subjects(wire.Agent), Subscribe: subjects(wire.Hub)}
}

// subject returns an MQTT topic as NATS names it; the broker maps the separators the same way.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }
