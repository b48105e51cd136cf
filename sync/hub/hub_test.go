package hub

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

func address(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a hub until the test ends, without a log unless o has one.
func start(t testing.TB, o Options) Options {
	o.HTTP = address(t)
	return startAt(t, o)
}

// startAt is start with the address of the HTTP side given.
func startAt(t testing.TB, o Options) Options {
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MQTT == "" {
		o.MQTT = address(t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the hub", func() bool {
		client, scheme := http.DefaultClient, "http"
		if o.HTTPCert != "" {
			client, scheme = httpsClient(t, cmp.Or(hubCA[o.HTTPCert], o.HTTPCert)), "https"
		}
		resp, err := client.Get(scheme + "://" + o.HTTP + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return o
}

// eventually waits for a condition. Its limit is for what hangs: elections of three NATS servers, and thousands of
// connections, take long on a busy machine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Since(begin) > 3*time.Minute {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// agent runs a journal with an uplink until the test ends.
func agent(t testing.TB, b wire.Broker) (*journal.Journal, *uplink.Uplink) {
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	b.KeepAlive = 20 * time.Second
	u, err := uplink.New(j, uplink.Options{Paths: uplink.Direct(b), TelemetryDelay: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Inventory: &observation.Inventory{Devices: []*observation.Device{{Id: "rpm-1", Lane: "lane-7"}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; j.Close() })
	return j, u
}

func commit(t testing.TB, j *journal.Journal, class observation.Class, n int) {
	for i := range n {
		o := observation.New(class, time.Unix(int64(1_800_000_000+i), 0), &observation.RadiationTamper{Tripped: true})
		o.Device = "rpm-1"
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func get(t testing.TB, url string, header ...string) (int, string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestFeed(t *testing.T) {
	o := start(t, Options{})
	j, u := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	commit(t, j, observation.Class_CLASS_ALARM, 3)
	commit(t, j, observation.Class_CLASS_EVENT, 4)
	feed := "http://" + o.HTTP + "/v1/feed"
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) && j.Acked(1) == j.Last(1) && u.Status().Ready })
	_, body := get(t, feed)
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != 7 {
		t.Fatalf("%d events:\n%s", len(lines), body)
	}
	var e hubapi.CloudEvent
	if err := json.Unmarshal([]byte(lines[2]), &e); err != nil {
		t.Fatal(err)
	}
	if e.SpecVersion != "1.0" || e.ID != fmt.Sprintf("%x/2", j.Identity().ID) || e.Source != "/lanewarden/demo/lane-1" || e.Type != "lanewarden.radiation.tamper.v1" ||
		e.Subject != "rpm-1" || e.Class != "alarm" || e.Lane != "lane-7" || !strings.HasSuffix(e.Cursor, "-3") || !strings.Contains(string(e.Data), `"tripped":true`) {
		t.Errorf("event %+v %s", e, e.Data)
	}
	cursor := func(line int) string {
		var e hubapi.CloudEvent
		if err := json.Unmarshal([]byte(lines[line]), &e); err != nil {
			t.Fatal(err)
		}
		return e.Cursor
	}
	if _, body := get(t, feed+"?after="+cursor(4)); strings.Count(body, "\n") != 2 {
		t.Errorf("after the fifth: %s", body)
	}
	if _, body := get(t, feed, "Accept", "application/cloudevents-batch+json"); !isBatch(body, 7) {
		t.Errorf("batch: %s", body)
	}
	if _, body := get(t, feed+"?after=now", "Accept", "application/cloudevents-batch+json"); !isBatch(body, 0) {
		t.Errorf("empty batch: %s", body)
	}
	if _, body := get(t, feed+"?kind=radiation.*,-passage.updated"); strings.Count(body, "\n") != 7 {
		t.Errorf("kinds: %s", body)
	}
	if _, body := get(t, feed+"?kind=-radiation.tamper"); body != "" {
		t.Errorf("all but one kind: %s", body)
	}
	if _, body := get(t, feed+"?class=alarm&limit=2"); strings.Count(body, "\n") != 2 {
		t.Errorf("limit=2: %s", body)
	}
	for _, bad := range []string{"?after=x", "?after=-1", "?limit=0", "?limit=x", "?wait=x", "?wait=2h", "?class=alrm", "?kind=radiation.tampr", "?after=5"} {
		if code, text := get(t, feed+bad); code != http.StatusBadRequest || len(text) < 10 {
			t.Errorf("%s: %d %s", bad, code, text)
		}
	}
	if code, body := get(t, feed+"?after=deadbeef-1"); code != http.StatusGone || !strings.Contains(body, "after=0") {
		t.Errorf("a cursor of another history: %d %s", code, body)
	}
	if code, body := get(t, feed+"?after=now&wait=50ms"); code != http.StatusOK || body != "" {
		t.Errorf("nothing new: %d %s", code, body)
	}
	done := make(chan string)
	go func() { _, body := get(t, feed+"?wait=30s&after="+cursor(6)); done <- body }()
	commit(t, j, observation.Class_CLASS_EVENT, 1)
	if body := <-done; strings.Count(body, "\n") != 1 {
		t.Errorf("long poll: %s", body)
	}
	testSSE(t, feed, cursor(6), j)
	if code, body := get(t, "http://"+o.HTTP+"/v1/agents"); code != 200 || !strings.Contains(body, `"online":true`) || !strings.Contains(body, `"id":"rpm-1"`) {
		t.Errorf("agents: %d %s", code, body)
	}
	for _, bad := range []string{"?limit=0", "?limit=1001", "?limit=x", "?after=x", "?after=-1-1", "?site=demo"} {
		if code, text := get(t, "http://"+o.HTTP+"/v1/agents"+bad); code != http.StatusBadRequest || len(text) < 10 {
			t.Errorf("agents%s: %d %s", bad, code, text)
		}
	}
	if _, body := get(t, "http://"+o.HTTP+"/v1/agents?limit=1&after=1-1"); strings.TrimSpace(body) != "[]" {
		t.Errorf("agents after the last: %s", body)
	}
	if _, body := get(t, "http://"+o.HTTP+"/metrics"); !strings.Contains(body, `lanehub_rows_total{agent="lane-1",site="demo"} 9`) {
		t.Errorf("metrics: %s", body)
	}
}

// isBatch reports whether a body is a CloudEvents batch of n events.
func isBatch(body string, n int) bool {
	var events []hubapi.CloudEvent
	return json.Unmarshal([]byte(body), &events) == nil && events != nil && len(events) == n
}

func testSSE(t *testing.T, feed, after string, j *journal.Journal) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, feed, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Last-Event-ID", after)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	var ids []string
	for lines.Scan() && len(ids) < 2 {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			if ids = append(ids, id); len(ids) == 1 {
				commit(t, j, observation.Class_CLASS_ALARM, 1)
			}
		}
	}
	if epoch, _, _ := strings.Cut(after, "-"); strings.Join(ids, " ") != epoch+"-8 "+epoch+"-9" {
		t.Errorf("server-sent events %v", ids)
	}
}

func TestAgentsFileLetsEachUseItsOwnTopicsOnly(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, password := filepath.Join(dir, "agents"), filepath.Join(dir, "password")
	for path, text := range map[string]string{file: fmt.Sprintf("# who may\ndemo/lane-1:%s\ndemo/lane-2:%s\n", hash, hash), password: "secret\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := start(t, Options{AgentsFile: file})
	url := "mqtt://" + o.MQTT
	j, _ := agent(t, wire.Broker{URL: url, Username: "demo/lane-1", PasswordFile: password})
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })

	for name, b := range map[string]wire.Broker{"nobody": {URL: url}, "a wrong password": {URL: url, Username: "demo/lane-1", PasswordFile: file}} {
		co, err := b.Options("x")
		if err != nil {
			t.Fatal(err)
		}
		c := mqtt.NewClient(co)
		if err := wire.Await(c.Connect(), 10*time.Second); err == nil {
			t.Errorf("%s was let in", name)
		}
	}
	co, err := wire.Broker{URL: url, Username: "demo/lane-2", PasswordFile: password}.Options("y")
	if err != nil {
		t.Fatal(err)
	}
	c := mqtt.NewClient(co)
	if err := wire.Await(c.Connect(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	defer c.Disconnect(0)
	c.Publish(wire.Topic("demo", "lane-1", wire.LeafState), 0, false, `{"online":false}`)
	c.Publish(wire.Topic("demo", "lane-2", wire.LeafState), 0, false, `{"online":true}`)
	eventually(t, "lane-2", func() bool {
		// lane-2's own state came after its forged one of lane-1: when it is here, the other would be too.
		_, body := get(t, "http://"+o.HTTP+"/metrics")
		return strings.Contains(body, "lanehub_agents_online 2")
	})
}

func TestServerRefusesToBeOpenToAll(t *testing.T) {
	_, _, err := serverOptions(Options{MQTT: "0.0.0.0:1883", Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "agents file") {
		t.Errorf("error %v", err)
	}
	file := filepath.Join(t.TempDir(), "agents")
	if err := os.WriteFile(file, []byte("demo/lane-1:plaintext\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAgentBook(file, nil); err == nil || !strings.Contains(err.Error(), file+": line 1: ") {
		t.Errorf("error %v", err)
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	cert, key := selfSigned(t)
	o := start(t, Options{TLSCert: cert, TLSKey: key})
	j, _ := agent(t, wire.Broker{URL: "mqtts://" + o.MQTT, CAFile: cert})
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })
	_, stranger := agent(t, wire.Broker{URL: "mqtts://" + o.MQTT}) // does not know who signed the certificate
	eventually(t, "the refusal", func() bool { return strings.Contains(stranger.Status().Problem, "certificate") })
}

// A page of another site that makes its name resolve to our address reads nothing.
func TestForeignHostIsRefused(t *testing.T) {
	o := start(t, Options{HTTPNames: []string{"hub.example"}})
	for host, want := range map[string]int{"evil.example": http.StatusMisdirectedRequest, "hub.example": http.StatusOK, "": http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+o.HTTP+"/v1/feed", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: %d", host, resp.StatusCode)
		}
	}
}

// Without an agents file anybody on this machine may be an agent, and nothing else: not the hub, not the broker's own API.
func TestClientWithoutAccountUsesAgentsTopicsOnly(t *testing.T) {
	o := start(t, Options{})
	connect := func(name string) mqtt.Client {
		co, err := wire.Broker{URL: "mqtt://" + o.MQTT}.Options(name)
		if err != nil {
			t.Fatal(err)
		}
		c := mqtt.NewClient(co)
		if err := wire.Await(c.Connect(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Disconnect(0) })
		return c
	}
	listener, stranger := connect("agent"), connect("stranger")
	got := make(chan string, 10)
	note := func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() + " " + string(m.Payload()) }
	if err := wire.Await(listener.Subscribe(wire.Topic("demo", "lane-1", wire.LeafAck), 0, note), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"#", "lw1/+/+/a", "lw1/+/+/hello"} {
		token := stranger.Subscribe(topic, 0, note)
		if err := wire.Await(token, 10*time.Second); err == nil && token.(*mqtt.SubscribeToken).Result()[topic] != 0x80 {
			t.Errorf("a stranger may read %s", topic)
		}
	}
	stranger.Publish(wire.Topic("demo", "lane-1", wire.LeafAck), 0, false, "forged")
	stranger.Publish("$JS/API/STREAM/DELETE/$MQTT_sess", 0, false, "")
	stranger.Publish(wire.Topic("demo", "lane-1", wire.LeafState), 0, false, `{"online":true}`)
	eventually(t, "the stranger's messages", func() bool {
		_, body := get(t, "http://"+o.HTTP+"/metrics")
		return strings.Contains(body, "lanehub_agents_online 1")
	})
	select {
	case what := <-got:
		t.Errorf("an agent got %q", what)
	default:
	}
	j, _ := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "an acknowledgement: the broker is as it was", func() bool { return j.Acked(1) == j.Last(1) })
}

// TestSecondHub: a second hub in the same directory is an error, and the first goes on; the next one may run.
func TestSecondHub(t *testing.T) {
	dir := t.TempDir()
	unlock, err := journal.Lock(dir, "lanehub")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: dir, HTTP: "127.0.0.1:0", MQTT: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), dir+" is in use by another lanehub") {
		t.Errorf("the second one: %v", err)
	}
	unlock()
	again, err := journal.Lock(dir, "lanehub")
	if err != nil {
		t.Fatalf("the next one: %v", err)
	}
	again()
}
