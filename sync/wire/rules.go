package wire

import "strings"

// HubKeyName is the name of all hubs' signing keys (Ack.hub_key).
const HubKeyName = "lanewarden/hub"

// JSONVersion begins the topics on which the hub publishes events as plain JSON, for those who subscribe. Nobody else may
// publish there, and agents may not read them.
const JSONVersion = "lwjson1"

// JSONTopic returns the topic of an event of a class and a kind: lwjson1/SITE/AGENT/alarm/radiation/occupancy.
func JSONTopic(site, agent, class, kind string) string {
	return JSONVersion + "/" + site + "/" + agent + "/" + class + "/" + strings.ReplaceAll(kind, ".", "/")
}

// Party is one end of the wire.
type Party int

// The parties.
const (
	Agent Party = iota // each on its own topics
	Hub                // on those of all agents
)

// Rule is one row of the table of topics.
type Rule struct {
	Leaf   string
	By     Party // who publishes; the other one subscribes
	State  bool  // only the newest message counts: it is retained
	Serves string
}

// Rules is the table of topics: who may publish and subscribe where. Everything else is forbidden. The permissions of
// the embedded broker, the subscriptions of the hub and the rules for brokers of others are made from it.
func Rules() []Rule {
	return []Rule{
		{Leaf: LeafHello, By: Agent, Serves: "the first message of each connection"},
		{Leaf: "a", By: Agent, Serves: "alarms"},
		{Leaf: "e", By: Agent, Serves: "events"},
		{Leaf: "t", By: Agent, Serves: "telemetry"},
		{Leaf: LeafChunk, By: Agent, Serves: "parts of images and documents"},
		{Leaf: LeafRenew, By: Agent, Serves: "requests for the next certificate"},
		{Leaf: LeafGet, By: Agent, Serves: "what the agent asks for of lists, settings and firmware"},
		{Leaf: LeafState, By: Agent, State: true, Serves: "how the agent is"},
		{Leaf: LeafAck, By: Hub, Serves: "the hub's answers"},
		{Leaf: LeafPart, By: Hub, Serves: "parts of lists, settings and firmware"},
		{Leaf: LeafOrder, By: Hub, Serves: "signed commands"},
	}
}

// Leaves returns the last levels of the topics on which a party publishes.
func Leaves(by Party) (leaves []string) {
	for _, r := range Rules() {
		if r.By == by {
			leaves = append(leaves, r.Leaf)
		}
	}
	return leaves
}

// UpLeaves lists the last levels of the topics on which agents speak and the hub listens, but for state.
func UpLeaves() (leaves []string) {
	for _, r := range Rules() {
		if r.By == Agent && !r.State {
			leaves = append(leaves, r.Leaf)
		}
	}
	return leaves
}
