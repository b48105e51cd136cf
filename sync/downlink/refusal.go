package downlink

import (
	"errors"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/drivers/message"
)

// refusals are the messages of what is refused for good, as opposed to what may succeed when it is tried again.
var refusals = []string{
	"orders.too-large", "orders.truncated", "orders.malformed", "orders.not-ours", "orders.threshold", "orders.delegation",
	"orders.delegations", "orders.deep", "orders.signatures", "orders.rolled-back", "orders.root-version", "orders.expired",
	"orders.mixed", "orders.wrong-hash", "orders.foreign", "orders.disk", "orders.apply",
}

// refusalOf returns the code under which an error is journalled, "expired"; "" for one that is no refusal.
func refusalOf(err error) string {
	for _, code := range refusals {
		if message.Of(err).Is(code) {
			return strings.TrimPrefix(code, "orders.")
		}
	}
	return ""
}

// refused says in our words why go-tuf does not accept a role's metadata.
func refused(err error, role string) error {
	file := message.String("file", role)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		return message.Wrap(err, "orders.expired", file)
	case errors.Is(err, &metadata.ErrUnsignedMetadata{}):
		return message.Wrap(err, "orders.signatures", file)
	case errors.Is(err, &metadata.ErrBadVersionNumber{}) && role == metadata.ROOT:
		return message.Wrap(err, "orders.root-version", file)
	case errors.Is(err, &metadata.ErrBadVersionNumber{}):
		return message.Wrap(err, "orders.rolled-back", file)
	case errors.Is(err, &metadata.ErrLengthOrHashMismatch{}):
		return message.Wrap(err, "orders.mixed", file)
	}
	return message.Wrap(err, "orders.malformed", file)
}
