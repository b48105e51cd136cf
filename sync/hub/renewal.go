package hub

import (
	"crypto/x509"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/authority"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/identity"
)

// renewed answers an agent's request for its next certificate. One that comes too fast is not answered: the agent
// repeats it.
func (d *decoder) renewed(from ledger.Sender, payload []byte) error {
	m := &wire.Renewal{}
	if err := d.codec.Decode(payload, m); err != nil {
		return err
	}
	if !d.renewals.allow(from.Site, from.Agent) {
		return nil
	}
	answer := &wire.Renewed{RequestSha256: identity.RequestSum(m.Request)}
	der, err := d.issuer.renew(from.Site+"/"+from.Agent, m, time.Now())
	if err != nil {
		text := message.Of(err).Text()
		answer.Text, answer.TextFr = text.EN, text.FR
		d.log.Warn("certificate not renewed", "site", from.Site, "agent", from.Agent, "why", text.EN)
	} else {
		answer.Certificate = der
		d.log.Info("certificate renewed", "site", from.Site, "agent", from.Agent, "until", endOf(der))
	}
	d.acks.send([]ledger.Answer{{Sender: from, Ack: &wire.Ack{Journal: m.Journal, Renewed: answer}}}, 0)
	return nil
}

// renew issues an agent's next certificate. The broker says by the topic who asks; beside that the request is signed
// with the key of the certificate that the agent has, which must be of this authority, of this name, and in force: so a
// broker of others that lets everybody publish everywhere gives nobody a certificate.
func (i *issuer) renew(name string, m *wire.Renewal, now time.Time) ([]byte, error) {
	if i.ca == nil {
		return nil, message.Errorf("enrol.no-renewal")
	}
	request, err := identity.ParseRequest(m.Request)
	if err != nil {
		return nil, err
	}
	if cn := request.Subject.CommonName; cn != name {
		return nil, message.Errorf("enrol.renewal-name", message.Quoted("name", cn), message.String("agent", name))
	}
	if err := checkHeld(i.ca, name, m, now); err != nil {
		return nil, err
	}
	return i.ca.IssueTo(request.PublicKey, name, i.life, now)
}

// checkHeld checks that a request comes from who holds a certificate of the authority for that name.
func checkHeld(ca *authority.Authority, name string, m *wire.Renewal, now time.Time) error {
	if len(m.Certificate) > identity.MaxCertificate {
		return message.Errorf("enrol.no-certificate")
	}
	held, err := x509.ParseCertificate(m.Certificate)
	if err != nil {
		return message.Wrap(err, "enrol.held")
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	_, err = held.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return message.Wrap(err, "enrol.held")
	}
	if cn := held.Subject.CommonName; cn != name {
		return message.Errorf("enrol.renewal-name", message.Quoted("name", cn), message.String("agent", name))
	}
	if !identity.VerifyRenewal(held, m.Request, m.Signature) {
		return message.Errorf("enrol.renewal-signature")
	}
	return nil
}
