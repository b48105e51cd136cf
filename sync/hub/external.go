package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/sync/wire"
)

// externalRetry is the pause before a lost broker is connected again. externalKeepAlive is the MQTT
// keep-alive where the broker's settings name none: a broker closes a connection that is silent for
// one and a half times as long (MQTT 3.1.1, 3.1.2.10).
const (
	externalRetry     = time.Second
	externalKeepAlive = 20 * time.Second
)

// external uses a broker that is already running: Mosquitto, EMQX, HiveMQ.
// What the hub does not take in is with the agents, which send it again after their timeout.
type external struct {
	broker wire.Broker
	id     string
	log    *slog.Logger

	mu     sync.Mutex
	client mqtt.Client // nil while not connected
}

// newExternal returns the source of an existing broker. It does not connect yet; errors are wrong
// settings. The client id gets a random suffix, as a broker disconnects a client whose id another
// one uses.
func newExternal(b wire.Broker, log *slog.Logger) (*external, error) {
	if b.KeepAlive == 0 {
		b.KeepAlive = externalKeepAlive
	}
	suffix := make([]byte, 4)
	rand.Read(suffix)
	e := &external{broker: b, id: fmt.Sprintf("lanehub-%x", suffix), log: log}
	_, err := b.Options(e.id) // a wrong setting is an error now, not for ever after
	return e, err
}

// run delivers messages to in until ctx ends, and returns ctx's error. A broker that is lost, or
// that cannot be reached, is tried again for ever.
func (e *external) run(ctx context.Context, in *inbox) error {
	for {
		err := e.connection(ctx, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.log.Warn("broker is lost", "broker", e.broker.URL, "reason", err)
		if err := wire.Pause(ctx, externalRetry); err != nil {
			return err
		}
	}
}

// connection makes one connection and delivers until it is lost. It returns why. States are
// subscribed with QoS 1, as they are retained and come once; everything else with QoS 0, as the
// ledger's acknowledgement is the only one that counts.
func (e *external) connection(ctx context.Context, in *inbox) error {
	o, err := e.broker.Options(e.id)
	if err != nil {
		return err
	}
	client, lost, err := wire.Connect(ctx, o)
	if err != nil {
		return err
	}
	defer client.Disconnect(uint(publishGrace.Milliseconds() / 8))
	filters := map[string]byte{wire.Topic("+", "+", wire.LeafState): 1}
	for _, leaf := range wire.UpLeaves() {
		filters[wire.Topic("+", "+", leaf)] = 0
	}
	// The handler waits for room: that holds up this client's reading, and with it the broker's sending.
	token := client.SubscribeMultiple(filters, func(_ mqtt.Client, m mqtt.Message) {
		in.put(ctx, incoming{topic: m.Topic(), payload: m.Payload(), retained: m.Retained()})
	})
	if err := wire.Await(token, 2*o.ConnectTimeout); err != nil {
		return err
	}
	e.log.Info("connected to broker", "broker", e.broker.URL)
	e.setClient(client)
	defer e.setClient(nil)
	select {
	case err := <-lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// setClient sets the connection that publish uses; nil while there is none.
func (e *external) setClient(c mqtt.Client) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.client = c
}

var errNoBroker = errors.New("not connected to the broker")

// publish sends without waiting for the broker. An acknowledgement that is lost with the connection
// is replaced by the answer to the agent's next hello.
func (e *external) publish(topic string, payload []byte) error {
	e.mu.Lock()
	client := e.client
	e.mu.Unlock()
	if client == nil {
		return errNoBroker
	}
	token := client.Publish(topic, 0, false, payload)
	select {
	case <-token.Done():
		return token.Error()
	default:
		return nil
	}
}

func (e *external) close() error { return nil }
