package hub

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/wire"
)

// listen subscribes as somebody and returns what comes; refused says that the broker did not let them in.
func listen(t *testing.T, at, user, password, filter string) (came chan mqtt.Message, refused bool) {
	t.Helper()
	came = make(chan mqtt.Message, 100)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + at).SetClientID("reader-" + user).SetUsername(user).SetPassword(password).
		SetAutoReconnect(false)
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		return nil, true
	}
	t.Cleanup(func() { c.Disconnect(100) })
	token := c.Subscribe(filter, 0, func(_ mqtt.Client, m mqtt.Message) { came <- m })
	token.WaitTimeout(20 * time.Second) // a filter that is not allowed is refused, and nothing comes
	return came, false
}

// TestJSON: an alarm is published as plain JSON, without the plate of its passage, for readers of the file, who see their
// sites; an agent does not get it, and a reader cannot publish.
func TestJSON(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	agents, readers := filepath.Join(dir, "agents"), filepath.Join(dir, "readers")
	write(t, agents, "demo/lane-1:"+string(hash)+"\ndemo/lane-2:"+string(hash)+"\n")
	write(t, readers, "risk:"+string(hash)+"\nhere:"+string(hash)+":demo\nelsewhere:"+string(hash)+":windsor,detroit\n")
	o := start(t, Options{JSON: true, AgentsFile: agents, ReadersFile: readers})
	file := filepath.Join(dir, "password")
	write(t, file, password)
	j, _ := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT, Username: "demo/lane-1", PasswordFile: file})
	const all = wire.JSONVersion + "/#"
	risk, _ := listen(t, o.MQTT, "risk", password, all)
	here, _ := listen(t, o.MQTT, "here", password, wire.JSONVersion+"/demo/#")
	elsewhere, _ := listen(t, o.MQTT, "elsewhere", password, wire.JSONVersion+"/demo/#")
	other, _ := listen(t, o.MQTT, "demo/lane-2", password, all)
	if _, refused := listen(t, o.MQTT, "risk", "wrong", all); !refused {
		t.Error("a wrong password is let in")
	}
	read := observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationTamper{Tripped: true})
	plate := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.VehiclePlate{Plate: "ABC 1234", Normal: "ABC1234"})
	read.Device, plate.Device = "rpm-1", "cam-1"
	if _, err := j.Commit(t.Context(), read, plate); err != nil {
		t.Fatal(err)
	}
	for name, came := range map[string]chan mqtt.Message{"risk": risk, "here": here} {
		for seen := map[string]bool{}; len(seen) < 2; {
			m := <-came
			var e hubapi.CloudEvent
			if err := json.Unmarshal(m.Payload(), &e); err != nil || e.SpecVersion != "1.0" {
				t.Errorf("%s: %s: %v", name, m.Payload(), err)
			}
			if strings.Contains(string(m.Payload()), "1234") {
				t.Errorf("%s: a plate: %s", name, m.Payload())
			}
			switch m.Topic() {
			case "lwjson1/demo/lane-1/alarm/radiation/tamper", "lwjson1/demo/lane-1/event/vehicle/plate":
				seen[m.Topic()] = true
			}
		}
	}
	for name, came := range map[string]chan mqtt.Message{"elsewhere": elsewhere, "lane-2": other} {
		select {
		case m := <-came:
			t.Errorf("%s got %s", name, m.Topic())
		default:
		}
	}
}

// TestJSONNeedsReaders: a broker that others reach does not publish to everybody.
func TestJSONNeedsReaders(t *testing.T) {
	o := Options{Dir: t.TempDir(), JSON: true, MQTT: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	o.AgentsFile = filepath.Join(o.Dir, "agents")
	write(t, o.AgentsFile, "")
	if _, _, err := serverOptions(o); err == nil || !strings.Contains(err.Error(), "--mqtt-readers") {
		t.Error(err)
	}
	for _, bad := range []string{"a/b:certificate", "a:x", "a b:certificate", "a:certificate:>", "a"} {
		if _, err := parseReaders([]byte(bad)); err == nil {
			t.Errorf("%q is a reader", bad)
		}
	}
}
