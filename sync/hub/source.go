package hub

import "context"

// source is a broker as the hub uses it: embedded, external, or the NATS servers of a cluster.
type source interface {
	// run delivers messages to in until ctx ends or the broker is lost.
	run(ctx context.Context, in *inbox) error
	// publish sends an acknowledgement.
	publish(topic string, payload []byte) error
	close() error
}
