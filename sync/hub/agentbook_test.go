package hub

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

func TestParseAgents(t *testing.T) {
	const hash = "$2y$05$abc"
	for name, c := range map[string]struct{ text, fault string }{
		"both":        {text: "# who\n\ndemo/lane-1:" + hash + "\n demo/lane_2:certificate \n"},
		"plain text":  {text: "demo/lane-1:secret", fault: "line 1: write SITE/AGENT:BCRYPT"},
		"nothing":     {text: "demo/lane-1", fault: "line 1: write"},
		"no site":     {text: "\nlane-1:" + hash, fault: "line 2: the name is not SITE/AGENT"},
		"all topics":  {text: "*/*:" + hash, fault: "the name is not SITE/AGENT"},
		"rest":        {text: "demo/>:certificate", fault: "the name is not SITE/AGENT"},
		"three parts": {text: "demo/lane/1:" + hash, fault: "the name is not SITE/AGENT"},
		"a dot":       {text: "demo/lane.1:" + hash, fault: "the name is not SITE/AGENT"},
		"twice":       {text: "demo/lane-1:" + hash + "\ndemo/lane-1:certificate", fault: "line 2: demo/lane-1 is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := parseAgents([]byte(c.text))
			switch {
			case c.fault == "" && (err != nil || len(all) != 2 || all["demo/lane_2"] != agentByCertificate):
				t.Errorf("%v, %v", all, err)
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("%v, want %s", err, c.fault)
			}
		})
	}
}

// write writes a file whole, as editors and configuration tools do.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".part", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
}

// onDisk writes a certificate and its key as files.
func onDisk(t testing.TB, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return cert, key
}

// TestGoneSeenByAnother: the connection of an agent that was taken out is to be closed, also when another agent's
// connection was the first to see the change.
func TestGoneSeenByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agents")
	write(t, path, "demo/lane-1:certificate\ndemo/lane-2:certificate\n")
	b, err := openAgentBook(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.ids["demo/lane-1"], b.ids["demo/lane-2"] = []uint64{1}, []uint64{2}
	write(t, path, "demo/lane-1:certificate\n")
	b.known("demo/lane-1", "", nil)
	if gone := b.takeGone(); !slices.Equal(gone, []uint64{2}) {
		t.Errorf("%v are to be closed", gone)
	}
	if gone := b.takeGone(); len(gone) > 0 {
		t.Errorf("%v are to be closed once more", gone)
	}
	if b.note("demo/lane-2", "certificate", 3) {
		t.Error("an agent that was taken out while it was looked at is let in")
	}
	if !b.note("demo/lane-1", "certificate", 4) || !slices.Equal(b.ids["demo/lane-1"], []uint64{1, 4}) {
		t.Errorf("the other's connections are %v", b.ids["demo/lane-1"])
	}
}

// connect returns a client of the broker, or why it was not let in.
func connect(t testing.TB, b wire.Broker, id string) (mqtt.Client, error) {
	t.Helper()
	o, err := b.Options(id)
	if err != nil {
		t.Fatal(err)
	}
	c := mqtt.NewClient(o)
	t.Cleanup(func() { c.Disconnect(0) })
	return c, wire.Await(c.Connect(), 20*time.Second)
}

// An agent whose certificate is its name is let in, beside agents with passwords; strangers and those who show another
// agent's certificate are not.
func TestAgentCertificates(t *testing.T) {
	ca, caKey := selfSigned(t)
	otherCA, otherKey := selfSigned(t)
	dir := t.TempDir()
	agents, password := filepath.Join(dir, "agents"), filepath.Join(dir, "password")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write(t, agents, "demo/lane-1:certificate\ndemo/lane-2:"+string(hash)+"\n")
	write(t, password, "secret\n")
	o := start(t, Options{TLSCert: ca, TLSKey: caKey, AgentsFile: agents, MQTTClientCA: ca})
	broker := func(c tls.Certificate, user string) wire.Broker {
		b := wire.Broker{URL: "mqtts://" + o.MQTT, CAFile: ca, Username: user}
		if c.Certificate != nil {
			b.CertFile, b.KeyFile = onDisk(t, c)
		}
		return b
	}
	own := issued(t, ca, caKey, "demo/lane-1")
	j, _ := agent(t, broker(own, ""))
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })

	withPassword := broker(tls.Certificate{}, "demo/lane-2")
	withPassword.PasswordFile = password
	for name, c := range map[string]struct {
		broker wire.Broker
		ok     bool
	}{
		"with its name, too":             {broker(own, "demo/lane-1"), true},
		"by password":                    {withPassword, true},
		"no certificate":                 {broker(tls.Certificate{}, "demo/lane-1"), false},
		"another agent's name":           {broker(own, "demo/lane-2"), false},
		"an agent that is not known":     {broker(issued(t, ca, caKey, "demo/lane-3"), ""), false},
		"no certificate, only passwords": {broker(issued(t, ca, caKey, "demo/lane-2"), ""), false},
		"of another authority":           {broker(issued(t, otherCA, otherKey, "demo/lane-1"), ""), false},
		"the hub's own name":             {broker(issued(t, ca, caKey, hubUser), hubUser), false},
		"the hub's own certificate":      {broker(issued(t, ca, caKey, hubUser), ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := connect(t, c.broker, "x"); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

// Who is taken out of the agents file is cut off, and refused from then on; who is added is let in; the others go on.
func TestRevocation(t *testing.T) {
	dir := t.TempDir()
	agents, password := filepath.Join(dir, "agents"), filepath.Join(dir, "password")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	line := func(agent string) string { return "demo/" + agent + ":" + string(hash) + "\n" }
	write(t, agents, line("lane-1")+line("lane-2"))
	write(t, password, "secret\n")
	o := start(t, Options{AgentsFile: agents})
	in := func(agent string) (mqtt.Client, error) {
		return connect(t, wire.Broker{URL: "mqtt://" + o.MQTT, Username: "demo/" + agent, PasswordFile: password}, agent)
	}
	one, err := in("lane-1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := in("lane-2")
	if err != nil {
		t.Fatal(err)
	}
	write(t, agents, line("lane-2")+line("lane-10"))
	eventually(t, "the end of the connection", func() bool { return !one.IsConnected() })
	if _, err := in("lane-1"); err == nil {
		t.Error("who was taken out was let in again")
	}
	if _, err := in("lane-10"); err != nil {
		t.Errorf("who was added: %v", err)
	}
	write(t, agents, "a line that is none\n")
	if _, err := in("lane-10"); err != nil || !two.IsConnected() {
		t.Errorf("a file that cannot be read shut out who was known: %v, %v", err, two.IsConnected())
	}
}

// Certificates without an authority that they descend from would shut every agent out: the hub says so at its start.
func TestAgentCertificatesNeedAnAuthority(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agents")
	write(t, file, "demo/lane-1:certificate\n")
	_, _, err := serverOptions(Options{MQTT: "127.0.0.1:0", Dir: t.TempDir(), AgentsFile: file})
	if err == nil || !strings.Contains(err.Error(), "wants certificates of demo/lane-1") {
		t.Error(err)
	}
}
