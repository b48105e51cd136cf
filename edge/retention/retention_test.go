package retention

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

var quiet = slog.New(slog.DiscardHandler)

// lane is a journal with a Keeper whose looks the test makes.
type lane struct {
	*Keeper
	t   *testing.T
	dir string
	j   *journal.Journal
	n   int
}

func newLane(t *testing.T, dir string, budget int64) *lane {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a", SignEvery: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	l := &lane{t: t, dir: dir, j: j, Keeper: New(j, Options{Budget: budget, Dir: dir, Log: quiet})}
	l.resume()
	return l
}

func (l *lane) see() {
	l.t.Helper()
	if err := l.look(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// row commits an observation of a class that takes a little more than its text.
func (l *lane) row(class observation.Class, text string, artifacts ...*observation.Artifact) error {
	l.n++
	o := observation.New(class, time.Unix(int64(l.n), 0), &observation.DeviceFault{Reason: fmt.Sprintf("%d %s", l.n, text)})
	o.Device, o.Body.Artifacts = "d", artifacts
	_, err := l.j.Commit(context.Background(), o)
	return err
}

// image stores an artifact of a vehicle.
func (l *lane) image(class observation.Class, size int) *observation.Artifact {
	l.t.Helper()
	l.n++
	a, err := l.j.StoreArtifact(context.Background(), bytes.NewReader(bytes.Repeat([]byte{byte(l.n), byte(l.n >> 8)}, size/2)), "image/png", "")
	if err == nil {
		err = l.row(class, "image", a)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return a
}

func (l *lane) has(a *observation.Artifact) bool {
	r, _, err := l.j.OpenArtifact(a.Sha256)
	if err == nil {
		r.Close()
	}
	return err == nil
}

func (l *lane) acknowledge(artifacts ...*observation.Artifact) {
	for _, class := range observation.Classes {
		l.j.SetAcked(class, l.j.Last(class))
	}
	for _, a := range artifacts {
		l.j.SetArtifactHeld(a.Sha256)
	}
}

// reported lists what was journalled of the disk: "condition" where it began, "condition over" where it ended, and the class.
func (l *lane) reported() (out []string) {
	rows, err := l.j.Newest(1000, 0, observation.AgentDevice)
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			l.t.Fatal(err)
		}
		if c := o.Body.GetDeviceCondition(); c != nil {
			text := c.Condition + " " + o.Class.Name()
			if c.Cleared {
				text = c.Condition + " over"
			}
			out = append(out, text)
		}
	}
	return out
}

func (l *lane) expectReported(want ...string) {
	l.t.Helper()
	if got := l.reported(); fmt.Sprint(got) != fmt.Sprint(want) {
		l.t.Errorf("reported %q, want %q", got, want)
	}
}

// What the centre holds goes first from vehicles without an alarm; what it does not hold never goes.
func TestOldestAcknowledgedGoFirst(t *testing.T) {
	const budget = 64 << 20
	l := newLane(t, t.TempDir(), budget)
	alarm := l.image(observation.Class_CLASS_ALARM, 8<<20)
	var held []*observation.Artifact
	for range 5 {
		held = append(held, l.image(observation.Class_CLASS_EVENT, 7<<20))
	}
	waits := l.image(observation.Class_CLASS_EVENT, 8<<20)
	l.acknowledge(append(held, alarm)...)
	for begin := time.Now(); ; <-time.After(5 * time.Millisecond) { // until the journal has written that
		if l.see(); !l.has(held[0]) {
			break
		} else if time.Since(begin) > 30*time.Second {
			t.Fatalf("%+v", l.State())
		}
	}
	if !l.has(alarm) || !l.has(waits) || !l.has(held[4]) {
		t.Error("an artifact is gone that was to stay")
	}
	if s := l.State(); s.Used > budget*86/100 || s.Refused != "" || s.Budget != budget {
		t.Errorf("%+v", s)
	}
	l.expectReported("disk-budget alarm")
	_, report, err := journal.Audit(t.Context(), filepath.Join(l.dir, "journal"), "")
	if err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

// With nothing acknowledged telemetry is refused, then events and images; alarms are stored. What the centre acknowledges
// then makes room again by itself.
func TestRefusesInOrder(t *testing.T) {
	const budget = 64 << 20
	dir := t.TempDir()
	l := newLane(t, dir, budget)
	text := string(make([]byte, 1_000_000))
	add := func(class observation.Class, until string) {
		t.Helper()
		for range 200 {
			if l.see(); l.State().Refused == until {
				return
			}
			if err := l.row(class, text); err != nil {
				t.Fatal(err)
			}
		}
		t.Fatalf("not reached: %+v", l.State())
	}
	add(observation.Class_CLASS_TELEMETRY, RefusedTelemetry)
	if l.row(observation.Class_CLASS_TELEMETRY, "") == nil || l.row(observation.Class_CLASS_EVENT, "") != nil {
		t.Error("telemetry is stored, or events are not")
	}
	add(observation.Class_CLASS_EVENT, RefusedEvents)
	if l.row(observation.Class_CLASS_EVENT, "") == nil || l.row(observation.Class_CLASS_ALARM, "") != nil {
		t.Error("events are stored, or alarms are not")
	}
	if s := l.State(); s.Message.EN == "" || s.Message.FR == "" {
		t.Errorf("%+v", s)
	}
	l.expectReported("disk-budget alarm", "disk-telemetry alarm", "disk-events alarm")
	if err := l.j.Close(); err != nil {
		t.Fatal(err)
	}
	n := l.n
	l = newLane(t, dir, budget) // and what was reported is not reported again
	l.n = n
	l.see()
	if s := l.State(); s.Refused == "" { // the write-ahead log is smaller at first
		t.Errorf("after a restart: %+v", s)
	}
	l.Keeper.opts.Budget = 2 * budget // rows so new are kept; the disk has become larger instead
	l.see()
	l.see()
	if s := l.State(); s.Refused != "" || s.Message.EN != "" {
		t.Errorf("with more room: %+v", s)
	}
	if l.row(observation.Class_CLASS_TELEMETRY, "") != nil {
		t.Error("telemetry is not stored")
	}
	got := l.reported()
	slices.Sort(got)
	want := []string{"disk-budget alarm", "disk-budget over", "disk-events alarm", "disk-events over", "disk-telemetry alarm", "disk-telemetry over"}
	if !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
}

// Others that fill the disk leave less than the budget.
func TestOthersFillTheDisk(t *testing.T) {
	l := newLane(t, t.TempDir(), 0)
	used, budget, err := l.measure()
	if err != nil || used <= 0 || budget <= used {
		t.Fatal(used, budget, err)
	}
	l.opts.Budget = 1 << 60
	if _, most, err := l.measure(); err != nil || most >= 1<<60 || most <= used {
		t.Errorf("of a budget beyond the disk's size %d bytes are used, %v", most, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	l := newLane(t, t.TempDir(), 1<<30)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	for l.State().Used == 0 {
		<-time.After(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPersonalDataIsKeptForItsTime: what is older is erased, once in a while, and not by a clock that nothing disciplines.
func TestPersonalDataIsKeptForItsTime(t *testing.T) {
	l := newLane(t, t.TempDir(), 1<<30)
	if err := l.row(observation.Class_CLASS_EVENT, "plate QZKX482"); err != nil {
		t.Fatal(err)
	}
	trusted := false
	l.opts.Personal, l.opts.ClockTrusted = time.Hour, func() bool { return trusted }
	erased := func() bool {
		if err := l.erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := l.j.Read(0, 1)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return rows[0].Erased
	}
	if erased() {
		t.Error("erased by a clock that may be years ahead")
	}
	trusted = true
	if !erased() {
		t.Error("kept for longer than its time")
	}
	if l.erasedAt.IsZero() {
		t.Error("it is looked through all the time")
	}
}
