// Package brokerrules writes the settings by which brokers of others keep agents to their own topics: the table of
// topics (wire.Rules) goes in, files for Mosquitto, EMQX or NATS come out. An agent is known there by its client
// certificate, whose common name, SITE/AGENT, is its user name.
package brokerrules

import (
	"fmt"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// Options say what the rules are for.
type Options struct {
	Hub string // user name of the hub, the common name of its certificate
	// Readers are user names of programs that may subscribe to events as JSON (wire.JSONTopic); of Mosquitto and EMQX alone.
	Readers []string
	Dir     string // folder of the broker's files, as the broker sees it

	// Agents says how each agent shows who it is, by SITE/AGENT: the bcrypt hash of its password, or "certificate". Only
	// the rules for NATS name agents one by one; File is where they come from.
	Agents map[string]string
	File   string
}

// File is one file of a broker's settings.
type File struct{ Name, Text string }

// formats are the brokers, by name.
var formats = map[string]func(Options) ([]File, error){"mosquitto": mosquitto, "emqx": emqx, "nats": natsServer}

// Brokers lists the names of the brokers.
func Brokers() []string { return []string{"mosquitto", "emqx", "nats"} }

// For returns the files for a broker. The hub's name must not be one that an agent can have, nor have characters that
// stand for something else in a broker's file.
func For(broker string, o Options) ([]File, error) {
	if o.Hub == "" || strings.ContainsAny(o.Hub, "/+#\"\\ \t\r\n") {
		return nil, message.Errorf("rules.hub", message.Quoted("name", o.Hub))
	}
	for _, r := range o.Readers {
		if r == "" || r == o.Hub || strings.ContainsAny(r, "/+#\"\\ \t\r\n") {
			return nil, message.Errorf("rules.reader", message.Quoted("name", r))
		}
	}
	return formats[broker](o)
}

// topic returns the topic of a rule for a site and an agent, which may stand for others.
func topic(who string, r wire.Rule) string { return wire.Version + "/" + who + "/" + r.Leaf }

// all is every agent, as a filter of a subscription has it.
const all = "+/+"

// mosquittoListener is the text of lanewarden.conf, with the folder of certificates and the largest payload.
const mosquittoListener = `# Lanewarden: the listener for agents and hub. lanehub broker-rules --for mosquitto wrote it.
per_listener_settings true
listener 8883
cafile %[1]s/ca.pem
certfile %[1]s/broker.pem
keyfile %[1]s/broker.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file %[1]s/lanewarden.acl
message_size_limit %[2]d
`

// mosquitto writes an acl_file, in which what is not named is forbidden, and the settings of a listener. %u is the user
// name, with its slash: two levels of the topic. Mosquitto itself refuses patterns to a user name with a wildcard in
// it.
func mosquitto(o Options) ([]File, error) {
	var acl strings.Builder
	acl.WriteString("# Lanewarden: who may use which topic. lanehub broker-rules --for mosquitto wrote it.\n")
	fmt.Fprintf(&acl, "\n# The hub.\nuser %s\n", o.Hub)
	for _, r := range wire.Rules() {
		fmt.Fprintf(&acl, "topic %s %s\n", map[wire.Party]string{wire.Agent: "read", wire.Hub: "write"}[r.By], topic(all, r))
	}
	if len(o.Readers) > 0 {
		fmt.Fprintf(&acl, "topic write %s/#\n\n# Those who read events as JSON.\n", wire.JSONVersion)
	}
	for _, r := range o.Readers {
		fmt.Fprintf(&acl, "user %s\ntopic read %s/#\n", r, wire.JSONVersion)
	}
	acl.WriteString("\n# Each agent, on its own topics.\n")
	for _, r := range wire.Rules() {
		fmt.Fprintf(&acl, "# %s\npattern %s %s\n", r.Serves,
			map[wire.Party]string{wire.Agent: "write", wire.Hub: "read"}[r.By], topic("%u", r))
	}
	listener := fmt.Sprintf(mosquittoListener, o.Dir, wire.MaxPayload)
	return []File{{"lanewarden.acl", acl.String()}, {"lanewarden.conf", listener}}, nil
}

// emqxSettings is the text of lanewarden.conf, with the folder of certificates and the largest payload.
const emqxSettings = `# Lanewarden: for emqx.conf. lanehub broker-rules --for emqx wrote it.
mqtt.peer_cert_as_username = cn
mqtt.max_packet_size = "%[2]dKB"
authorization.no_match = deny
authorization.deny_action = ignore
authorization.sources = [{type = file, enable = true, path = "%[1]s/acl.conf"}]
listeners.ssl.default.bind = 8883
listeners.ssl.default.ssl_options {
  cacertfile = "%[1]s/ca.pem"
  certfile = "%[1]s/broker.pem"
  keyfile = "%[1]s/broker.key"
  verify = verify_peer
  fail_if_no_peer_cert = true
}
`

// emqx writes terms for acl.conf (EMQX 5), and settings for emqx.conf. EMQX puts a user name into a filter as it is, so
// that one with a wildcard in it would be a filter for others: the rules are for user names of the form SITE/AGENT
// only.
func emqx(o Options) ([]File, error) {
	list := func(who string, by wire.Party) string {
		var topics []string
		for _, r := range wire.Rules() {
			if r.By == by {
				topics = append(topics, fmt.Sprintf("%q", topic(who, r)))
			}
		}
		return "[" + strings.Join(topics, ", ") + "]"
	}
	const agents = `{username, {re, "^[A-Za-z0-9_-]+/[A-Za-z0-9_-]+$"}}`
	var acl strings.Builder
	acl.WriteString("%% Lanewarden: who may use which topic. lanehub broker-rules --for emqx wrote it.\n")
	fmt.Fprintf(&acl, "{allow, {username, %q}, subscribe, %s}.\n", o.Hub, list(all, wire.Agent))
	fmt.Fprintf(&acl, "{allow, {username, %q}, publish, %s}.\n", o.Hub, list(all, wire.Hub))
	fmt.Fprintf(&acl, "{allow, %s, publish, %s}.\n", agents, list("${username}", wire.Agent))
	fmt.Fprintf(&acl, "{allow, %s, subscribe, %s}.\n", agents, list("${username}", wire.Hub))
	for i, r := range o.Readers {
		if i == 0 {
			fmt.Fprintf(&acl, "{allow, {username, %q}, publish, [\"%s/#\"]}.\n", o.Hub, wire.JSONVersion)
		}
		fmt.Fprintf(&acl, "{allow, {username, %q}, subscribe, [\"%s/#\"]}.\n", r, wire.JSONVersion)
	}
	acl.WriteString("{deny, all}.\n")
	return []File{{"acl.conf", acl.String()}, {"lanewarden.conf", fmt.Sprintf(emqxSettings, o.Dir, wire.MaxPayload>>10+64)}}, nil
}
