package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// checkUplink examines the way to the hub step by step: name, port, TLS, sign-in, the hub's answer.
// It stops at the first that fails, as the others need it.
func (p *examination) checkUplink(ctx context.Context) {
	if p.config == nil || p.config.Uplink == nil {
		return
	}
	if p.status != nil && p.status.Link.Ready {
		p.checkPaths(p.status.Link.Paths)
		p.certificate(ctx, true)
		return
	}
	add := func(f Finding) {
		f.Subject = []string{uplinkSubject}
		p.add(f)
	}
	if p.status != nil && p.status.Link.Refused {
		add(Finding{What: message.New("hub-refuses"), Seen: p.status.Link.Message.Message()})
		return
	}
	_, where, _ := strings.Cut(p.config.Uplink.Broker, "://")
	conn, f := reach(ctx, where)
	if f != nil {
		if f.What.Code == "port-closed" {
			f.What.Code = "broker-closed"
		}
		add(*f)
		return
	}
	conn.Close()
	if !p.certificate(ctx, false) {
		return
	}
	if err := p.Connect(ctx, p.config.Uplink); err != nil {
		add(p.refused(err))
		return
	}
	if p.status == nil {
		return // whether the hub answers, the agent would know
	}
	topics := "lw1/" + p.config.Site.ID + "/" + p.config.Agent.ID + "/#"
	add(Finding{What: message.New("hub-silent", message.String("topics", topics)),
		Seen: p.status.Link.Message.Message()})
}

// checkPaths reports that a preferred path does not work, and that the one in use has spent its month.
func (p *examination) checkPaths(paths []api.LinkPath) {
	for i, l := range paths {
		if !l.InUse {
			continue
		}
		if i > 0 {
			p.add(Finding{Subject: []string{uplinkSubject}, What: message.New("link-other-path",
				message.String("path", l.ID), message.String("preferred", paths[0].ID),
				message.String("broker", paths[0].Broker))})
		}
		if l.MonthlyBytes > 0 && l.UsedBytes >= l.MonthlyBytes*4/5 {
			p.add(Finding{Subject: []string{uplinkSubject}, What: message.New("link-holds",
				message.String("path", l.ID), message.Nested("what", l.Message.Message()))})
		}
	}
}

// refused explains why the broker did not accept the trial connection.
func (p *examination) refused(err error) Finding {
	f := Finding{Seen: message.Of(err)}
	var pathError *fs.PathError
	switch {
	case errors.As(err, &pathError):
		f.What = message.New("credentials-file", message.String("path", pathError.Path))
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		f.What = message.New("credentials")
	case errors.Is(err, os.ErrDeadlineExceeded) && p.status != nil && !p.status.Link.LastAck.IsZero():
		last := message.Instant{Time: p.status.Link.LastAck.Local(), Precision: message.ToSecond}
		f.What = message.New("broker-silent")
		f.Seen = message.New("seen.last-ack", message.Nested("error", message.Of(err)),
			message.Arg{Name: "time", Value: last})
	default:
		f.What = message.New("broker")
	}
	return f
}

// soon is the time before a certificate's end from which it is reported.
const soon = 21 * 24 * time.Hour

// certificate examines both sides' certificates, and reports whether TLS works. Of a link that
// works it reports only what will expire soon.
func (p *examination) certificate(ctx context.Context, works bool) bool {
	where, isTLS := strings.CutPrefix(p.config.Uplink.Broker, "mqtts://")
	if !isTLS {
		return true
	}
	add := func(what message.Message, err error) bool {
		p.add(Finding{Subject: []string{uplinkSubject}, What: what, Seen: message.Of(err)})
		return false
	}
	config, err := p.TLS(p.config.Uplink)
	if err != nil {
		return add(message.New("certificate-files"), err)
	}
	for _, c := range config.Certificates {
		if c.Leaf != nil && time.Now().After(c.Leaf.NotAfter) {
			return add(message.New("certificate-own-expired", message.Date("date", c.Leaf.NotAfter)), nil)
		}
	}
	host, _, _ := net.SplitHostPort(where)
	config = config.Clone()
	config.ServerName = host
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", where)
	if err == nil {
		defer conn.Close()
		p.checkExpiry(conn.(*tls.Conn).ConnectionState().PeerCertificates, config.Certificates)
		return true
	}
	if works {
		return true
	}
	return add(tlsProblem(host, err), err)
}

// tlsProblem explains why TLS with the broker failed.
func tlsProblem(host string, err error) message.Message {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return message.New("certificate-expired", message.Date("from", invalid.Cert.NotBefore),
			message.Date("to", invalid.Cert.NotAfter))
	case errors.As(err, &unknown):
		return message.New("certificate-unknown")
	case errors.As(err, &name):
		return message.New("certificate-name", message.String("host", host),
			message.Names("names", name.Certificate.DNSNames))
	case errors.As(err, &notTLS):
		return message.New("not-tls")
	}
	return message.New("tls")
}

// checkExpiry warns of certificates that expire soon: the broker's own, and ours.
func (p *examination) checkExpiry(theirs []*x509.Certificate, ours []tls.Certificate) {
	warn := func(whose message.Message, c *x509.Certificate) {
		if left := time.Until(c.NotAfter); left < soon {
			p.add(Finding{Subject: []string{uplinkSubject}, What: message.New("certificate-ending",
				message.Nested("whose", whose), message.Date("date", c.NotAfter), message.Count("n", int(left.Hours()/24)))})
		}
	}
	if len(theirs) > 0 {
		warn(message.New("certificate.theirs"), theirs[0])
	}
	for _, c := range ours {
		if c.Leaf != nil {
			warn(message.New("certificate.ours"), c.Leaf)
		}
	}
}
