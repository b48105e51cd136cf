package uplink

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/identity"
)

// Pauses between two requests for the next certificate, as parts of its life: a certificate of a year is asked for
// every 10 minutes at first and every 12 hours at last, which leaves months for somebody to look.
const (
	renewShortest, renewFirst, renewFirstMost = time.Second, 1000, 10 * time.Minute
	renewLast, renewLastMost                  = 50, 12 * time.Hour
	// renewLook bounds the pause before the certificate's age is looked at again, as the clock may be set meanwhile.
	renewLook = 10 * time.Second
)

// errRenewed ends a connection so that the next one shows the new certificate.
var errRenewed = errors.New("the certificate was renewed")

// renewer has the agent's certificate renewed. The goroutine of Uplink.Run owns it. It outlives connections.
type renewer struct {
	broker wire.Broker
	name   string // SITE/AGENT

	next    time.Time     // when to look again
	pause   time.Duration // after the last request
	key     *ecdsa.PrivateKey
	request []byte          // DER, that was sent last; nil for none
	problem message.Message // why the last request did not help
}

// newRenewer returns nil where the agent shows no certificate.
func newRenewer(b wire.Broker, name string) *renewer {
	if b.CertFile == "" {
		return nil
	}
	if b.Now == nil {
		b.Now = time.Now
	}
	return &renewer{broker: b, name: name}
}

// held returns the certificate and key that the agent shows; nil where they cannot be read, which connecting reports.
func (r *renewer) held() *tls.Certificate {
	pair, err := r.broker.Identity().Load()
	if err != nil {
		return nil
	}
	return &pair
}

// noteCertificate puts into the status until when the agent's certificate is good, and what people must know of it.
func (u *Uplink) noteCertificate() {
	if u.renewer == nil {
		return
	}
	held := u.renewer.held()
	if held == nil {
		return
	}
	c := &api.Certificate{Until: held.Leaf.NotAfter.UTC()}
	said := u.renewer.said(held.Leaf, u.renewer.broker.Now())
	c.SetProblem(said)
	u.update(func(st *api.Link) {
		st.Certificate = c
		if said.Code == "link.certificate-expired" && !st.Ready {
			st.SetProblem(said)
		}
	})
}

// said returns what people must know of a certificate at a time; nothing while it is young, or its renewal goes its
// way.
func (r *renewer) said(c *x509.Certificate, now time.Time) message.Message {
	why := r.problem
	if why.IsZero() {
		why = message.New("link.not-asked")
	}
	switch {
	case now.After(c.NotAfter):
		return message.New("link.certificate-expired", message.Time("end", c.NotAfter))
	case now.After(identity.WarnAt(c)):
		return message.New("link.certificate-ending", message.Time("end", c.NotAfter),
			message.Duration("left", c.NotAfter.Sub(now)), message.Nested("why", why))
	case now.After(identity.RenewAt(c)) && !r.problem.IsZero():
		return message.New("link.not-renewed", message.Nested("why", why))
	}
	return message.Message{}
}

// renewWhenDue asks the hub for the next certificate after two thirds of the present one's life, by the time that is
// trusted, and again with growing pauses. What is in the way is said in the status and never ends the connection.
func (s *session) renewWhenDue(now time.Time) error {
	r := s.renewer
	if r == nil || now.Before(r.next) {
		return nil
	}
	defer s.noteCertificate()
	r.next = now.Add(renewLook)
	held := r.held()
	if held == nil {
		return nil
	}
	trusted := r.broker.Now()
	if due := identity.RenewAt(held.Leaf).Sub(trusted); due > 0 {
		r.next = now.Add(min(due, renewLook))
		r.pause, r.problem, r.request = 0, message.Message{}, nil
		return nil
	}
	life := held.Leaf.NotAfter.Sub(held.Leaf.NotBefore)
	if r.pause > 0 && r.problem.IsZero() {
		r.problem = message.New("link.renewal-unanswered")
	}
	r.pause = max(min(2*r.pause, life/renewLast, renewLastMost), min(life/renewFirst, renewFirstMost), renewShortest)
	r.next = now.Add(r.pause*3/4 + rand.N(r.pause/2))
	ask, err := r.ask(held)
	if err != nil {
		r.problem = message.Of(err)
		return nil
	}
	ask.Journal = s.id.ID
	_, err = s.publish(wire.LeafRenew, ask)
	return err
}

// ask makes the request, with a key that is on the disk before anybody can answer.
func (r *renewer) ask(held *tls.Certificate) (*wire.Renewal, error) {
	key, err := r.broker.Identity().NextKey()
	if err != nil {
		return nil, err
	}
	request, err := identity.Request(key, r.name)
	if err != nil {
		return nil, err
	}
	signature, err := identity.SignRenewal(held.PrivateKey, request)
	if err != nil {
		return nil, err
	}
	r.key, r.request = key, request
	return &wire.Renewal{Request: request, Certificate: held.Certificate[0], Signature: signature}, nil
}

// onRenewed takes the hub's answer: a certificate that is right takes the place of the present one, and the connection
// is made anew with it.
func (s *session) onRenewed(answer *wire.Renewed) {
	r := s.renewer
	if r == nil || r.request == nil || string(answer.RequestSha256) != string(identity.RequestSum(r.request)) {
		return
	}
	r.request = nil
	defer s.noteCertificate()
	if len(answer.Certificate) == 0 {
		r.problem = words(answer.Text, answer.TextFr)
		return
	}
	cert, err := r.install(answer.Certificate)
	if err != nil {
		r.problem = message.Of(err)
		s.opts.Log.Error("the certificate that the hub issued is not taken", "err", err)
		return
	}
	s.opts.Log.Info("certificate renewed", "until", cert.NotAfter)
	r.problem, r.pause, r.next = message.Message{}, 0, time.Time{}
	s.renewed = true
}

// install checks a certificate against what was asked for, and against the authority by which the agent knows the
// broker, and writes it.
func (r *renewer) install(der []byte) (*x509.Certificate, error) {
	text, err := os.ReadFile(r.broker.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	cert, err := identity.Accept(der, &r.key.PublicKey, r.name, roots, r.broker.Now())
	if err != nil {
		return nil, err
	}
	return cert, r.broker.Identity().Replace(identity.CertificatePEM(der))
}
