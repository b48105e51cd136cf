package wire

import (
	"fmt"
	"strings"

	"lanewarden/drivers/observation"
)

// Version is the first level of every topic.
const Version = "lw1"

// The last levels of the topics. Short, because MQTT 3.1.1 repeats them on every message.
const (
	LeafHello = "hello"
	LeafAck   = "ack"
	LeafState = "state"
	LeafChunk = "x"
	LeafRenew = "renew"
	LeafGet   = "get"
	LeafPart  = "cfg"
	LeafOrder = "cmd"
)

// leaves are the last levels of the classes' topics.
var leaves = map[observation.Class]string{
	observation.Class_CLASS_ALARM:     "a",
	observation.Class_CLASS_EVENT:     "e",
	observation.Class_CLASS_TELEMETRY: "t",
}

// Topic returns an agent's topic lw1/SITE/AGENT/LEAF.
func Topic(site, agent, leaf string) string {
	return Version + "/" + site + "/" + agent + "/" + leaf
}

// ClassTopic returns the topic of an agent's batches of a class. Classes have topics of their own
// so that a broker can grant them one by one.
func ClassTopic(site, agent string, class observation.Class) string {
	return Topic(site, agent, ClassLeaf(class))
}

// ClassLeaf returns the last level of the topic of a class.
func ClassLeaf(class observation.Class) string { return leaves[class] }

// maxName bounds the names of sites and agents, in bytes: the hub keeps many of them.
const maxName = 200

// ParseTopic splits an agent's topic lw1/SITE/AGENT/LEAF. The leaf may be any.
func ParseTopic(topic string) (site, agent, leaf string, err error) {
	p := strings.Split(topic, "/")
	if len(p) != 4 || p[0] != Version || p[1] == "" || p[2] == "" || p[3] == "" {
		return "", "", "", fmt.Errorf("topic %.100q is not %s/SITE/AGENT/LEAF", topic, Version)
	}
	if len(p[1]) > maxName || len(p[2]) > maxName {
		return "", "", "", fmt.Errorf("topic %.100q: a name of a site or agent is longer than %d bytes", topic, maxName)
	}
	return p[1], p[2], p[3], nil
}
