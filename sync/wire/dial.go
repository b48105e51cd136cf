package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/net/proxy"
)

// Dial connects to the broker's address, through Interface where that is given and with TLS for mqtts, and says no MQTT
// yet: that it succeeds shows that the way there works. What passes is counted by Count.
func (b Broker) Dial(ctx context.Context) (net.Conn, error) {
	address, isTLS := strings.CutPrefix(b.URL, "mqtts://")
	address = strings.TrimPrefix(address, "mqtt://")
	ctx, cancel := context.WithTimeout(ctx, orDefault(b.ConnectTimeout, connectTimeout))
	defer cancel()
	conn, err := b.dialer().DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if b.Count != nil {
		conn = &countedConn{conn, b.Count}
	}
	if !isTLS {
		return conn, nil
	}
	config, err := b.TLS()
	if err == nil {
		config.ServerName, _, err = net.SplitHostPort(address)
	}
	if err == nil {
		secured := tls.Client(conn, config)
		if err = secured.HandshakeContext(ctx); err == nil {
			return secured, nil
		}
	}
	conn.Close()
	return nil, err
}

// dialer returns what connects: Dialer, or through the interface, or as the system and the environment's ALL_PROXY say.
func (b Broker) dialer() proxy.ContextDialer {
	if b.Dialer != nil {
		return b.Dialer
	}
	if b.Interface == "" {
		if d, ok := proxy.FromEnvironmentUsing(&net.Dialer{}).(proxy.ContextDialer); ok {
			return d
		}
		return &net.Dialer{}
	}
	return &net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var bound error
		err := raw.Control(func(fd uintptr) { bound = syscall.BindToDevice(int(fd), b.Interface) })
		if err == nil && bound != nil {
			err = fmt.Errorf("interface %s: %w", b.Interface, os.NewSyscallError("setsockopt", bound))
		}
		return err
	}}
}

// countedConn tells how many bytes pass, both ways.
type countedConn struct {
	net.Conn
	count func(bytes int)
}

// Read implements net.Conn.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count(n)
	return n, err
}

// Write implements net.Conn.
func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.count(n)
	return n, err
}
