package hub

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/authority"
	"lanewarden/sync/hub/brokerrules"
	"lanewarden/sync/wire"
)

// mosquitto runs a Mosquitto with the rules that lanehub broker-rules prints, and has the hub use it.
func mosquitto(t *testing.T, i *issuing, o *Options) {
	t.Helper()
	dir, at := t.TempDir(), address(t)
	files, err := brokerrules.For("mosquitto", brokerrules.Options{Hub: "lanehub", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(at)
	for _, f := range files {
		text := strings.Replace(f.Text, "listener 8883", "listener "+port+" "+host, 1)
		if f.Name == "lanewarden.conf" {
			text = "user root\n" + text // or it could not read the folder of a test that root runs
		}
		write(t, filepath.Join(dir, f.Name), text)
	}
	ca, err := os.ReadFile(i.caFile)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.pem"), string(ca))
	issue := func(stem, name string, hosts ...string) (cert, key string) {
		cert, key = filepath.Join(dir, stem+".pem"), filepath.Join(dir, stem+".key")
		if err := i.ca.Issue(authority.Request{Name: name, Hosts: hosts, Days: 1}, cert, key, time.Now()); err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	issue("broker", "broker", host)
	o.External = &wire.Broker{URL: "mqtts://" + at, CAFile: i.caFile}
	o.External.CertFile, o.External.KeyFile = issue("hub", "lanehub")
	o.MQTT = at
	peer.Start(t.Context(), t, exec.Command(peer.MosquittoPath(), "-c", filepath.Join(dir, "lanewarden.conf")))
	eventually(t, "Mosquitto", func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// The table of topics holds on each broker: an agent uses its own topics, and nothing of others, of the broker or of the
// hub, by name or by wildcard; an honest agent beside it goes on.
func TestBrokerRules(t *testing.T) {
	const agents = "demo/lane-1:certificate\ndemo/lane-2:certificate\n"
	t.Run("embedded", func(t *testing.T) { testBrokerRules(t, startIssuing(t, agents, time.Hour)) })
	t.Run("mosquitto", func(t *testing.T) {
		peer.Need(t, peer.Mosquitto)
		testBrokerRules(t, startIssuingAt(t, agents, time.Hour, func(i *issuing, o *Options) { mosquitto(t, i, o) }))
	})
}

func testBrokerRules(t *testing.T, i *issuing) {
	honest, _ := i.broker(t, time.Hour)
	j, u := agent(t, honest)
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })

	b, key := i.brokerOf(t, "demo/lane-2", time.Hour)
	client, err := connect(t, b, "intruder")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	client.AddRoute("#", func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() })
	filters := []string{"#", "+/#", "lw1/#", "lw1/+/+/ack", "lw1/demo/+/ack", "lw1/demo/lane-1/ack", "lw1/demo/lane-1/#",
		"lw1/+/+/state", "$SYS/#", "$JS/#", "$JS/API/#", "$share/x/lw1/+/+/a"}
	for _, r := range wire.Rules() {
		if r.By == wire.Agent {
			filters = append(filters, wire.Topic("demo", "lane-2", r.Leaf), wire.Topic("demo", "lane-1", r.Leaf))
		}
	}
	for _, f := range filters {
		// A broker may refuse a subscription, or take it and deliver nothing.
		_ = wire.Await(client.Subscribe(f, 0, nil), 20*time.Second)
	}
	own := wire.Topic("demo", "lane-2", wire.LeafAck)
	token := client.Subscribe(own, 0, nil)
	if err := wire.Await(token, 20*time.Second); err != nil || token.(*mqtt.SubscribeToken).Result()[own] == 0x80 {
		t.Fatalf("its own topic: %v", err)
	}
	for _, r := range wire.Rules() {
		client.Publish(wire.Topic("demo", "lane-1", r.Leaf), 0, false, `{"online":false}`)
	}
	for _, topic := range []string{"$JS/API/STREAM/DELETE/$MQTT_sess", "$SYS/broker/uptime", "$JS/ACK/x", own, "lw1/demo/lane-2/other"} {
		client.Publish(topic, 0, false, "forged")
	}
	// What comes behind these on its own topics arrives: a state, and a request that is answered.
	client.Publish(wire.Topic("demo", "lane-2", wire.LeafState), 0, false, `{"online":true}`)
	payload := renewalPayload(t, b, key, "demo/lane-2")
	client.Publish(wire.Topic("demo", "lane-2", wire.LeafRenew), 0, false, payload)
	commit(t, j, observation.Class_CLASS_ALARM, 3)
	eventually(t, "acknowledgements of the honest one", func() bool { return j.Acked(1) == j.Last(1) })
	if topic := <-got; topic != own {
		t.Errorf("the intruder got %s", topic)
	}
	eventually(t, "both states", func() bool { return i.metric(t, "lanehub_agents_online") == "2" })
	if n := u.Status().Undecodable; n > 0 {
		t.Errorf("%d forged messages came to the honest agent", n)
	}
	select {
	case topic := <-got:
		t.Errorf("the intruder got %s", topic)
	default:
	}
	if i.metric(t, "lanehub_malformed_total") != "0" {
		t.Error("forged messages came to the hub")
	}
}

// metric returns the value of one of the hub's metrics.
func (i *issuing) metric(t *testing.T, name string) (value string) {
	t.Helper()
	resp, err := httpsClient(t, i.caFile).Get("https://" + i.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Sscanf(line, name+" %s", &value); err == nil {
			return value
		}
	}
	return ""
}
