package plate

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/transport/broker"
)

// MQTT is a broker to which cameras and readers publish events: ONVIF Profile M, Frigate, ... Broker is mqtt:// or,
// with TLS, mqtts://. PasswordFile holds the password of User alone.
type MQTT struct {
	Broker       string `yaml:"broker" required:"true" format:"broker" example:"mqtt://192.0.2.40:1883"`
	Topic        string `yaml:"topic" default:"+/onvif-ej/RuleEngine/Recognition/LicensePlate/#"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file" format:"file"`
}

const (
	// mqttTimeout is for connecting and for subscribing.
	mqttTimeout = 10 * time.Second
	// mqttQueue is messages that wait for the journal; the broker keeps the others, as none is acknowledged before.
	mqttQueue = 64
)

// run commits events until ctx ends or the connection is lost, which is an error. A message is acknowledged to the
// broker when it is durable: the session is kept there under the agent's name, and what could not be committed comes
// again. One that can never be read, or holds nothing, is acknowledged too, or it would come for ever. run calls
// ready once it has subscribed.
func (m *MQTT) run(ctx context.Context, ready func(), device string, tape *transport.Tape,
	commit func(context.Context, []byte) error) error {
	messages := make(chan mqtt.Message, mqttQueue)
	o := mqtt.NewClientOptions().AddBroker(strings.Replace(m.Broker, "mqtt://", "tcp://",
		1)).SetClientID("lanewarden-" + device).SetCleanSession(false).
		SetAutoReconnect(false).SetConnectTimeout(mqttTimeout).SetAutoAckDisabled(true).SetOrderMatters(true).
		SetUsername(m.User).
		SetDefaultPublishHandler(func(_ mqtt.Client, msg mqtt.Message) {
			select {
			case messages <- msg:
			case <-ctx.Done():
			}
		})
	if m.PasswordFile != "" {
		text, err := os.ReadFile(m.PasswordFile)
		if err != nil {
			return err
		}
		o.SetPassword(strings.TrimSpace(string(text)))
	}
	if strings.HasPrefix(m.Broker, "mqtt://") { // with TLS there is nothing to read on a tape
		o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: mqttTimeout}).DialContext(ctx, "tcp", u.Host)
			if err != nil {
				return nil, err
			}
			return tape.Conn(c, transport.Tap{Secret: o.Password}), nil
		})
	}
	client, lost, err := broker.Connect(ctx, o)
	if err != nil {
		return message.Wrap(err, "plate.broker", message.String("broker", m.Broker))
	}
	defer client.Disconnect(100)
	if err := broker.Wait(client.Subscribe(m.Topic, 1, nil), mqttTimeout); err != nil {
		return message.Wrap(err, "plate.broker", message.String("broker", m.Broker))
	}
	ready()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-lost:
			return message.Wrap(err, "plate.broker", message.String("broker", m.Broker))
		case msg := <-messages:
			if err := commit(ctx, msg.Payload()); err != nil && !isBad(err) && !errors.Is(err, transport.ErrNothing) {
				return err
			}
			msg.Ack()
		}
	}
}
