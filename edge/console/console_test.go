package console

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
)

// pulse is a driver that observes a few things and then waits.
type pulse struct{}

type noSettings struct{}

func (pulse) Run(ctx context.Context, sink driver.Sink) error {
	sink.State(observation.DeviceState_STATE_RUNNING, message.Verbatim("all is well"))
	sink.Live(driver.Sample{At: time.Unix(1, 0), Channel: "gamma", Values: []float32{5, float32(math.NaN())}})
	for i := range 3 {
		class := observation.Classes[i]
		if _, err := sink.Commit(ctx, observation.New(class, time.Unix(int64(i), 0), &observation.RadiationTamper{Tripped: true})); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestConsole(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "demo", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	quiet := slog.New(slog.DiscardHandler)
	spec := driver.New("pulse", "pulse", func(noSettings, driver.Env) (driver.Driver, error) { return pulse{}, nil })
	devices, err := lane.New(j, []lane.Device{{ID: "dev-1", Spec: spec, Settings: &noSettings{}}}, lane.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s.sock")
	c := New(Options{Site: "demo", Agent: "a", Socket: socket, Listen: "127.0.0.1:0", Journal: j, Lane: devices, Link: func() api.Link { return api.Link{Problem: "none"} }, Log: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- devices.Run(ctx) }()
	go func() { done <- c.Run(ctx) }()
	defer func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}()
	client := api.NewClient(socket, 0).HTTP
	get := func(path string) (int, string) {
		resp, err := client.Get("http://laned" + path)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	var s api.Status
	// What waits is counted before the size: an answer may fall between two commits.
	for begin := time.Now(); s.Journal.Size < 4 || s.Journal.Waiting["event"] < 2 || s.Journal.Waiting["telemetry"] < 1; <-time.After(10 * time.Millisecond) {
		if code, body := get("/v1/status"); code == 200 {
			if err := json.Unmarshal([]byte(body), &s); err != nil {
				t.Fatal(err)
			}
		} else if time.Since(begin) > 30*time.Second {
			t.Fatalf("status: %d %s", code, body)
		}
	}
	if d := s.Devices[0]; d.State != "running" || d.Reason != "all is well" || d.Observations != 3 || d.Alarms != 1 {
		t.Errorf("device %+v", d)
	}
	if w := s.Journal.Waiting; w["alarm"] != 1 || w["event"] != 2 || w["telemetry"] != 1 || s.Link.Problem != "none" {
		t.Errorf("waiting %v, link %+v", w, s.Link)
	}
	if _, body := get("/v1/tail?class=alarm"); strings.Count(body, "\n") != 1 || !strings.Contains(body, `"kind":"radiation.tamper"`) {
		t.Errorf("tail of alarms: %s", body)
	}
	for path, want := range map[string]int{"/v1/tail?device=nobody": http.StatusNotFound, "/v1/tail?class=foo": http.StatusBadRequest, "/v1/observations?class=foo": http.StatusBadRequest} {
		if code, body := get(path); code != want || !strings.Contains(body, "there are dev-1") && !strings.Contains(body, "alarm, event, telemetry") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if _, body := get("/v1/tail?class=telemetry&n=1"); strings.Count(body, "\n") != 1 || !strings.Contains(body, `"class":"telemetry"`) {
		t.Errorf("the newest telemetry, which is not the newest row: %s", body)
	}
	if code, body := get("/v1/tail?n=x"); code != http.StatusBadRequest || !strings.Contains(body, "not a number") {
		t.Errorf("n=x: %d %s", code, body)
	}
	if _, body := get("/v1/live/dev-1"); !strings.Contains(body, `"values":[5,null]`) {
		t.Errorf("live: %s", body)
	}
	_, body := get("/metrics")
	for _, want := range []string{"laned_journal_rows 4", `laned_queue_rows{class="event"} 2`, `laned_device_running{device="dev-1"} 1`, "laned_link_up 0", "process_resident_memory_bytes"} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics have no %s", want)
		}
	}
	testFollow(t, client, j)
}

func testFollow(t *testing.T, client *http.Client, j *journal.Journal) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://laned/v1/tail?n=1&follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := range 3 {
		if !lines.Scan() {
			t.Fatalf("the tail ended: %v", lines.Err())
		}
		var l api.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil || l.Idx != int64(3+n) {
			t.Errorf("line %s, %v", lines.Text(), err)
		}
		o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.RadiationTamper{})
		o.Device = "dev-1"
		if _, err := j.Commit(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
}
