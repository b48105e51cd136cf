package broker

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/transport/accept"
)

// mute listens, accepts connections and says nothing, until the test ends. It returns the address.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- accept.AtOnce(ctx, l, func(net.Conn) { <-ctx.Done() }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "tcp://" + l.Addr().String()
}

func options(url string, timeout time.Duration) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetAutoReconnect(false).SetConnectTimeout(timeout)
}

func TestConnectToWhatIsNoBroker(t *testing.T) {
	if _, _, err := Connect(t.Context(), options(mute(t), 50*time.Millisecond)); err == nil {
		t.Error("connected to what says nothing")
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := Connect(ctx, options(mute(t), time.Minute))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
