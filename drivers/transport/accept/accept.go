// Package accept serves the connections of a listener until a context ends. It imports none of ours, so that codecs can
// use it too.
package accept

import (
	"context"
	"net"
	"sync"
)

// InTurn calls serve with each connection that l accepts, and accepts the next one when serve returns. It closes l when
// ctx ends, and then returns nil; an error is that of Accept. The connections are serve's to close.
func InTurn(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		serve(c)
	}
}

// AtOnce calls serve with each connection that l accepts, in a goroutine of its own. It closes l and the connections
// when ctx ends, and returns when all calls of serve have; an error is that of Accept.
func AtOnce(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	return InTurn(ctx, l, func(c net.Conn) {
		wg.Go(func() { UntilDone(ctx, c, serve) })
	})
}

// UntilDone calls serve with a connection and closes it when serve returns or ctx ends.
func UntilDone(ctx context.Context, c net.Conn, serve func(net.Conn)) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	serve(c)
}
