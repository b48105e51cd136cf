package broker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"lanewarden/drivers/message"
	"lanewarden/drivers/transport/accept"
)

// answering accepts connections and answers what comes first with so many bytes. It returns the address.
func answering(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- accept.AtOnce(t.Context(), l, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write(answer)
		})
	}()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "tcp://" + l.Addr().String()
}

// connack is a broker's answer with a return code (MQTT 3.1.1, 3.2).
func connack(code byte) []byte { return []byte{0x20, 2, 0, code} }

// What a broker answers is worded in the reader's language, and stays the client library's error.
func TestRefusalsInWords(t *testing.T) {
	for _, c := range []struct {
		answer []byte
		code   string
		is     error
	}{
		{connack(1), "broker.version", packets.ErrorRefusedBadProtocolVersion},
		{connack(2), "broker.id", packets.ErrorRefusedIDRejected},
		{connack(3), "broker.unavailable", packets.ErrorRefusedServerUnavailable},
		{connack(4), "broker.credentials", packets.ErrorRefusedBadUsernameOrPassword},
		{connack(5), "broker.not-allowed", packets.ErrorRefusedNotAuthorised},
		{nil, "system.closed", io.EOF},
	} {
		_, _, err := Connect(t.Context(), options(answering(t, c.answer), 10*time.Second))
		if m := message.Of(err); m.Code != c.code || !message.Known(c.code) {
			t.Errorf("%x: %v: %+v", c.answer, err, m)
		}
		if !errors.Is(err, c.is) {
			t.Errorf("%x: %v is not %v", c.answer, err, c.is)
		}
	}
}

// What the client library puts before an error of the network is left off, so that the error is worded as others are.
func TestNetworkErrorOfBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	where := l.Addr().String()
	l.Close()
	_, _, err = Connect(t.Context(), options("tcp://"+where, 10*time.Second))
	if m := message.Of(err); m.Code != "net.refused" {
		t.Errorf("%v: %+v", err, m)
	}
	if err := explain(fmt.Errorf("%w : %w", packets.ErrorNetworkError, io.EOF)); err != io.EOF {
		t.Error(err)
	}
	if m := message.Of(explain(packets.ErrorNetworkError)); m.Code != "broker.ended" {
		t.Errorf("%+v", m)
	}
	if m := message.Of(ErrNoAnswer); m.Code != "broker.no-answer" {
		t.Errorf("%+v", m)
	}
}
