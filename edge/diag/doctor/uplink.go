package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// lookAtUplink looks at the way to the centre, from the name to the hub.
func (p *patient) lookAtUplink(ctx context.Context) {
	if p.config == nil || p.config.Uplink == nil {
		return
	}
	if p.status != nil && p.status.Link.Ready {
		p.certificate(ctx, true)
		return
	}
	add := func(f Finding) {
		f.Subject = []string{"uplink"}
		if f.Rank == 0 || f.Rank == rankNetwork && f.host == "" {
			f.Rank = rankUplink
		}
		p.add(f)
	}
	if p.status != nil && p.status.Link.Refused {
		add(Finding{Cause: "hub-refuses", Text: "the hub refuses this agent's journal", Seen: p.status.Link.Problem, Do: "docs/operating.md says for each reason what to do; nothing is lost meanwhile"})
		return
	}
	_, where, _ := strings.Cut(p.config.Uplink.Broker, "://")
	conn, f := reach(ctx, where)
	if f != nil {
		if f.Cause == "port-closed" {
			f.Do = "the broker or hub there is stopped, or has another port (1883, 8883 with TLS): ask the hub's operator. Nothing is lost meanwhile: results wait in the journal"
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
	add(Finding{
		Cause: "hub-silent", Text: "the broker takes us, but the hub does not answer", Seen: p.status.Link.Problem, Do: "the hub (lanehub) stands still, or reads from another broker, or the broker's rules hide our topics lw1/" + p.config.Site.ID + "/" + p.config.Agent.ID + "/# from it or from us; nothing is lost meanwhile",
	})
}

// refused words why the broker does not take us.
func (p *patient) refused(err error) Finding {
	f := Finding{Seen: err.Error()}
	var pathError *fs.PathError
	switch {
	case errors.As(err, &pathError):
		f.Cause, f.Text, f.Do = "credentials-file", "the file with our password or certificate cannot be read: "+pathError.Path, "is it there, may the agent's user read it?"
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		f.Cause, f.Text = "credentials", "the broker does not accept our name and password"
		f.Do = "compare username and the file password_file with what the hub's operator gave; was the password changed there?"
	case errors.Is(err, os.ErrDeadlineExceeded) && p.status != nil && !p.status.Link.LastAck.IsZero():
		f.Cause, f.Text = "broker-silent", "the hub accepts connections, but does not answer any more"
		f.Seen = fmt.Sprintf("%v; the hub last answered the agent at %s", err, p.status.Link.LastAck.Local().Format("2006-01-02 15:04:05 MST"))
		f.Do = "the hub stands still: ask its operator to look. Nothing is lost meanwhile: results wait in the journal"
	default:
		f.Cause, f.Text, f.Do = "broker", "what listens there does not answer as an MQTT broker does", "is the port the broker's (1883, 8883 with TLS)? Is TLS wanted there: mqtts:// instead of mqtt://?"
	}
	return f
}

// soon is how long before its end a certificate is mentioned.
const soon = 21 * 24 * time.Hour

// certificate looks at both sides' certificates, and reports whether TLS works. Of a link that works only what will end soon is said.
func (p *patient) certificate(ctx context.Context, works bool) bool {
	where, isTLS := strings.CutPrefix(p.config.Uplink.Broker, "mqtts://")
	if !isTLS {
		return true
	}
	add := func(f Finding) bool {
		f.Subject = []string{"uplink"}
		if f.Rank == 0 {
			f.Rank = rankUplink
		}
		p.add(f)
		return false
	}
	config, err := p.TLS(p.config.Uplink)
	if err != nil {
		return add(Finding{Cause: "credentials-file", Text: "our certificates cannot be read", Seen: err.Error(), Do: "are ca_file, cert_file and key_file there, in PEM, and may the agent's user read them?"})
	}
	host, _, _ := net.SplitHostPort(where)
	config = config.Clone()
	config.ServerName = host
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: config}).DialContext(ctx, "tcp", where)
	if err == nil {
		defer conn.Close()
		p.ending(conn.(*tls.Conn).ConnectionState().PeerCertificates, config.Certificates)
		return true
	}
	if works {
		return true
	}
	return add(tlsFinding(host, err))
}

func tlsFinding(host string, err error) Finding {
	f := Finding{Seen: err.Error()}
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c := invalid.Cert
		f.Cause, f.Text = "certificate-expired", fmt.Sprintf("the broker's certificate is not valid today: it is from %s to %s", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly))
		f.Do = "is today's date right on this box (date)? If it is, the hub's operator must renew the certificate"
	case errors.As(err, &unknown):
		f.Cause, f.Text = "certificate-unknown", "the broker's certificate is signed by nobody that we trust"
		f.Do = "put the CA of the hub into ca_file; was the hub's CA changed? Or is somebody else between us and the hub?"
	case errors.As(err, &name):
		f.Cause, f.Text = "certificate-name", "the broker's certificate is for another name than "+host
		f.Do = "write the broker's name as its certificate has it: " + strings.Join(name.Certificate.DNSNames, ", ")
	case errors.As(err, &notTLS):
		f.Cause, f.Text, f.Do = "not-tls", "at the broker's port nobody speaks TLS", "is the port right (8883)? Without TLS the URL is mqtt://"
	default:
		f.Cause, f.Text, f.Do = "tls", "the broker breaks off while TLS is set up", "does it want a certificate of ours (cert_file, key_file), one that has not ended and that it knows?"
	}
	return f
}

// ending warns of certificates that end soon.
func (p *patient) ending(theirs []*x509.Certificate, ours []tls.Certificate) {
	warn := func(whose string, c *x509.Certificate) {
		if left := time.Until(c.NotAfter); left < soon {
			p.add(Finding{
				Cause: "certificate-ending", Subject: []string{"uplink"}, Warning: true, Rank: rankWarning, Text: fmt.Sprintf("%s certificate ends on %s, in %d %s", whose, c.NotAfter.Format(time.DateOnly), int(left.Hours()/24), english.PluralWord(int(left.Hours()/24), "day", "")),
				Do: "renew it before the link goes down",
			})
		}
	}
	if len(theirs) > 0 {
		warn("the broker's", theirs[0])
	}
	for _, c := range ours {
		if c.Leaf != nil {
			warn("our", c.Leaf)
		}
	}
}
