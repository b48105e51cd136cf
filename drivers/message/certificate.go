package message

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// ofCertificate returns the message of an error of TLS or of a certificate, and the error that it is; nil for another
// error.
func ofCertificate(err error) (Message, error) {
	var alert *net.OpError
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) {
		return New("tls.not-tls"), notTLS
	}
	// crypto/tls has no exported type for what the other side says: its text is the standard's name of the alert
	// (RFC 8446, 6.2).
	if errors.As(err, &alert) && alert.Op == "remote error" && strings.HasPrefix(alert.Err.Error(), "tls: ") {
		return New("tls.theirs", Nested("why", ofAlert(alert.Err.Error()))), alert
	}
	m, inner := ofVerification(err)
	// The sentence says all that crypto/tls puts before it.
	var failed *tls.CertificateVerificationError
	if inner != nil && errors.As(err, &failed) {
		inner = failed
	}
	return m, inner
}

// ofVerification describes why a certificate is not accepted here.
func ofVerification(err error) (Message, error) {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var algorithm x509.InsecureAlgorithmError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &unknown):
		return New("tls.unknown-authority", String("of", holder(unknown.Cert))), unknown
	case errors.As(err, &invalid):
		return ofInvalid(invalid), invalid
	case errors.As(err, &name):
		return ofOtherName(name), name
	case errors.As(err, &algorithm):
		return New("tls.algorithm"), algorithm
	case errors.As(err, &roots):
		return New("tls.no-roots"), roots
	}
	return Message{}, nil
}

// holder returns whom a certificate is of: its common name, a host or an address; "?" for none.
func holder(c *x509.Certificate) string {
	if c == nil {
		return "?"
	}
	return cmp.Or(c.Subject.CommonName, strings.Join(hosts(c), ", "), c.Subject.String(), "?")
}

// hosts returns the names and addresses that a certificate is valid for.
func hosts(c *x509.Certificate) []string {
	all := c.DNSNames[:len(c.DNSNames):len(c.DNSNames)]
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

func ofInvalid(e x509.CertificateInvalidError) Message {
	of := String("of", holder(e.Cert))
	switch {
	case e.Reason == x509.Expired && e.Cert != nil && strings.Contains(e.Detail, "is before"):
		return New("tls.not-yet", of, Date("begin", e.Cert.NotBefore))
	case e.Reason == x509.Expired && e.Cert != nil:
		return New("tls.expired", of, Date("end", e.Cert.NotAfter))
	case e.Reason == x509.IncompatibleUsage:
		return New("tls.usage", of)
	case e.Reason == x509.NotAuthorizedToSign:
		return New("tls.not-authority", of)
	}
	return New("tls.invalid", of, Nested("cause", Quote(e.Error())))
}

func ofOtherName(e x509.HostnameError) Message {
	host := String("host", e.Host)
	if e.Certificate == nil || len(hosts(e.Certificate)) == 0 {
		return New("tls.no-names", host)
	}
	return New("tls.other-name", host, Names("names", hosts(e.Certificate)))
}

// ofAlert describes why the other side ended TLS, by crypto/tls's text for its alert.
func ofAlert(text string) Message {
	switch text {
	case "tls: unknown certificate authority":
		return New("tls.theirs-authority")
	case "tls: expired certificate":
		return New("tls.theirs-expired")
	case "tls: bad certificate", "tls: unsupported certificate", "tls: unknown certificate":
		return New("tls.theirs-refused")
	case "tls: revoked certificate":
		return New("tls.theirs-revoked")
	case "tls: certificate required":
		return New("tls.theirs-required")
	case "tls: protocol version not supported":
		return New("tls.theirs-version")
	case "tls: handshake failure", "tls: insufficient security level":
		return New("tls.theirs-handshake")
	case "tls: unrecognized name":
		return New("tls.theirs-name")
	case "tls: access denied":
		return New("tls.theirs-denied")
	}
	return Quote(strings.TrimPrefix(text, "tls: "))
}
