package api

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"lanewarden/drivers/message"
)

// ServerTLS returns the TLS settings of an HTTP side: its certificate chain and key (PEM files), and whose client
// certificates are accepted from those who show one; clientCA "" accepts none. Without a certificate it returns nil: no
// TLS. The files are read once.
func ServerTLS(cert, key, clientCA string) (*tls.Config, error) {
	if cert == "" {
		return nil, nil
	}
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, message.Wrap(err, "settings.key-pair", message.String("cert", cert), message.String("key", key))
	}
	config := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	if clientCA == "" {
		return config, nil
	}
	text, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, err
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, message.Errorf("api.no-certificate", message.String("file", clientCA))
	}
	return config, nil
}
