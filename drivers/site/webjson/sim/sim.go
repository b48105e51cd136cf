// Package sim simulates a device that answers with JSON over HTTP.
package sim

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"lanewarden/drivers/transport"
)

// Device answers every GET with its document. The zero Device answers 503, as one that is starting. Its methods may
// be called while it serves.
type Device struct {
	mu    sync.Mutex
	doc   []byte
	asked int
	heard chan struct{} // closed at the next question; nil when nobody waits for one
}

// Say sets what it answers; nil makes it answer 503.
func (d *Device) Say(doc []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doc = doc
}

// WaitAsked waits until it was asked n times more. It returns ctx's error when that ends first.
func (d *Device) WaitAsked(ctx context.Context, n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for until := d.asked + n; d.asked < until; {
		if d.heard == nil {
			d.heard = make(chan struct{})
		}
		heard := d.heard
		d.mu.Unlock()
		select {
		case <-heard:
		case <-ctx.Done():
		}
		d.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (d *Device) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.heard != nil {
		close(d.heard)
		d.heard = nil
	}
	if d.doc == nil {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(d.doc) // whoever asked may be gone
}

// headerTimeout bounds how long a client may take for its question.
const headerTimeout = 5 * time.Second

// Serve answers at an address, HOST:PORT, until ctx ends. An address that is taken is an error.
func (d *Device) Serve(ctx context.Context, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return transport.ServeHTTP(ctx, &http.Server{Handler: d, ReadHeaderTimeout: headerTimeout}, l, 0)
}
