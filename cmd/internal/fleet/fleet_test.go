package fleet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/sync/hub"
	"lanewarden/sync/wire"
)

func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startHub runs a hub until stop is called, or the test ends, and waits until it answers.
func startHub(t *testing.T) (o hub.Options, stop func()) {
	t.Helper()
	o = hub.Options{Dir: t.TempDir(), HTTP: address(t), MQTT: address(t), Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	for {
		r, err := http.Get("http://" + o.HTTP + "/healthz")
		if err == nil {
			r.Body.Close()
			return o, stop
		}
		select {
		case err := <-done:
			t.Fatal("the hub ended: ", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// small returns options of a fleet that is over soon on any machine.
func small(t *testing.T, mqtt string) Options {
	t.Helper()
	day, err := load("remote-post")
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Broker: wire.Broker{URL: "mqtt://" + mqtt, KeepAlive: 20 * time.Second}, Site: "test", Agents: 20, Rate: 20,
		Duration: 2 * time.Second, Grace: 2 * time.Minute, Scenario: day, Seed: 7,
		TelemetryDelay: 100 * time.Millisecond, Software: "test",
	}
}

// rowsAt returns how many rows a hub has filed.
func rowsAt(t *testing.T, o hub.Options) (rows int64) {
	t.Helper()
	r, err := http.Get("http://" + o.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "lanehub_rows_total{"); ok {
			var n float64
			if _, err := fmt.Sscan(text[strings.LastIndexByte(text, ' ')+1:], &n); err != nil {
				t.Fatal(err)
			}
			rows += int64(n)
		}
	}
	return rows
}

// runFleet runs a fleet and returns what it did and printed.
func runFleet(ctx context.Context, o Options) (*fleet, string, error) {
	var out bytes.Buffer
	f, err := run(ctx, o, cli.Printer{Writer: &out, Language: message.English})
	return f, out.String(), err
}

// A fleet whose connections are all cut once loses and doubles nothing at a real hub, with journals of both kinds.
func TestStorm(t *testing.T) {
	for _, journals := range []string{"", t.TempDir()} {
		name := "in memory"
		if journals != "" {
			name = "SQLite"
		}
		t.Run(name, func(t *testing.T) {
			at, _ := startHub(t)
			o := small(t, at.MQTT)
			o.Storm, o.Journals = time.Second, journals
			if journals != "" {
				o.Agents, o.Rate = 4, 5
			}
			f, out, err := runFleet(t.Context(), o)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if f.stormCut != o.Agents || !strings.Contains(out, fmt.Sprintf("storm: %d connections cut", o.Agents)) {
				t.Errorf("%d connections were cut\n%s", f.stormCut, out)
			}
			recorded := int64(0)
			for class := range f.tally.classes {
				c := &f.tally.classes[class]
				recorded += c.recorded.Load()
				if c.recorded.Load() != c.sent.Load() || c.sent.Load() != c.acked.Load() {
					t.Errorf("class %d: %d recorded, %d sent, %d acknowledged", class, c.recorded.Load(), c.sent.Load(),
						c.acked.Load())
				}
			}
			if got := rowsAt(t, at); got != recorded || recorded == 0 {
				t.Errorf("%d rows are at the hub, %d were recorded", got, recorded)
			}
			for _, a := range f.agents {
				if a.line.answeredAt.IsZero() {
					t.Errorf("%s/%s was not answered after the storm", a.site, a.name)
				}
			}
		})
	}
}

// A second fleet of the same seed is known to the hub by its keys; one of another seed is refused, and the error says
// why.
func TestSameHubAgain(t *testing.T) {
	at, _ := startHub(t)
	o := small(t, at.MQTT)
	o.Agents, o.Rate, o.Duration = 2, 50, time.Second
	for range 2 {
		if _, out, err := runFleet(t.Context(), o); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	o.Seed, o.Grace = 8, time.Second
	_, out, err := runFleet(t.Context(), o)
	if err == nil || !strings.Contains(message.Of(err).English(), "the hub refuses this journal") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the hub does not acknowledge in time makes the fleet fail, with how many and whose.
func TestNotAcknowledged(t *testing.T) {
	at, stop := startHub(t)
	o := small(t, at.MQTT)
	o.Agents, o.Grace = 2, 10*time.Second
	f := make(chan error, 1)
	var out string
	go func() {
		_, text, err := runFleet(context.Background(), o)
		out = text
		f <- err
	}()
	for rowsAt(t, at) == 0 {
		<-time.After(10 * time.Millisecond)
	}
	stop()
	err := <-f
	var said *message.Error
	if !errors.As(err, &said) || said.Message.Code != "fleet.not-acknowledged" {
		t.Fatalf("%v\n%s", err, out)
	}
	if text := said.Message.English(); !strings.Contains(text, "test-001/lane-0") || !strings.Contains(out, "class ") {
		t.Errorf("%s\n%s", text, out)
	}
}

// A broker that is not there is an error that names it.
func TestNobodyAnswers(t *testing.T) {
	o := small(t, address(t))
	o.Agents, o.Grace = 2, time.Second
	_, _, err := runFleet(t.Context(), o)
	text := message.Of(err).English()
	if !strings.Contains(text, "no agent was answered") || !strings.Contains(text, o.Broker.URL) {
		t.Error(text)
	}
}

// Ctrl-C ends a fleet with its table, and is no error.
func TestStop(t *testing.T) {
	at, _ := startHub(t)
	o := small(t, at.MQTT)
	o.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for rowsAt(t, at) == 0 {
			<-time.After(10 * time.Millisecond)
		}
		cancel()
	}()
	_, out, err := runFleet(ctx, o)
	if err != nil || !strings.Contains(out, "observations/s recorded") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each wrong command line says what is wrong with it.
func TestWrongFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"both rates":        {[]string{"--rate", "1", "--total", "10"}, "--rate is of one agent, --total of all"},
		"storm too late":    {[]string{"--storm", "1m", "--duration", "30s"}, "is not within --duration"},
		"site":              {[]string{"--site", "No/Site"}, "cannot begin names of sites"},
		"broker":            {[]string{"--broker", "hub.example"}, "mqtt://"},
		"no password file":  {[]string{"--password-file", "none/{site}/{agent}"}, "none/fleet-001/lane-01"},
		"unknown scenario":  {[]string{"--scenario", "nowhere"}, "nowhere"},
		"too many agents":   {[]string{"--agents", "20001"}, "20000"},
		"no agent":          {[]string{"--agents", "0"}, "20000"},
		"negative duration": {[]string{"--duration", "-1s"}, "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			command := Command()
			command.SetArgs(c.args)
			command.SetOut(io.Discard)
			command.SetErr(io.Discard)
			command.SilenceErrors, command.SilenceUsage = true, true
			err := command.ExecuteContext(t.Context())
			if err == nil || !strings.Contains(message.Of(err).English()+err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A system that allows too few files is an error before anything is opened.
func TestTooFewFiles(t *testing.T) {
	err := checkFiles(&Options{Agents: 1 << 40})
	if text := message.Of(err).English(); !strings.Contains(text, "ulimit -Hn") {
		t.Error(text)
	}
}
