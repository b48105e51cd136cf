package api

import (
	"context"
	"net"
	"net/http"
	"time"

	"lanewarden/drivers/transport"
)

// Serve serves an API on a listener until ctx ends, as both consoles do: then it closes the listener, lets the requests
// that are being answered go on for grace, and closes their connections. It returns nil when ctx ended, and otherwise
// why the server did. With more than one listener, the server stops for all of them when the ctx of one ends.
func Serve(ctx context.Context, srv *http.Server, l net.Listener, grace time.Duration) error {
	return transport.ServeHTTP(ctx, srv, l, grace)
}
