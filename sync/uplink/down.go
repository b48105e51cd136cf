package uplink

import (
	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/sync/wire"
)

// Down takes what comes down from the centre over the uplink's connection. Its methods do not wait.
type Down interface {
	// Leaves lists the topics, by their last level, that it wants to hear.
	Leaves() []string
	// Attach gives it a connection, once the topics are subscribed to. publish sends a payload on a topic of the agent's
	// own and may be called from any goroutine, until Detach.
	Attach(publish func(leaf string, payload []byte) error)
	// Detach takes the connection away.
	Detach()
	// Receive takes a payload that came on one of its topics.
	Receive(leaf string, payload []byte)
}

// attachDown subscribes to the topics of Options.Down and attaches it. A broker that does not let the agent hear them, as
// one whose rules are of an older version, is no reason to lose the link: rows go on.
func (s *session) attachDown() {
	down := s.opts.Down
	if down == nil {
		return
	}
	for _, leaf := range down.Leaves() {
		topic := wire.Topic(s.id.Site, s.id.Agent, leaf)
		token := s.client.Subscribe(topic, 0, func(_ mqtt.Client, m mqtt.Message) { down.Receive(leaf, m.Payload()) })
		err := wire.Await(token, connectWait)
		if sub, ok := token.(*mqtt.SubscribeToken); err != nil || ok && sub.Result()[topic] == subscriptionRefused {
			s.opts.Log.Warn("the broker does not let this agent hear what the centre sends down: its rules are of an older version",
				"topic", topic, "err", err)
			return
		}
	}
	down.Attach(func(leaf string, payload []byte) error {
		return s.send(wire.Topic(s.id.Site, s.id.Agent, leaf), payload)
	})
}

// subscriptionRefused is a broker's answer to a subscription that it does not grant (MQTT 3.1.1, 3.9.3).
const subscriptionRefused = 0x80

// detachDown takes the connection away from Options.Down.
func (s *session) detachDown() {
	if s.opts.Down != nil {
		s.opts.Down.Detach()
	}
}
