package message_test

import (
	"fmt"
	"io"

	"lanewarden/drivers/message"
)

// A driver returns an error of the catalogue; pages and programs say it in the reader's language.
func Example() {
	err := message.Wrap(io.EOF, "within", message.String("where", "rpm-1"))
	fmt.Println(err)
	fmt.Println(closed(err), message.Of(err).In(message.French) != "")
	// Output:
	// rpm-1: the other side closed the connection
	// true true
}

func closed(err error) bool { return message.Of(err).Is("system.closed") }
