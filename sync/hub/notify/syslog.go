package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// syslogOutlet writes lines of RFC 5424. Over TCP and TLS each has its length before it (RFC 6587, RFC 5425) and a
// connection of its own, which is closed towards the collector and read to its end: syslog has no acknowledgements, and a
// collector that has closed its side too has read everything. Over UDP nobody knows.
type syslogOutlet struct {
	settings *Syslog
	host     string // that the lines say
}

// mostDatagramBytes is what collectors take of a datagram at least (RFC 5426, 3.2).
const mostDatagramBytes = 2048

// mostLineBytes bounds a line over TCP.
const mostLineBytes = 8192

// readTimeout is how long a collector has to close its side. One that does not is taken at its word.
const readTimeout = 2 * time.Second

func (o *syslogOutlet) send(ctx context.Context, l *letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	s := o.settings
	if s.Transport == SyslogUDP {
		c, err := (&net.Dialer{}).DialContext(ctx, "udp", s.Address)
		if err != nil {
			return err
		}
		_, err = io.WriteString(c, o.line(l, mostDatagramBytes))
		return errors.Join(err, c.Close())
	}
	c, err := o.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close() // what went wrong is known before
	defer context.AfterFunc(ctx, func() { c.Close() })()
	line := o.line(l, mostLineBytes)
	if _, err := fmt.Fprintf(c, "%d %s", len(line), line); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(c, mostAnswerBytes))
	if errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		return ctx.Err()
	}
	return err
}

// halfCloser is a connection that can be closed in one direction.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func (o *syslogOutlet) dial(ctx context.Context) (halfCloser, error) {
	s := o.settings
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	plain := c.(*net.TCPConn)
	if s.Transport == SyslogTCP {
		return plain, nil
	}
	config, err := tlsTo(s.CAFile)
	if err == nil && s.CertFile != "" {
		var own tls.Certificate
		own, err = tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		config.Certificates = []tls.Certificate{own}
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if config.ServerName, _, err = net.SplitHostPort(s.Address); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	secure := tls.Client(plain, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return secure, nil
}

// severity is the number of a priority (RFC 5424, 6.2.1): alert, critical, notice, informational, debug.
var severity = map[Priority]int{Urgent: 1, High: 2, Default: 5, Low: 6, Min: 7}

// line returns a letter as a line, of most bytes at most. The structured data is of the enterprise number that RFC 5612
// leaves to examples: nobody else's data has this name beside it.
func (o *syslogOutlet) line(l *letter, most int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>1 %s %s lanehub - %s [lanewarden@32473", o.settings.Facility*8+severity[l.priority],
		l.at.UTC().Format("2006-01-02T15:04:05.000000Z"), printable(o.host, 255), printable(l.kind, 32))
	for _, p := range [][2]string{{"id", l.id}, {"class", l.class.Name()}, {"site", l.site}, {"agent", l.agent}, {"link", l.link}} {
		if p[1] != "" {
			fmt.Fprintf(&b, ` %s="%s"`, p[0], sdEscaper.Replace(oneLine(p[1])))
		}
	}
	b.WriteString("] \ufeff") // RFC 5424, 6.4: the text is UTF-8
	b.WriteString(l.title)
	for _, line := range l.lines {
		if line != "" {
			b.WriteString(" | " + line)
		}
	}
	return cut(b.String(), most)
}

// sdEscaper escapes a value of structured data (RFC 5424, 6.3.3).
var sdEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// printable returns a name in the characters that a header of RFC 5424 may have, "-" for none.
func printable(name string, most int) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if name == "" {
		return "-"
	}
	return name[:min(len(name), most)]
}
