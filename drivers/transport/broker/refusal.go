package broker

import (
	"errors"
	"iter"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// refusal is why a broker does not take a client: the code of a sentence in the catalogue, which message.Of finds by
// the methods below, and the client library's error.
type refusal struct {
	code string
	err  error
}

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

// MessageCode and MessageArgs are for message.Of.
func (r refusal) MessageCode() string { return r.code }

// MessageArgs yields nothing: these sentences have no arguments.
func (r refusal) MessageArgs() iter.Seq2[string, any] { return func(func(string, any) bool) {} }

// refusals are the return codes of MQTT 3.1.1 (3.2.2.3) in the words of the client library.
var refusals = []refusal{
	{"broker.version", packets.ErrorRefusedBadProtocolVersion},
	{"broker.id", packets.ErrorRefusedIDRejected},
	{"broker.unavailable", packets.ErrorRefusedServerUnavailable},
	{"broker.credentials", packets.ErrorRefusedBadUsernameOrPassword},
	{"broker.not-allowed", packets.ErrorRefusedNotAuthorised},
	{"broker.violation", packets.ErrorProtocolViolation},
}

// explain gives a refusal its sentence, and leaves off what the client library puts before an error of the network.
func explain(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return refusal{r.code, err}
		}
	}
	if !errors.Is(err, packets.ErrorNetworkError) {
		return err
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, cause := range several.Unwrap() {
			if cause != nil && cause != packets.ErrorNetworkError {
				return cause
			}
		}
	}
	return refusal{"broker.ended", err} // the library knows no more
}
