package drivertest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/transport"
)

// given are the addresses that FreeAddress gave.
var given sync.Map

// FreeAddress returns an address, HOST:PORT, on which nobody listens, another one each time: the system gives a port that was closed again.
func FreeAddress(t testing.TB) string {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		if _, again := given.LoadOrStore(address, true); !again {
			return address
		}
	}
}

// retryPause is between two runs of a driver that Supervise runs.
const retryPause = 50 * time.Millisecond

// Supervise makes a driver, without tape, and runs it again and again until ctx ends or stop is called, as its supervisor does.
func Supervise(ctx context.Context, t testing.TB, spec driver.Spec, settings any) (d driver.Driver, sink *Sink, stop func()) {
	links, err := transport.NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = spec.New(settings, driver.Env{Device: "device", Links: links}); err != nil {
		t.Fatal(err)
	}
	sink = NewSink()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := d.Run(ctx, sink); err != nil && ctx.Err() == nil {
				<-time.After(retryPause)
			}
		}
	}()
	return d, sink, func() { cancel(); <-done }
}
