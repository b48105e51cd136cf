package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// told is a server of ntfy that keeps what comes.
func told(t *testing.T) (url string, came chan string) {
	came = make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // what is missing of it is missed below
		came <- string(text)
	}))
	t.Cleanup(s.Close)
	return s.URL, came
}

// alarmNow is an alarm of now.
func alarmNow(t *testing.T) ledger.Event {
	t.Helper()
	body, err := protoMarshal(observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationTamper{Tripped: true}).Body)
	if err != nil {
		t.Fatal(err)
	}
	e := ledger.Event{}
	e.Class, e.Kind, e.TimeNs, e.Body, e.Site, e.Device = observation.Class_CLASS_ALARM, observation.Kind_KIND_RADIATION_TAMPER,
		time.Now().UnixNano(), body, "east", "rpm-1"
	return e
}

// running is a teller that runs, with its file of rules.
type running struct {
	*testing.T
	*Teller
	file string
}

func runTeller(t *testing.T, from source, rules string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{T: t, file: filepath.Join(dir, "notify.yaml")}
	r.write(rules)
	var err error
	if r.Teller, err = openTeller(r.file, from, filepath.Join(dir, Dir), nil, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Teller.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *running) write(rules string) {
	r.Helper()
	if err := linefile.Replace(r.file, []byte(rules), 0o600); err != nil {
		r.Fatal(err)
	}
}

// until waits for a state; a test that waits in vain ends with its deadline.
func (r *running) until(is func(hubapi.Senders) bool) hubapi.Senders {
	r.Helper()
	for {
		if s := r.State(); is(s) {
			return s
		}
		if wait(r.Context()) != nil {
			r.Fatal("the test ended")
		}
	}
}

func wait(ctx context.Context) error {
	select {
	case <-time.After(20 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestRulesAreReadAgain: a changed file is in force without a restart, a sender that stays goes on where it was and counts
// on, and while the file is wrong the previous rules stay in force, with file and line of what is wrong.
func TestRulesAreReadAgain(t *testing.T) {
	url, came := told(t)
	rules := func(rest string) string {
		return fmt.Sprintf("receivers:\n  - {id: phone, ntfy: {url: %q, topic: x}}\n  - {id: other, ntfy: {url: %q, topic: y}}\nrules:\n"+
			"  - {id: alarms, to: [phone], classes: [alarm], per_minute: 100}\n%s", url, url, rest)
	}
	from := newRows()
	r := runTeller(t, from, rules(""))
	from.add(alarmNow(t))
	<-came
	before := r.until(func(s hubapi.Senders) bool { return s.Senders[0].Sent == 1 })
	if before.File != r.file || before.Problem != nil || before.Senders[0].What.EN != "alarms; at most 100 a minute" {
		t.Errorf("%+v", before)
	}

	r.write(rules("  - {id: more, to: [nobody]}\n"))
	wrong := r.until(func(s hubapi.Senders) bool { return s.Problem != nil })
	if !strings.Contains(wrong.Problem.EN, "notify.yaml") || !strings.Contains(wrong.Problem.EN, "nobody") || wrong.Problem.FR == wrong.Problem.EN {
		t.Errorf("%+v", wrong.Problem)
	}
	r.write("receivers: [\n  {id: phone, colour: red}]\nrules: []\n")
	line := r.until(func(s hubapi.Senders) bool { return s.Problem != nil && strings.Contains(s.Problem.EN, "colour") })
	if !strings.Contains(line.Problem.EN, "notify.yaml:2") {
		t.Errorf("the line is not named: %s", line.Problem.EN)
	}
	from.add(alarmNow(t))
	if text := <-came; !strings.Contains(text, `"x"`) {
		t.Errorf("the rules of before do not hold: %s", text)
	}
	r.until(func(s hubapi.Senders) bool { return s.Senders[0].Sent == 2 })

	r.write(rules("  - {id: more, to: [other], classes: [alarm]}\n"))
	after := r.until(func(s hubapi.Senders) bool { return len(s.Senders) == 2 })
	if after.Problem != nil || after.Senders[0].Sent != 2 || !after.Since.After(*before.Since) {
		t.Errorf("%+v", after)
	}
	from.add(alarmNow(t))
	topics := map[bool]int{}
	for range 2 {
		topics[strings.Contains(<-came, `"topic":"y"`)]++
	}
	if topics[true] != 1 || topics[false] != 1 || len(came) > 0 {
		t.Errorf("told by topic: %v, and %d more", topics, len(came))
	}
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	r.until(func(s hubapi.Senders) bool { return s.Problem != nil && len(s.Senders) == 2 })
}

// TestTestOfOne: a test goes to the receiver of the rule that is named, and nowhere else.
func TestTestOfOne(t *testing.T) {
	url, came := told(t)
	r := runTeller(t, newRows(), fmt.Sprintf("receivers:\n  - {id: phone, ntfy: {url: %q, topic: x}}\n"+
		"  - {id: lost, ntfy: {url: \"http://127.0.0.1:1\", topic: x}}\nrules:\n  - {id: alarms, to: [phone, lost]}\n", url))
	if err := r.Test(t.Context(), "alarms", "phone"); err != nil || !strings.Contains(<-came, "Test") {
		t.Error(err)
	}
	if err := r.Test(t.Context(), "alarms", "lost"); err == nil || errors.Is(err, ErrNoPair) {
		t.Errorf("a receiver that is away: %v", err)
	}
	for _, pair := range [][2]string{{"alarms", "x"}, {"x", "phone"}} {
		if err := r.Test(t.Context(), pair[0], pair[1]); !errors.Is(err, ErrNoPair) {
			t.Errorf("%v: %v", pair, err)
		}
	}
	var nobody *Teller
	if err := nobody.Test(t.Context(), "a", "b"); !errors.Is(err, ErrNoPair) || len(nobody.State().Senders) != 0 {
		t.Error("without rules", err)
	}
}

// TestSays: what a rule sends is said in the words of a sentence, in both languages.
func TestSays(t *testing.T) {
	r := Rule{Classes: []Class{"alarm", "event"}, Kinds: []string{"radiation.*"}, Sites: []string{"east", "west"}, Lanes: []string{"a"},
		Hours: "18:00-06:00", Zone: "America/Winnipeg", PerMinute: 10, Personal: true}
	said := r.says().Text()
	const en = "alarms, events; of radiation.*; sites east, west; lanes a; 18:00-06:00 (America/Winnipeg); at most 10 a minute; with plates and names"
	if said.EN != en || !strings.Contains(said.FR, "alarmes, événements") {
		t.Errorf("%+v", said)
	}
}
