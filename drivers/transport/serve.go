package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// ServeHTTP serves HTTP on a listener until ctx ends. Then it closes the listener, lets the requests that are being
// answered go on for grace, and closes their connections. Their contexts are the server's (BaseContext). It returns nil
// when ctx ended, and otherwise why the server did. For TLS, the listener is one of crypto/tls: a server may then have
// another listener without. It stops for all of them when one's ctx ends.
func ServeHTTP(ctx context.Context, srv *http.Server, l net.Listener, grace time.Duration) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if srv.Shutdown(limit) != nil {
			srv.Close()
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	if errors.Is(err, http.ErrServerClosed) { // for another listener
		return nil
	}
	return err
}
