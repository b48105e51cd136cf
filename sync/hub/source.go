package hub

import "context"

// source is a broker as the hub uses it: embedded, or external.
type source interface {
	// run delivers messages to in until ctx ends or the broker is lost.
	run(ctx context.Context, in chan<- incoming) error
	// publish sends an acknowledgement.
	publish(topic string, payload []byte) error
	close() error
}

// incoming is a message on its way to the ledger.
type incoming struct {
	topic    string
	payload  []byte
	onCommit func() // called when the message is filed; may be nil
}
