package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/net/proxy"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire/identity"
)

// Broker holds address and credentials of an MQTT broker. Secrets are named by file, so that no
// configuration holds one.
type Broker struct {
	URL                        string // mqtt://HOST:PORT or mqtts://HOST:PORT
	Username, PasswordFile     string
	CAFile, CertFile, KeyFile  string
	KeepAlive                  time.Duration
	ConnectTimeout, PubTimeout time.Duration   // 0 for the defaults
	Interface                  string          // network interface to go through; "" for the one that the system chooses
	Count                      func(bytes int) // told what passes, both ways, from any goroutine; nil for nobody
	// Dialer makes the network connection, below TLS, and Interface is not used; nil for the system's.
	Dialer proxy.ContextDialer
	// Now is the time by which the broker's certificate is judged; nil for the machine's clock.
	Now func() time.Time
}

const (
	connectTimeout = 5 * time.Second
	publishTimeout = 15 * time.Second
)

// Options makes the options of a client: CleanSession, no store, no reconnecting of its own. What is lost is found out
// by acknowledgements of ours; the client's tokens prove nothing (paho.mqtt.golang issues 563 and 613).
func (b Broker) Options(clientID string) (*mqtt.ClientOptions, error) {
	where, found := strings.CutPrefix(b.URL, "mqtt://")
	scheme := "tcp://"
	if !found {
		if where, found = strings.CutPrefix(b.URL, "mqtts://"); !found {
			return nil, message.Errorf("config.no-broker", message.Quoted("value", b.URL))
		}
		scheme = "ssl://"
	}
	o := mqtt.NewClientOptions().AddBroker(scheme + where).SetClientID(clientID).SetProtocolVersion(4).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true).
		SetKeepAlive(b.KeepAlive).SetPingTimeout(max(b.KeepAlive/2, 5*time.Second)).
		SetConnectTimeout(orDefault(b.ConnectTimeout, connectTimeout)).SetWriteTimeout(orDefault(b.PubTimeout, publishTimeout)).
		SetUsername(b.Username)
	if b.PasswordFile != "" {
		password, err := os.ReadFile(b.PasswordFile)
		if err != nil {
			return nil, err
		}
		o.SetPassword(strings.TrimSpace(string(password)))
	}
	if scheme == "ssl://" {
		config, err := b.TLS()
		if err != nil {
			return nil, err
		}
		o.SetTLSConfig(config)
	}
	if b.Interface != "" || b.Count != nil || b.Dialer != nil {
		o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return b.Dial(context.Background()) })
	}
	return o, nil
}

// orDefault returns d, or def when it is not set.
func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// Identity returns the files of our own certificate.
func (b Broker) Identity() identity.Files { return identity.Files{Cert: b.CertFile, Key: b.KeyFile} }

// TLS returns the TLS settings for the broker: its authority, the system's unless CAFile names one,
// and our certificate. The files are read anew each time, so that renewed certificates count at the
// next connection.
func (b Broker) TLS() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Time: b.Now}
	if b.CAFile != "" {
		pem, err := os.ReadFile(b.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, message.Errorf("settings.no-certificate", message.String("key", "ca_file"), message.String("file", b.CAFile))
		}
	}
	if b.CertFile != "" {
		cert, err := b.Identity().Load()
		if err != nil {
			return nil, message.Wrap(err, "settings.key-pair", message.String("cert", b.CertFile),
				message.String("key", b.KeyFile))
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
