// Package broker connects MQTT clients to a broker and tells when the connection is lost. It imports none of ours, so
// that drivers, the link to the hub and the hub can use it.
package broker

import (
	"context"
	"errors"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// ErrNoAnswer means that what is at the broker's address accepted a connection and then said nothing.
var ErrNoAnswer error = refusal{"broker.no-answer", errors.New("no answer from the broker")}

// Wait waits for a token, which paho completes with an error when the client's time-outs pass. What a broker refuses
// has a sentence for message.Of.
func Wait(t mqtt.Token, timeout time.Duration) error {
	if !t.WaitTimeout(timeout) {
		return ErrNoAnswer
	}
	return explain(t.Error())
}

// Connect connects a client once: options must not ask for reconnecting. It waits twice their ConnectTimeout at most,
// for the connection and for the broker's answer, or until ctx ends. lost then gets why the connection ended, unless
// the client was disconnected by its owner. The caller disconnects the client; after an error that is done already.
func Connect(ctx context.Context, o *mqtt.ClientOptions) (client mqtt.Client, lost <-chan error, err error) {
	ended := make(chan error, 1)
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		select {
		case ended <- err:
		default: // the first reason counts
		}
	})
	client = mqtt.NewClient(o)
	token := client.Connect()
	timer := time.NewTimer(2 * o.ConnectTimeout)
	defer timer.Stop()
	select {
	case <-token.Done():
		err = explain(token.Error())
	case <-timer.C:
		err = ErrNoAnswer
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		client.Disconnect(0)
		return nil, nil, err
	}
	return client, ended, nil
}
