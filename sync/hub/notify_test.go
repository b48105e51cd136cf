package hub

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/wire"
)

// TestTelling: an alarm of a lane goes to a webhook, signed; a receiver that is dead holds up neither that nor the lane, and
// the hub says so at its route and in its metrics. Wrong rules keep the hub from starting.
func TestTelling(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	came := make(chan string, 10)
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = hook.Verify(body, r.Header)
		}
		if err != nil {
			t.Error(err)
		}
		came <- string(body)
	}))
	defer server.Close()
	dir := t.TempDir()
	secretFile, rules := filepath.Join(dir, "secret"), filepath.Join(dir, "notify.yaml")
	text := fmt.Sprintf(`receivers:
  - {id: alive, webhook: {url: "%s", secret_file: %s}}
  - {id: dead, ntfy: {url: "http://%s", topic: x}}
rules:
  - {id: alarms, to: [alive, dead], classes: [alarm], lanes: [lane-7]}
`, server.URL, secretFile, address(t))
	for file, text := range map[string]string{secretFile: secret, rules: text} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := start(t, Options{Notify: rules})
	j, _ := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	at := observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationTamper{Tripped: true})
	at.Device = "rpm-1"
	if _, err := j.Commit(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	var e hubapi.CloudEvent
	if err := json.Unmarshal([]byte(<-came), &e); err != nil || e.Type != "lanewarden.radiation.tamper.v1" || e.Lane != "lane-7" {
		t.Errorf("%+v, %v", e, err)
	}
	var said []hubapi.Sender
	eventually(t, "both senders", func() bool {
		_, text := get(t, "http://"+o.HTTP+"/v1/senders")
		var state hubapi.Senders
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			t.Fatal(err)
		}
		said = state.Senders
		return len(said) == 2 && said[0].Sent == 1 && said[1].State == "failing" && said[1].Waiting == 1
	})
	if why := said[1].Error; why == nil || why.FR == why.EN {
		t.Errorf("%+v", said[1])
	}
	for receiver, want := range map[string]int{"alive": http.StatusOK, "nobody": http.StatusNotFound} {
		body := fmt.Sprintf(`{"rule": "alarms", "receiver": %q}`, receiver)
		resp, err := http.Post("http://"+o.HTTP+"/v1/senders/test", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a test to %s: %s", receiver, resp.Status)
		}
	}
	if text := <-came; !strings.Contains(text, "lanewarden.notify.test.v1") {
		t.Errorf("the test is %s", text)
	}
	_, text = get(t, "http://"+o.HTTP+"/metrics")
	for _, want := range []string{`lanehub_notify_sent_total{receiver="alive",rule="alarms"} 1`, `lanehub_notify_failing{receiver="dead",rule="alarms"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if err := os.WriteFile(rules, []byte("receivers: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), Options{Dir: t.TempDir(), Notify: rules, HTTP: address(t), MQTT: address(t)}); err == nil {
		t.Error("a hub starts with wrong rules")
	}
}
