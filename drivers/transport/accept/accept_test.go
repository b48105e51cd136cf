package accept

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Two clients are served at once, and both are closed when the context ends.
func TestAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	l := listen(t)
	ended := make(chan error, 1)
	go func() {
		ended <- AtOnce(ctx, l, func(c net.Conn) {
			io.WriteString(c, "hello\n")
			io.Copy(io.Discard, c)
		})
	}()
	var clients []*bufio.Reader
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := bufio.NewReader(c)
		if line, err := r.ReadString('\n'); err != nil || line != "hello\n" {
			t.Fatalf("%q %v", line, err)
		}
		clients = append(clients, r)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, r := range clients {
		if _, err := r.ReadByte(); err == nil {
			t.Error("a connection outlives the context")
		}
	}
}

func TestInTurnReportsWhyItEnds(t *testing.T) {
	l := listen(t)
	l.Close()
	if err := InTurn(t.Context(), l, func(net.Conn) {}); err == nil {
		t.Error("a listener that is closed by another is no error")
	}
}
