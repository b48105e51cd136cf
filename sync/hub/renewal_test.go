package hub

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/identity"
)

// clock is the machine's, set forward by so many ns.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// broker returns how demo/lane-1 reaches a hub, with a certificate of the hub's authority that is valid for life.
func (i *issuing) broker(t testing.TB, life time.Duration) (wire.Broker, *ecdsa.PrivateKey) {
	t.Helper()
	return i.brokerOf(t, "demo/lane-1", life)
}

// brokerOf is broker for another name.
func (i *issuing) brokerOf(t testing.TB, name string, life time.Duration) (wire.Broker, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t)
	der, err := i.ca.IssueTo(key.Public(), name, life, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b := wire.Broker{URL: "mqtts://" + i.MQTT, CAFile: i.caFile}
	b.CertFile, b.KeyFile = onDisk(t, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	return b, key
}

func certificate(u *uplink.Uplink) api.Certificate {
	if c := u.Status().Certificate; c != nil {
		return *c
	}
	return api.Certificate{}
}

// A certificate is renewed over the link when two thirds of its life are over by the agent's trusted time: with another
// key, which never left the agent, and without a row lost.
func TestRenewal(t *testing.T) {
	i := startIssuing(t, "demo/lane-1:certificate\n", time.Hour)
	b, old := i.broker(t, time.Hour)
	var c clock
	b.Now = c.now
	before, err := b.Identity().Load()
	if err != nil {
		t.Fatal(err)
	}
	j, u := agent(t, b)
	commit(t, j, observation.Class_CLASS_EVENT, 5)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })
	if i.log.has("certificate renewed") {
		t.Error("renewed too early")
	}
	c.ahead.Store(int64(50 * time.Minute))
	commit(t, j, observation.Class_CLASS_ALARM, 5) // wakes the uplink
	changed := func() bool {
		pair, err := tls.LoadX509KeyPair(b.CertFile, b.KeyFile) // both files are in their places
		return err == nil && !bytes.Equal(pair.Certificate[0], before.Certificate[0])
	}
	eventually(t, "the new certificate", func() bool { commit(t, j, observation.Class_CLASS_EVENT, 1); return changed() })
	c.ahead.Store(0)
	pair, err := b.Identity().Load()
	if err != nil || old.Equal(pair.PrivateKey) || pair.Leaf.Subject.CommonName != "demo/lane-1" {
		t.Errorf("%v, key is the old one: %t", err, old.Equal(pair.PrivateKey))
	}
	commit(t, j, observation.Class_CLASS_EVENT, 5)
	eventually(t, "acknowledgements", func() bool {
		return u.Status().Ready && j.Acked(2) == j.Last(2) && j.Acked(1) == j.Last(1) && !certificate(u).Until.IsZero()
	})
	if !i.log.has("certificate renewed") {
		t.Error("the hub's log does not say it")
	}
}

// A hub without an authority says so; the agent says it in its status, goes on, and asks again later.
func TestRenewalWithoutAuthority(t *testing.T) {
	ca, caKey := selfSigned(t)
	file := filepath.Join(t.TempDir(), "agents")
	write(t, file, "demo/lane-1:certificate\n")
	o := start(t, Options{TLSCert: ca, TLSKey: caKey, AgentsFile: file, MQTTClientCA: ca})
	b := wire.Broker{URL: "mqtts://" + o.MQTT, CAFile: ca}
	b.CertFile, b.KeyFile = onDisk(t, issued(t, ca, caKey, "demo/lane-1")) // from the year 1 on: two thirds are over
	j, u := agent(t, b)
	eventually(t, "the reason in the status", func() bool { return strings.Contains(certificate(u).Problem, "--ca-dir") })
	if said := certificate(u).Message; said.FR == "" || said.FR == said.EN {
		t.Errorf("%+v", said)
	}
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })
}

// An agent with a certificate that is over is refused, says since when, and what to do.
func TestExpiredCertificate(t *testing.T) {
	i := startIssuing(t, "demo/lane-1:certificate\n", time.Hour)
	b, _ := i.broker(t, time.Second)
	pair, err := b.Identity().Load()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the certificate's end", func() bool { return time.Now().After(pair.Leaf.NotAfter.Add(time.Second)) })
	j, u := agent(t, b)
	commit(t, j, observation.Class_CLASS_EVENT, 1)
	eventually(t, "the reason", func() bool {
		s := u.Status()
		return strings.Contains(s.Problem, "our certificate expired on") && strings.Contains(certificate(u).Problem, "lanectl enroll")
	})
	if j.Acked(2) == j.Last(2) {
		t.Error("the hub let it in")
	}
}

// renewalPayload is the request of an agent for its next certificate, as it goes over the broker b with the key of the
// certificate that it has.
func renewalPayload(t *testing.T, b wire.Broker, heldKey *ecdsa.PrivateKey, name string) []byte {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	held, err := b.Identity().Load()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := codec.Encode(renewal(t, held.Certificate[0], heldKey, name))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// renewal makes a request by hand.
func renewal(t *testing.T, held []byte, heldKey *ecdsa.PrivateKey, name string) *wire.Renewal {
	t.Helper()
	request, err := identity.Request(newKey(t), name)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := identity.SignRenewal(heldKey, request)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Renewal{Journal: make([]byte, 16), Request: request, Certificate: held, Signature: signature}
}

// Nobody gets a certificate but who holds one of that name, of this authority, in force, and for that name alone.
func TestRenewalRefusals(t *testing.T) {
	i := startIssuing(t, "demo/lane-1:certificate\n", time.Hour)
	issuer, err := newIssuer(&i.Options)
	if err != nil {
		t.Fatal(err)
	}
	key, now := newKey(t), time.Now()
	hold := func(name string) []byte {
		der, err := i.ca.IssueTo(key.Public(), name, time.Hour, now)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	own := hold("demo/lane-1")
	otherCA, otherKey := selfSigned(t)
	for name, c := range map[string]struct {
		m    *wire.Renewal
		at   time.Time
		want string
	}{
		"right":                  {renewal(t, own, key, "demo/lane-1"), now, ""},
		"another name asked for": {renewal(t, own, key, "demo/lane-2"), now, `asks with "demo/lane-2"`},
		"another's certificate":  {renewal(t, hold("demo/lane-2"), key, "demo/lane-1"), now, `asks with "demo/lane-2"`},
		"without the key":        {renewal(t, own, newKey(t), "demo/lane-1"), now, "not signed with the key"},
		"expired":                {renewal(t, own, key, "demo/lane-1"), now.Add(2 * time.Hour), "in force"},
		"of another authority":   {renewal(t, issued(t, otherCA, otherKey, "demo/lane-1").Certificate[0], key, "demo/lane-1"), now, "in force"},
		"nothing":                {&wire.Renewal{}, now, "cannot be read"},
		"oversized":              {&wire.Renewal{Request: make([]byte, 1<<20)}, now, "at most"},
		"large certificate":      {renewal(t, make([]byte, 1<<20), key, "demo/lane-1"), now, "no certificate"},
		"certificate is rubbish": {renewal(t, []byte("x"), key, "demo/lane-1"), now, "in force"},
	} {
		der, err := issuer.renew("demo/lane-1", c.m, c.at)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || der != nil) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Over the broker, an agent's request with another agent's name is refused in words, on its own topic.
func TestRenewalOfAnotherAgentOverTheBroker(t *testing.T) {
	i := startIssuing(t, "demo/lane-1:certificate\n", time.Hour)
	b, key := i.broker(t, time.Hour)
	client, err := connect(t, b, "x")
	if err != nil {
		t.Fatal(err)
	}
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan *wire.Renewed, 10)
	token := client.Subscribe(wire.Topic("demo", "lane-1", wire.LeafAck), 0, func(_ mqtt.Client, m mqtt.Message) {
		ack := &wire.Ack{}
		if codec.Decode(m.Payload(), ack) == nil && ack.Renewed != nil {
			said <- ack.Renewed
		}
	})
	if err := wire.Await(token, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	held, err := b.Identity().Load()
	if err != nil {
		t.Fatal(err)
	}
	m := renewal(t, held.Certificate[0], key, "demo/lane-2")
	payload, err := codec.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	client.Publish(wire.Topic("demo", "lane-2", wire.LeafRenew), 0, false, payload) // the broker drops it
	client.Publish(wire.Topic("demo", "lane-1", wire.LeafRenew), 0, false, payload)
	answer := <-said
	if len(answer.Certificate) > 0 || !strings.Contains(answer.Text, "demo/lane-2") || answer.TextFr == "" ||
		!bytes.Equal(answer.RequestSha256, identity.RequestSum(m.Request)) {
		t.Errorf("%v", answer)
	}
	good := renewal(t, held.Certificate[0], key, "demo/lane-1")
	if payload, err = codec.Encode(good); err != nil {
		t.Fatal(err)
	}
	client.Publish(wire.Topic("demo", "lane-1", wire.LeafRenew), 0, false, payload)
	answer = <-said
	cert, err := x509.ParseCertificate(answer.Certificate)
	if err != nil || cert.Subject.CommonName != "demo/lane-1" {
		t.Errorf("%v, %s", err, answer.Text)
	}
	client.Disconnect(100)
}
