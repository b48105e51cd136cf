package hub

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/wire"
)

// serverOptions returns the settings of the embedded broker: no NATS port, MQTT only. free is what
// its disk has left, in bytes. secret is the hub's own password at the broker, drawn anew at each
// start. A nil book lets everyone on this machine in, as any agent. Errors are wrong settings, in
// words for the administrator.
func serverOptions(o Options, free uint64) (*server.Options, string, *agentBook, error) {
	host, portText, err := net.SplitHostPort(o.MQTT)
	if err != nil {
		return nil, "", nil, message.Wrap(err, "hub.mqtt-address", message.String("address", o.MQTT))
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, "", nil, message.Wrap(err, "hub.mqtt-address", message.String("address", o.MQTT))
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	so := &server.Options{
		ServerName: "lanehub", DontListen: true, NoSigs: true, MaxPayload: maxPayload,
		// The buffer is not synced with every message: the agents keep what the ledger has not acknowledged, so it
		// protects nothing, and one agent's flood would make all others wait for the disk.
		JetStream: true, StoreDir: o.bufferDir(),
		// Set here, or the server would want a gigabyte free before it starts.
		JetStreamMaxStore: bufferBytes(free), JetStreamMaxMemory: maxBrokerMemory,
		MQTT: server.MQTTOpts{Host: host, Port: port},
	}
	if so.MQTT.TLSConfig, err = api.ServerTLS(o.TLSCert, o.TLSKey, o.MQTTClientCA); err != nil {
		return nil, "", nil, err
	}
	pass := hex.EncodeToString(secret)
	so.Users = []*server.User{{Username: hubUser, Password: pass}}
	if o.AgentsFile == "" {
		if !loopback(host) {
			return nil, "", nil, message.Errorf("hub.no-agents-file", message.String("address", o.MQTT))
		}
		so.Users = append(so.Users, &server.User{Username: "anyone", Password: pass, Permissions: agentPermissions("*", "*")})
		so.MQTT.NoAuthUser = "anyone"
		return so, pass, nil, nil
	}
	book, err := openAgentBook(o.AgentsFile, pass, o.Log)
	if err != nil {
		return nil, "", nil, err
	}
	if names := book.byCertificate(); len(names) > 0 && (o.MQTTClientCA == "" || o.TLSCert == "") {
		return nil, "", nil, message.Errorf("lanehub.mqtt-no-ca", message.String("file", o.AgentsFile), message.Names("agents", names))
	}
	so.Users, so.CustomClientAuthentication = nil, book
	return so, pass, book, nil
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

// bufferBytes returns the largest size of the broker's buffer for a disk with free bytes: a
// quarter, as the ledger, which holds the same rows for good, needs the rest.
func bufferBytes(free uint64) int64 {
	return int64(min(max(free/4, minBuffer), maxBuffer))
}

// subject returns an MQTT topic as NATS names it; the broker maps the separators the same way.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }
