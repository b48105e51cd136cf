package plate_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plate"
	"lanewarden/drivers/vehicle/plate/sim"
)

const alpr = `{"data_type":"alpr_group","best_uuid":"u-1","best_plate_number":"ab 123-O","best_confidence":92.5,"best_region":"us-mi","epoch_start":1764072000123,
"camera_id":77,"travel_direction":170.5,"best_plate":{"candidates":[{"plate":"AB1230","confidence":80}],
	"coordinates":[{"x":10,"y":20},{"x":110,"y":50}],"plate_crop_jpeg":"/9j/"},
"vehicle":{"body_type":[{"name":"tractor-trailer","confidence":90}]}}`

func settings(_, listen, path string) any {
	forward := 180.0
	return &plate.Config{HTTP: &transport.HTTP{Listen: listen, Path: path, MaxBytes: 64 << 20}, Forward: &forward}
}

func TestConforms(t *testing.T) {
	drivertest.Documents{
		Spec: plate.Spec, Settings: settings, Good: []byte(alpr), Bad: []byte(`{"data_type":"alpr_group",`),
		HTTP: true, NoFolder: true,
		Other: []byte(strings.Replace(alpr, "ab 123-O", "zz 999", 1)),
	}.Run(t)
}

// running is a driver behind an address.
type running struct {
	sink *drivertest.Sink
	url  string
	stop func()
}

func start(t *testing.T, c *plate.Config) *running {
	r := &running{sink: drivertest.NewSink()}
	if c.HTTP != nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.HTTP.Listen, c.HTTP.Path, c.HTTP.MaxBytes = l.Addr().String(), "/plates", 64<<20
		l.Close()
		r.url = "http://" + c.HTTP.Listen + "/plates"
	}
	d, err := plate.Spec.New(c, driver.Env{Device: "lpr"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, r.sink) }()
	r.stop = func() { cancel(); <-done }
	for c.HTTP != nil {
		conn, err := net.Dial("tcp", c.HTTP.Listen)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return r
}

// TestCurl sends what the vendors' documentation shows, with curl: JSON, multipart with picture; wrong token, too
// large, broken.
func TestCurl(t *testing.T) {
	peer.Need(t, peer.Curl)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r := start(t, &plate.Config{HTTP: &transport.HTTP{TokenFile: file("token", "secret\n")}})
	defer r.stop()
	curl := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command("curl", append([]string{"-s", "-w", " %{http_code}", r.url},
			args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("curl %v: %v %s; want %s", args, err, out, want)
		}
	}
	token := []string{"-H", "Authorization: Bearer secret"}
	group := file("group.json", alpr)
	curl("200", append(token, "-H", "Content-Type: application/json", "-d", "@"+group)...)
	stream := file("stream.json",
		`{"hook":{},"data":{"camera_id":"c","timestamp":"2026-11-25T12:00:00Z","results":[{"plate":"x1","score":0.9}]}}`)
	curl("200", append(token, "-F", "json=<"+stream, "-F", "upload=@"+file("image.jpg",
		"\xff\xd8\xff\xe0 picture")+";type=image/jpeg")...)
	curl("401", "-H", "Authorization: Bearer wrong", "-d", "@"+group)
	curl("413", append(token, "--data-binary", "@"+file("large", strings.Repeat("x", 20<<20)))...)
	curl("413", append(token, "-F", "json=<"+stream, "-F", "upload=@"+file("large.jpg", strings.Repeat("x",
		20<<20)))...)
	curl("line 2, column", append(token, "--data-binary", "@"+file("broken.json",
		"{\"data_type\":\n\"alpr_group\""))...)
	curl("400", append(token, "--data-binary", "@"+file("broken2.json", "{"))...)
	curl("multipart body without a field named json", append(token, "-F", "other=1")...)
	curl("200", append(token, "--data-urlencode", "json@"+stream)...)
	curl("nothing to store: heartbeat", append(token, "-d", `{"data_type":"heartbeat"}`)...)
	broken := "--b\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: " +
		"form-data; name=\"upload\"; filename=\"x\"\r\n\r\nxx"
	curl("400", append(token, "-H", "Content-Type: multipart/form-data; boundary=b", "--data-binary",
		"@"+file("cut", broken))...)
	reads := r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)
	if len(reads) != 3 || len(reads[0].Body.Artifacts) != 2 || len(reads[1].Body.Artifacts) != 2 ||
		reads[1].Body.Artifacts[1].Name != "image.jpg" {
		t.Errorf("%v", reads)
	}
	r.sink.Refuse(true)
	curl("503", append(token, "-d", "@"+file("again.json", strings.Replace(alpr, "u-1", "u-2", 1)))...)
}

func TestSimulatedCameras(t *testing.T) {
	r := start(t, &plate.Config{HTTP: &transport.HTTP{}})
	defer r.stop()
	defer http.DefaultClient.CloseIdleConnections()
	for _, vendor := range []string{"openalpr", "platerecognizer"} {
		c := &sim.Camera{URL: r.url, ID: "cam", Vendor: vendor, ClockError: time.Minute,
			Rand: rand.New(rand.NewPCG(1, 1)), Right: 1}
		at := time.Now()
		if err := c.Post(t.Context(), "ABC123", at); err != nil {
			t.Fatal(err)
		}
		all := r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)
		one := all[len(all)-1]
		if p := one.Body.GetVehiclePlate(); p.Vendor != vendor || p.Normal != "ABC123" ||
			one.Body.DeviceTimeNs-at.UnixNano() < int64(59*time.Second) {
			t.Errorf("%v", one)
		}
	}
}

// TestOnvifBroker reads events that a camera publishes to mosquitto.
func TestOnvifBroker(t *testing.T) {
	peer.Need(t, peer.Mosquitto)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // machines are slow at times
	defer cancel()
	_, port, _ := net.SplitHostPort(drivertest.FreeAddress(t))
	ctx = peer.Start(ctx, t, exec.Command(peer.MosquittoPath(), "-p", port))
	address := "mqtt://127.0.0.1:" + port
	var camera mqtt.Client
	for ctx.Err() == nil { // until the broker listens
		camera = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + port).SetClientID("camera"))
		if tok := camera.Connect(); tok.WaitTimeout(time.Second) && tok.Error() == nil {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	defer camera.Disconnect(100)
	r := start(t, &plate.Config{MQTT: &plate.MQTT{Broker: address,
		Topic: "+/onvif-ej/RuleEngine/Recognition/LicensePlate/#"}})
	defer r.stop()
	text := []byte(
		`{"UtcTime":"2026-11-25T12:00:00Z","Source":{"VideoSource":"cam"},"Data":{"PlateNumber":"XYZ 9","Likelihood":0.7}}`)
	seen := func() bool {
		return len(r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)) > 0 &&
			len(r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)) > 0
	}
	for !seen() && ctx.Err() == nil { // until the driver has subscribed, and has read both
		camera.Publish("site/onvif-ej/RuleEngine/Recognition/LicensePlate/1", 1, false, text).WaitTimeout(time.Second)
		camera.Publish("site/onvif-ej/RuleEngine/Recognition/LicensePlate/1", 1, false,
			[]byte("{")).WaitTimeout(time.Second)
		<-time.After(50 * time.Millisecond)
	}
	all := r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)
	if len(all) != 1 || all[0].Body.GetVehiclePlate().Normal != "XYZ9" ||
		all[0].Body.GetVehiclePlate().Vendor != "onvif" {
		t.Errorf("%v", all)
	}
	if len(r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)) == 0 {
		t.Error("a broken event is no fault")
	}
}

// A reader of two ways is not running when one of them cannot be used: its supervisor tries both again and again.
func TestNotRunningByHalves(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	missing := filepath.Join(t.TempDir(), "missing")
	nobody := &plate.MQTT{Broker: "mqtt://" + drivertest.FreeAddress(t), Topic: "#"}
	for name, c := range map[string]plate.Config{
		"nobody at the broker's port": {MQTT: nobody,
			HTTP: &transport.HTTP{Listen: drivertest.FreeAddress(t), Path: "/"}},
		"the port is taken": {HTTP: &transport.HTTP{Listen: taken.Addr().String(), Path: "/"}},
		"no token file": {HTTP: &transport.HTTP{Listen: drivertest.FreeAddress(t), Path: "/",
			TokenFile: missing}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := plate.Spec.New(&c, driver.Env{Device: "lpr"})
			if err != nil {
				t.Fatal(err)
			}
			sink := drivertest.NewSink()
			if err := d.Run(t.Context(), sink); err == nil {
				t.Error("Run ended without an error")
			}
			if len(sink.States()) > 0 {
				t.Errorf("the driver said %v", sink.States())
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range payloads {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(`{"data":{"results":[{"plate":"x","direction":1,"candidates":[{"plate":"y"}]}]}}`))
	f.Add([]byte(`{"UtcTime":"2026-11-25T12:00:00Z","Data":[{"PlateNumber":{"_":"x"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := plate.Decode(text, time.UTC)
		if err != nil {
			return
		}
		if len(m.Reads) == 0 && m.Idle.IsZero() {
			t.Error("neither plate nor reason")
		}
		if len(m.Reads) > 64 {
			t.Errorf("%d reads", len(m.Reads))
		}
		for _, r := range m.Reads {
			if r.Normal == "" || len(r.Alternatives) > 64 || !(r.Confidence >= 0 && r.Confidence <= 1) {
				t.Errorf("%v", r)
			}
		}
	})
}

// TestKnownIDWithAnotherPlate posts a second plate under a read's id: both are kept; a repeat, also with its picture,
// is kept once.
func TestKnownIDWithAnotherPlate(t *testing.T) {
	r := start(t, &plate.Config{HTTP: &transport.HTTP{}})
	defer r.stop()
	defer http.DefaultClient.CloseIdleConnections()
	other := strings.Replace(alpr, "ab 123-O", "zz 999", 1)
	for _, text := range []string{alpr, other, alpr, other} {
		if code, answer := r.post(t, "application/json", text); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	if n := len(r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)); n != 2 {
		t.Errorf("%d plates", n)
	}
	for _, picture := range []string{"one", "two", "one"} {
		body := "--b\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n" + alpr +
			"\r\n--b\r\nContent-Disposition: form-data; name=\"i\"; filename=\"i.jpg\"\r\n\r\n" +
			picture + "\r\n--b--\r\n"
		if code, answer := r.post(t, "multipart/form-data; boundary=b", body); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	if n := len(r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE)); n != 4 {
		t.Errorf("%d plates: two pictures are two reads", n)
	}
}

func (r *running) post(t *testing.T, kind, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(r.url, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestPosts sends payloads in all the ways in which cameras post them.
func TestPosts(t *testing.T) {
	xml := fmt.Sprintf(hikvisionXML, "HK 1")
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	const plain = `{"plate":"F0RM","time":"2026-11-25T12:00:00Z"}`
	for _, c := range []struct {
		name, kind, body string
		code             int
		plate            string
		pictures         []string
	}{
		{"XML", "application/xml", xml, 200, "HK1", nil},
		{"XML without type", "", xml, 200, "HK1", nil},
		{"Hikvision multipart", "multipart/form-data; boundary=b",
			part("name=\"licensePlatePicture.jpg\"; filename=\"licensePlatePicture.jpg\"\r\nContent-Type: image/jpeg",
				"lp") +
				part("name=\"anpr.xml\"; filename=\"anpr.xml\"\r\nContent-Type: text/xml",
					xml) + part("name=\"detectionPicture.jpg\"; filename=\"detectionPicture.jpg\"", "dp") + "--b--\r\n",
			200, "HK1", []string{"licensePlatePicture.jpg", "detectionPicture.jpg"}},
		{"multipart by first byte", "multipart/form-data; boundary=b", part(`name="event"`,
			plain) + part(`name="x"; filename="a.png"`, "png") + "--b--\r\n", 200, "F0RM", []string{"a.png"}},
		{"urlencoded", "application/x-www-form-urlencoded", "hook=x&json=" + url.QueryEscape(plain), 200, "F0RM", nil},
		{"urlencoded without type", "", "json=" + url.QueryEscape(plain), 200, "F0RM", nil},
		{"JSON declared as a form", "application/x-www-form-urlencoded", plain, 200, "F0RM", nil},
		{"form without payload", "application/x-www-form-urlencoded", "a=b", 400, "", nil},
		{"multipart without payload", "multipart/form-data; boundary=b", part(`name="a"`, "b") + "--b--\r\n", 400,
			"", nil},
		{"nothing of a plate", "application/json", `{"a":1}`, 400, "", nil},
		{"heartbeat", "application/json", `{"data_type":"heartbeat"}`, 200, "", nil},
		{"group without plate", "application/json", `{"data_type":"alpr_group"}`, 400, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, &plate.Config{HTTP: &transport.HTTP{}})
			defer r.stop()
			defer http.DefaultClient.CloseIdleConnections()
			code, answer := r.post(t, c.kind, c.body)
			reads, faults := r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE),
				r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)
			if code != c.code || (len(faults) > 0) != (code == 400) || (len(reads) > 0) != (c.plate != "") ||
				strings.Contains(answer, "stored") != (c.plate != "") {
				t.Fatalf("%d %q, %d reads, %d faults", code, answer, len(reads), len(faults))
			}
			if c.plate == "" {
				return
			}
			var names []string
			for _, a := range reads[0].Body.Artifacts[1:] {
				names = append(names, a.Name)
			}
			if p := reads[0].Body.GetVehiclePlate(); p.Normal != c.plate || !slices.Equal(names, c.pictures) {
				t.Errorf("%v, pictures %q", p, names)
			}
		})
	}
}

// TestNoPlateInARow posts vehicles without plate: that is a condition once, and over with the next plate.
func TestNoPlateInARow(t *testing.T) {
	r := start(t, &plate.Config{HTTP: &transport.HTTP{}, Bare: 3})
	defer r.stop()
	defer http.DefaultClient.CloseIdleConnections()
	const bare, read = `{"data":{"camera_id":"c","results":[{"plate":"","vehicle":{"type":"Car"}}]}}`,
		`{"data":{"camera_id":"c","results":[{"plate":"A1"}]}}`
	conditions := func() []*observation.Observation { return r.sink.Of(observation.Kind_KIND_DEVICE_CONDITION) }
	for i, text := range []string{bare, bare, read, bare, bare, bare, bare} {
		if code, answer := r.post(t, "application/json", text); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
		if n, want := len(conditions()), map[bool]int{true: 1}[i >= 5]; n != want {
			t.Fatalf("%d conditions after message %d, want %d", n, i+1, want)
		}
	}
	r.post(t, "application/json", strings.Replace(read, "A1", "A2", 1))
	all := conditions()
	if len(all) != 2 || all[0].Body.GetDeviceCondition().Condition != "no-plate" ||
		all[0].Body.GetDeviceCondition().Subject != "c" || !all[1].Body.GetDeviceCondition().Cleared {
		t.Errorf("%v", all)
	}
}
