package api

import (
	"context"
	"net"
	"net/http"
	"time"
)

// NewClient returns an HTTP client of the local API on a unix socket; the host in its URLs does not matter. A timeout of 0
// means none, for a tail that follows.
func NewClient(socket string, timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
}
