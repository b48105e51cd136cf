package hub

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"lanewarden/sync/wire"
)

// serverOptions sets the broker up: no NATS port, MQTT only.
func serverOptions(o Options, free uint64) (*server.Options, string, error) {
	host, portText, err := net.SplitHostPort(o.MQTT)
	if err != nil {
		return nil, "", fmt.Errorf("MQTT address %q: %w", o.MQTT, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, "", fmt.Errorf("MQTT address %q: %w", o.MQTT, err)
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	so := &server.Options{
		ServerName: "lanehub", DontListen: true, NoSigs: true, MaxPayload: maxPayload,
		// The buffer is not synced with every message: the agents keep what the ledger has not acknowledged, so it
		// protects nothing, and one agent's flood would make all others wait for the disk.
		JetStream: true, StoreDir: o.bufferDir(),
		// Set here, or the server would want a gigabyte free before it starts.
		JetStreamMaxStore: bufferBytes(free), JetStreamMaxMemory: bufferMemory,
		MQTT: server.MQTTOpts{Host: host, Port: port},
	}
	if o.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return nil, "", err
		}
		so.MQTT.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	pass := hex.EncodeToString(secret)
	so.Users = []*server.User{{Username: hubUser, Password: pass}}
	if o.AgentsFile == "" {
		if !loopback(host) {
			return nil, "", fmt.Errorf("MQTT address %q can be reached from other machines: name an agents file, so that not everyone may send", o.MQTT)
		}
		so.Users = append(so.Users, &server.User{Username: "anyone", Password: pass, Permissions: agentPermissions("*", "*")})
		so.MQTT.NoAuthUser = "anyone"
		return so, pass, nil
	}
	agents, err := readAgents(o.AgentsFile)
	so.Users = append(so.Users, agents...)
	return so, pass, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readAgents reads a file of lines SITE/AGENT:BCRYPT, as htpasswd -B makes them; each agent may use its own topics
// only.
func readAgents(path string) (users []*server.User, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, found := strings.Cut(line, ":")
		site, agent, slash := strings.Cut(name, "/")
		if !found || !slash || !strings.HasPrefix(hash, "$2") {
			return nil, fmt.Errorf("%s:%d: write SITE/AGENT:BCRYPT, with a hash as 'htpasswd -nB SITE/AGENT' makes it", path, i+1)
		}
		users = append(users, &server.User{Username: name, Password: hash, Permissions: agentPermissions(site, agent)})
	}
	return users, nil
}

// agentPermissions lets an agent publish what agents say and read what the hub answers, of its own topics only; with
// "*" for a name it is of all agents'.
func agentPermissions(site, agent string) *server.Permissions {
	var up []string
	for _, leaf := range append(wire.UpLeaves(), wire.LeafState) {
		up = append(up, subject(wire.Topic(site, agent, leaf)))
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: up},
		Subscribe: &server.SubjectPermission{Allow: []string{subject(wire.Topic(site, agent, wire.LeafAck))}},
	}
}

// bufferBytes returns the largest size of the broker's buffer before the ledger: a part of what is free on the disk,
// for the ledger needs more.
func bufferBytes(free uint64) int64 {
	return int64(min(max(free/4, bufferMin), bufferMax))
}

// subject is an MQTT topic as NATS names it.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }
