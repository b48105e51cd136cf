package brokerrules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/cluster"
	"lanewarden/sync/wire"
)

// byCertificate stands in Options.Agents for an agent that shows a certificate.
const byCertificate = "certificate"

// natsServer writes two files that a nats-server.conf includes, a listener and an account, in which agents' topics are
// mapped to those of partitions (package cluster), with the hub and each agent as users. A NATS server has no patterns
// with user names in them, so each agent is named, and is let onto its own partition alone. Users' permissions are for
// the mapped subjects: a server maps what comes by MQTT before it looks.
func natsServer(o Options) ([]File, error) {
	certificates, err := oneCredential(o)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# Lanewarden: for nats-server.conf (include lanewarden-nats.conf and lanewarden-mqtt.conf). " +
		"lanehub broker-rules --for nats wrote it.\n")
	fmt.Fprintf(&b, "max_payload: %d\n", wire.MaxPayload+64<<10)
	b.WriteString("accounts {\n  LANEWARDEN {\n    jetstream: enabled\n    mappings {\n")
	for _, leaf := range mapped() {
		from, to := cluster.Mapping(leaf)
		fmt.Fprintf(&b, "      %q: %q\n", from, to)
	}
	b.WriteString("    }\n    users: [\n")
	if certificates {
		fmt.Fprintf(&b, "      {user: %q, %s}\n", "CN="+o.Hub, hubPermissions())
	} else {
		fmt.Fprintf(&b, "      {user: %q, password: $LANEHUB_PASSWORD, %s}\n", o.Hub, hubPermissions())
	}
	for _, name := range slices.Sorted(maps.Keys(o.Agents)) {
		site, agent, _ := strings.Cut(name, "/")
		who := fmt.Sprintf("user: %q, password: %q", name, o.Agents[name])
		if certificates {
			who = fmt.Sprintf("user: %q", "CN="+name)
		}
		fmt.Fprintf(&b, "      {%s, allowed_connection_types: [\"MQTT\"], %s}\n", who, agentPermissions(site, agent))
	}
	b.WriteString("    ]\n  }\n}\n")
	tls := fmt.Sprintf("  tls {cert_file: %q, key_file: %q, ca_file: %q%s}\n", o.Dir+"/broker.pem", o.Dir+"/broker.key",
		o.Dir+"/ca.pem", map[bool]string{true: ", verify_and_map: true"}[certificates])
	return []File{
		{"lanewarden-nats.conf", b.String()},
		{"lanewarden-mqtt.conf", "# Lanewarden: the listener for agents. lanehub broker-rules --for nats wrote it.\n" +
			"mqtt {\n  port: 8883\n" + tls + "}\n"},
	}, nil
}

// oneCredential reports whether all agents show certificates; that some do and some do not is an error.
func oneCredential(o Options) (certificates bool, err error) {
	if len(o.Agents) == 0 {
		return false, message.Errorf("rules.agents")
	}
	n := 0
	for _, shows := range o.Agents {
		if shows == byCertificate {
			n++
		}
	}
	if n > 0 && n < len(o.Agents) {
		return false, message.Errorf("rules.mixed", message.String("file", o.File))
	}
	return n > 0, nil
}

// mapped lists the leaves whose topics are divided into partitions: all on which agents speak to the hub that serves
// them. States are heard by all hubs, and a request for a certificate by one that issues them.
func mapped() []string {
	return slices.DeleteFunc(wire.UpLeaves(), func(leaf string) bool { return leaf == wire.LeafRenew })
}

// hubPermissions lets a hub hear all partitions, states and requests, answer agents, and speak with other hubs.
func hubPermissions() string {
	hear := []string{
		cluster.Filter("*"), subjectOf("*", "*", wire.LeafState), subjectOf("*", "*", wire.LeafRenew),
		cluster.Beats, "_INBOX.>",
	}
	var say []string
	for _, leaf := range wire.Leaves(wire.Hub) {
		say = append(say, subjectOf("*", "*", leaf))
	}
	return permissions(append(say, cluster.Beats), hear)
}

// agentPermissions lets an agent publish what agents say, on its own partition where topics are mapped, and read what
// the hub answers.
func agentPermissions(site, agent string) string {
	var say, hear []string
	for _, leaf := range mapped() {
		say = append(say, cluster.Subject(site, agent, leaf))
	}
	say = append(say, subjectOf(site, agent, wire.LeafState), subjectOf(site, agent, wire.LeafRenew))
	for _, leaf := range wire.Leaves(wire.Hub) {
		hear = append(hear, subjectOf(site, agent, leaf))
	}
	return permissions(say, hear)
}

func permissions(publish, subscribe []string) string {
	quoted := func(subjects []string) string {
		out := make([]string, len(subjects))
		for i, s := range subjects {
			out[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	return "permissions: {publish: " + quoted(publish) + ", subscribe: " + quoted(subscribe) + "}"
}

// subjectOf returns the topic of an agent as NATS names it.
func subjectOf(site, agent, leaf string) string {
	return strings.ReplaceAll(wire.Topic(site, agent, leaf), "/", ".")
}
