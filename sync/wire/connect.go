package wire

import (
	"context"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/transport/broker"
	"lanewarden/drivers/transport/wait"
)

// Connect connects to a broker once; o is what Broker.Options made. It waits twice the ConnectTimeout of o at most. lost
// then gets why the connection ended, unless its owner disconnected the client, which the caller must do in the end.
// Agents and hub connect by it, and wait by the functions below, so that both ends of the link treat a broker alike.
func Connect(ctx context.Context, o *mqtt.ClientOptions) (client mqtt.Client, lost <-chan error, err error) {
	return broker.Connect(ctx, o)
}

// Await waits until the broker has answered what a token stands for, at most for timeout. It returns what the broker
// refused, or that it did not answer in time.
func Await(t mqtt.Token, timeout time.Duration) error { return broker.Wait(t, timeout) }

// Pause waits for d, or until ctx ends: nil when the time is over, the cause of ctx's end otherwise.
func Pause(ctx context.Context, d time.Duration) error { return wait.For(ctx, d) }

// NewBackoff spaces out attempts to reach the other end: pauses that grow from shortest to longest, each drawn at
// random around its length, so that agents that lost the same hub do not come back at the same moment.
func NewBackoff(shortest, longest time.Duration) *wait.Backoff {
	return wait.NewBackoff(shortest, longest)
}
