package wire

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// refusing is a dialer that refuses, and notes the address.
type refusing struct{ address string }

var errRefusing = errors.New("refused by the test")

func (r *refusing) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	r.address = address
	return nil, errRefusing
}

// A broker's own dialer makes its connections, those of the client as those of probes.
func TestDialer(t *testing.T) {
	d := &refusing{}
	b := Broker{URL: "mqtt://hub.example:1883", Dialer: d, KeepAlive: time.Minute}
	if _, err := b.Dial(t.Context()); !errors.Is(err, errRefusing) || d.address != "hub.example:1883" {
		t.Errorf("%v, %s", err, d.address)
	}
	o, err := b.Options("test")
	if err != nil {
		t.Fatal(err)
	}
	d.address = ""
	if _, _, err := Connect(t.Context(), o); err == nil || d.address != "hub.example:1883" {
		t.Errorf("%v, %s", err, d.address)
	}
}
