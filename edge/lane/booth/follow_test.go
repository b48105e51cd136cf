package booth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
)

// site is an agent with one booth, its journal, and outputs that note what they were set to.
type site struct {
	*testing.T
	dir     string
	journal *journal.Journal
	*Follower
	stop func()

	mu     sync.Mutex
	set    []string
	broken bool // outputs cannot be set
	strict bool // a code that was keyed in is referred
}

// newSite returns a site that runs.
func newSite(t *testing.T) *site {
	s := &site{T: t, dir: filepath.Join(t.TempDir(), "journal")}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) start() {
	s.Helper()
	j, err := journal.Open(s.dir, journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		s.Fatal(err)
	}
	s.journal = j
	lane := land()
	lane.Idle = time.Hour
	s.Follower = NewFollower([]Settings{{Lane: lane, Keyed: "scan-1", Outputs: []Output{
		{Device: "io-1", Output: "barrier", On: []string{"RELEASE"}},
		{Device: "io-1", Output: "light-red", On: []string{"REFER", "HOLD"}},
	}}}, Options{
		Journal: j, Decide: s.decide, Remember: func(*observation.ClearanceDecision) {}, Set: s.setOutput, ClockTrusted: func() bool { return true },
		Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Follower.Run(ctx); err != nil {
			s.Error(err)
		}
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := j.Close(); err != nil {
			s.Error(err)
		}
	})
}

// decide holds for an alarm, refers what was keyed in where that is strict, else releases.
func (s *site) decide(_ context.Context, in *clearance.Input) clearance.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := clearance.Decision{Outcome: clearance.Release, Policy: "test"}
	add := func(outcome clearance.Outcome, code string, row int64) {
		d.Reasons = append(d.Reasons, clearance.Reason{
			Code: "TEST", Outcome: outcome, Rows: []int64{row}, Text: message.Verbatim(code),
		})
		if severity(string(outcome)) > severity(string(d.Outcome)) {
			d.Outcome = outcome
		}
	}
	for _, a := range in.Vehicle.Alarms {
		add(clearance.Hold, "alarm", a.Row)
	}
	for _, c := range in.Presented.Codes {
		if c.Manual && s.strict {
			add(clearance.Refer, "manual", c.Row)
		}
	}
	return d
}

func (s *site) setOutput(_ context.Context, device, output, value, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errors.New("no answer")
	}
	s.set = append(s.set, fmt.Sprint(device, ".", output, "=", value))
	return nil
}

func (s *site) commit(device string, class observation.Class, body proto.Message) {
	s.Helper()
	o := observation.New(class, time.Now(), body)
	o.Device = device
	o.Key = fmt.Sprint(time.Now().UnixNano())
	if _, err := s.journal.Commit(s.Context(), o); err != nil {
		s.Fatal(err)
	}
}

func (s *site) scan(value string) {
	s.commit("scan-1", observation.Class_CLASS_EVENT, &observation.VehicleCode{
		Text: value, Type: string(identifier.CarrierCode), Value: value, Role: "carrier", Check: "none", Entry: "scan",
	})
}

// until waits until a condition holds.
func (s *site) until(what string, holds func(State) bool) State {
	s.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		state := State{}
		all := s.States()
		if len(all) > 0 {
			state = all[0]
		}
		if len(all) > 0 && holds(state) {
			return state
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s: not so: %+v", what, state)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.Context().Done():
		}
	}
}

func (s *site) untilOutcome(outcome string) *observation.ClearanceDecision {
	s.Helper()
	return s.until(outcome, func(st State) bool { return st.Current.GetOutcome() == outcome }).Current
}

// untilSet waits until the outputs' last values are these.
func (s *site) untilSet(want ...string) {
	s.Helper()
	s.until("outputs "+strings.Join(want, " "), func(st State) bool {
		var now []string
		for _, o := range st.Outputs {
			now = append(now, o.Output+"="+o.Value)
		}
		return slices.Equal(now, want)
	})
}

// decisions returns the journal's decisions.
func (s *site) decisions() (out []*observation.ClearanceDecision) {
	s.Helper()
	rows, err := s.journal.Read(0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range rows {
		if r.Kind != observation.Kind_KIND_CLEARANCE_DECISION {
			continue
		}
		b := &observation.Body{}
		if err := proto.Unmarshal(r.Body, b); err != nil {
			s.Fatal(err)
		}
		out = append(out, b.GetClearanceDecision())
	}
	return out
}

func (s *site) left() {
	now := time.Now()
	s.commit("io-1", observation.Class_CLASS_EVENT, &observation.VehicleDetection{
		Station: "loop-out", StartNs: now.Add(-time.Second).UnixNano(), EndNs: now.UnixNano(),
	})
}

func TestDecisionIsJournalledAndOutputsFollow(t *testing.T) {
	s := newSite(t)
	s.untilSet("barrier=off", "light-red=off")
	s.scan("8080")
	s.untilOutcome("RELEASE")
	s.untilSet("barrier=on", "light-red=off")
	s.commit("io-1", observation.Class_CLASS_ALARM, &observation.VehicleReading{Name: "height", Alarm: "too high"})
	d := s.untilOutcome("HOLD")
	s.untilSet("barrier=off", "light-red=on")
	s.left()
	s.until("gone", func(st State) bool { return st.Current == nil && len(st.Last) == 1 && st.Last[0].Ended })
	s.untilSet("barrier=off", "light-red=off")
	all := s.decisions()
	if len(all) != 3 || all[0].Outcome != "RELEASE" || all[1].Outcome != "HOLD" || !all[2].Ended || all[2].Revision != 3 {
		t.Errorf("journalled: %v", all)
	}
	if rows := rowsOf(d); len(rows) != 2 {
		t.Errorf("the decision rests on %v", rows)
	}
}

func TestOverrideHoldsAgainstWhatWasSeen(t *testing.T) {
	s := newSite(t)
	s.scan("8080")
	s.commit("io-1", observation.Class_CLASS_ALARM, &observation.VehicleReading{Name: "height", Alarm: "too high"})
	d := s.until("held", func(st State) bool { return st.Current.GetOutcome() == "HOLD" }).Current
	for name, c := range map[string]struct {
		presentation    string
		revision        uint32
		outcome, reason string
		want            string
	}{
		"another presentation": {"x", d.Revision, "RELEASE", "r", "booth.no-presentation"},
		"a decision before":    {d.Presentation, d.Revision - 1, "RELEASE", "r", "booth.revised"},
		"no outcome":           {d.Presentation, d.Revision, "LET GO", "r", "booth.no-outcome"},
		"no reason":            {d.Presentation, d.Revision, "RELEASE", "", "booth.no-reason"},
	} {
		err := s.Override(t.Context(), c.presentation, c.revision, c.outcome, "4127", c.reason)
		if message.Of(err).Code != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Override(t.Context(), d.Presentation, d.Revision, "RELEASE", "4127", "measured by hand"); err != nil {
		t.Fatal(err)
	}
	d = s.untilOutcome("RELEASE")
	if d.OverriddenBy != "4127" || d.Decided != "HOLD" {
		t.Errorf("in force: %v", d)
	}
	s.untilSet("barrier=on", "light-red=off")
	s.commit("io-1", observation.Class_CLASS_ALARM, &observation.VehicleReading{Name: "height", Alarm: "again"})
	if d := s.untilOutcome("HOLD"); d.OverriddenBy != "" {
		t.Errorf("an alarm that the officer did not see: %v", d)
	}
}

// The centre holds a vehicle at the booth by its plate.
func TestOverrideByPlate(t *testing.T) {
	s := newSite(t)
	if err := s.OverrideVehicle(t.Context(), "BKL 7302", "HOLD", "centre", "stolen"); message.Of(err).Code != "booth.not-there" {
		t.Error(err)
	}
	s.commit("lpr-2", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Plate: "BKL 7302", Normal: "BKL7302", Confidence: 0.9})
	s.untilOutcome("RELEASE")
	if err := s.OverrideVehicle(t.Context(), "BKL 7302", "HOLD", "centre", "stolen"); err != nil {
		t.Fatal(err)
	}
	if d := s.untilOutcome("HOLD"); d.OverriddenBy != "centre" {
		t.Error(d)
	}
}

func TestKeyedCode(t *testing.T) {
	s := newSite(t)
	s.strict = true
	if err := s.Key(t.Context(), "lane-1", "8080", "8081", ""); message.Of(err).Code != "booth.keyed-differs" {
		t.Error(err)
	}
	if err := s.Key(t.Context(), "lane-2", "8080", "8080", ""); message.Of(err).Code != "booth.not-keyed" {
		t.Error(err)
	}
	if err := s.Key(t.Context(), "lane-1", "8080", "8080", string(identifier.Container)); message.Of(err).Code != "booth.not-a" {
		t.Error(err)
	}
	if err := s.Key(t.Context(), "lane-1", "8080", "8080", string(identifier.CarrierCode)); err != nil {
		t.Fatal(err)
	}
	s.untilOutcome("REFER")
}

// After a restart the vehicle is still at the booth, nothing is said twice, and the outputs are set again.
func TestRestart(t *testing.T) {
	s := newSite(t)
	s.scan("8080")
	before := s.untilOutcome("RELEASE")
	s.untilSet("barrier=on", "light-red=off")
	s.stop()
	s.set = nil
	s.start()
	after := s.untilOutcome("RELEASE")
	if after.Presentation != before.Presentation || after.Revision != before.Revision || len(s.decisions()) != 1 {
		t.Errorf("before %v\nafter %v", before, after)
	}
	s.untilSet("barrier=on", "light-red=off")
	s.commit("io-1", observation.Class_CLASS_ALARM, &observation.VehicleReading{Name: "height", Alarm: "too high"})
	if d := s.untilOutcome("HOLD"); d.Revision != 2 {
		t.Errorf("the next decision: %v", d)
	}
}

// A vehicle that left while the agent was down, before it was decided about, is decided about when the agent is back. What
// came to a booth that was not there yet is not.
func TestVehicleThatLeftWhileDown(t *testing.T) {
	s := newSite(t)
	down := func(do func()) {
		s.stop()
		j, err := journal.Open(s.dir, journal.Options{Site: "s", Agent: "a"})
		if err != nil {
			t.Fatal(err)
		}
		s.journal = j
		do()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		s.start()
	}
	down(func() { s.scan("8080"); s.left() })
	s.untilSet("barrier=off", "light-red=off")
	s.scan("9090")
	s.untilOutcome("RELEASE")
	s.left()
	s.until("gone", func(st State) bool { return len(st.Last) == 1 && st.Last[0].Ended })
	down(func() { s.scan("7070"); s.left() })
	s.until("decided", func(st State) bool { return len(st.Last) == 2 && st.Last[0].Ended })
	if all := s.decisions(); len(all) != 3 || all[2].Revision != 1 || all[2].Presentation == all[0].Presentation {
		t.Errorf("journalled: %v", all)
	}
}

// A device that does not answer holds no decision up, and is tried again. One that comes back is set once more.
func TestOutputsThatFail(t *testing.T) {
	s := newSite(t)
	s.mu.Lock()
	s.broken = true
	s.mu.Unlock()
	s.scan("8080")
	s.untilOutcome("RELEASE")
	s.until("said", func(st State) bool { return st.Outputs[0].Problem != nil })
	s.mu.Lock()
	s.broken = false
	s.mu.Unlock()
	s.untilSet("barrier=on", "light-red=off")
	s.mu.Lock()
	s.set = nil
	s.mu.Unlock()
	s.commit("io-1", observation.Class_CLASS_EVENT, &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING})
	s.untilSetAgain()
	s.commit("io-1", observation.Class_CLASS_EVENT, &observation.LaneOutput{Output: "barrier", Value: "off", SafeState: true})
	s.untilSetAgain()
}

// untilSetAgain waits until the barrier was opened once more.
func (s *site) untilSetAgain() {
	s.Helper()
	s.until("set again", func(State) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		again := slices.Contains(s.set, "io-1.barrier=on")
		if again {
			s.set = nil
		}
		return again
	})
}
