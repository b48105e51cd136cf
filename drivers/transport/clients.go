package transport

import (
	"context"
	"net"
	"sync"
)

// EachClient runs serve for each client of a listener, until ctx ends; it closes the listener and, when ctx ends, the clients. Simulated
// devices are served with it.
func EachClient(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		wg.Go(func() {
			defer c.Close()
			closed := context.AfterFunc(ctx, func() { c.Close() })
			defer closed()
			serve(c)
		})
	}
}
