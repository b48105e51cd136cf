package peers

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/transport/broker"
)

// Settings by mosquitto.conf(5) of 2.0, Debian's page.
var mosquittoKind = Kind{
	Name: "Mosquitto bridge",
	Settings: []string{
		"Bridge: QoS 1, cleansession false, restart_timeout 1 (a constant second, the shortest), MQTT 3.1.1.",
		"Both brokers: persistence true, max_queued_messages 0 and max_queued_bytes 0 (nothing is dropped), " +
			"max_inflight_messages 1000 (default 20), set_tcp_nodelay true.",
		"autosave_interval: 1 s at the centre, whose queue is short; 30 s at the lane, as the whole database is " +
			"written each time, and once more (SIGUSR1) at the end of the outage.",
	},
	Missing: func(context.Context) error { return peer.Mosquitto.Check() },
	New:     func() Peer { return &mosquitto{} },
}

// mosquitto is a broker at the lane that bridges to one at the centre.
type mosquitto struct {
	lane *part
}

// topic is the topic of all observations.
const topic = "lane/observations"

// mosquittoConf is what both brokers have: address, folder, seconds between two saves.
const mosquittoConf = `
listener %s %s
allow_anonymous true
user root
persistence true
persistence_location %s/
autosave_interval %d
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 1000
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
`

// bridgeConf is what the lane's has beyond: the address of the link.
const bridgeConf = `
connection centre
address %s
topic lane/# out 1
cleansession false
remote_clientid lane-1
restart_timeout 1
notifications false
`

// Start implements Peer.
func (m *mosquitto) Start(_ context.Context, r *rig) (err error) {
	if _, err = m.broker(r, atCentre, r.centre, 1, ""); err != nil {
		return err
	}
	if err := r.writer("mqtt://" + r.centre); err != nil {
		return err
	}
	m.lane, err = m.broker(r, atLane, r.lane, 30, fmt.Sprintf(bridgeConf, r.link.From))
	return err
}

// broker starts a broker.
func (m *mosquitto) broker(r *rig, where, address string, autosave int, more string) (*part, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(mosquittoConf, port, host, r.path(where), autosave) + more
	conf := r.path(where + ".conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return r.part(where, "mosquitto "+where, peer.MosquittoPath(), []string{"-c", conf})
}

// fillFlying is how many messages are in flight to the lane's broker.
const fillFlying = 1000

// Fill implements Peer.
func (m *mosquitto) Fill(ctx context.Context, r *rig, from, to int) error {
	if err := subscribed(ctx, r.centre); err != nil {
		return err
	}
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + r.lane).SetClientID("filler").
		SetConnectRetry(true).SetConnectRetryInterval(writerRetry))
	if err := broker.Wait(c.Connect(), proofTime); err != nil {
		return err
	}
	defer c.Disconnect(100)
	var flying []mqtt.Token
	for ; from < to || len(flying) > 0; from++ {
		if len(flying) == fillFlying || from >= to {
			if err := broker.Wait(flying[0], proofTime); err != nil {
				return err
			}
			flying = flying[1:]
		}
		if from < to {
			b, err := payload(numbered(from))
			if err != nil {
				return err
			}
			flying = append(flying, c.Publish(topic, 1, false, b))
		}
	}
	m.lane.Signal(syscall.SIGUSR1)
	return ctx.Err()
}

// subscribed waits until the writer's session exists at the centre: what comes before is for nobody.
func subscribed(ctx context.Context, address string) error {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID("looker").
		SetConnectRetry(true).SetConnectRetryInterval(writerRetry))
	if err := broker.Wait(c.Connect(), proofTime); err != nil {
		return err
	}
	defer c.Disconnect(100)
	seen := make(chan string, 16)
	c.Subscribe("$SYS/broker/subscriptions/count", 0, func(_ mqtt.Client, m mqtt.Message) {
		select {
		case seen <- string(m.Payload()):
		default:
		}
	})
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	for {
		select {
		case n := <-seen:
			if n != "0" && n != "1" { // one is the looker's own
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("the writer did not subscribe: %w", ctx.Err())
		}
	}
}

// Arrivals implements Peer.
func (m *mosquitto) Arrivals(r *rig) (arrivals, error) { return openLog(r.log(), payloadTime) }
