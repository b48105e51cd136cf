package booth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
)

// Environment of the program that is killed: its folder, the moment of the first row, the step, and at which time it
// comes to that step it kills itself.
const (
	killDir   = "BOOTH_KILL_DIR"
	killBegin = "BOOTH_KILL_BEGIN"
	killStep  = "BOOTH_KILL_STEP"
	killTime  = "BOOTH_KILL_TIME"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDir) == "" {
		os.Exit(m.Run())
	}
	if err := serveVehicles(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// visit is one row of a device, and what must be so when it has been decided about.
type visit struct {
	device  string
	class   observation.Class
	body    proto.Message
	outcome string // of the vehicle at the booth; "" when nobody is there
	outputs string // as they are set last
}

// visits are two vehicles, the second of which has an alarm while it is at the booth.
func visits(begin time.Time) []visit {
	code := func(value string) proto.Message {
		return &observation.VehicleCode{Text: value, Type: string(identifier.CarrierCode), Value: value, Role: "carrier",
			Check: "none", Entry: "scan"}
	}
	left := &observation.VehicleDetection{Station: "loop-out", StartNs: begin.UnixNano(), EndNs: begin.UnixNano() + 1}
	alarm := &observation.VehicleReading{Name: "height", Alarm: "too high"}
	const event, nobody = observation.Class_CLASS_EVENT, "barrier=off light-red=off"
	return []visit{
		{"scan-1", event, code("9090"), "RELEASE", "barrier=on light-red=off"},
		{"io-1", event, left, "", nobody},
		{"scan-1", event, code("8080"), "RELEASE", "barrier=on light-red=off"},
		{"io-1", observation.Class_CLASS_ALARM, alarm, "HOLD", "barrier=off light-red=on"},
		{"io-1", event, left, "", nobody},
	}
}

// said are the decisions about these vehicles: the number of the presentation, its revision, what it says.
var said = []string{"0#1 RELEASE", "0#2 RELEASE ended", "1#1 RELEASE", "1#2 HOLD", "1#3 HOLD ended"}

// killedSite is an agent with one booth that is killed. Its outputs are in a file, as a PLC keeps them.
type killedSite struct {
	dir     string
	journal *journal.Journal
	*Follower
}

// serveVehicles lets the vehicles come that have not come yet. It checks after its start, and after each row, that what
// is in force is as it must be.
func serveVehicles() (err error) {
	s := &killedSite{dir: os.Getenv(killDir)}
	s.journal, err = journal.Open(filepath.Join(s.dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.journal.Close()) }()
	lane := land()
	lane.Idle = time.Hour
	s.Follower = NewFollower([]Settings{{Lane: lane, Outputs: []Output{
		{Device: "io-1", Output: "barrier", On: []string{"RELEASE"}},
		{Device: "io-1", Output: "light-red", On: []string{"HOLD"}},
	}}}, Options{Journal: s.journal, Decide: releaseUnlessAlarm, Set: s.setOutput,
		Remember: func(*observation.ClearanceDecision) {}, ClockTrusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	s.step = killAt(os.Getenv(killStep), os.Getenv(killTime))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() { cancel(); err = errors.Join(err, <-done) }()
	return s.serve(ctx)
}

// killAt returns a function that ends the program when it comes to a step for the nth time.
func killAt(step, nth string) func(string) {
	n, _ := strconv.ParseInt(nth, 10, 64) // "" is never
	var times atomic.Int64
	return func(name string) {
		if name == step && times.Add(1) == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal is there
		}
	}
}

// releaseUnlessAlarm decides as the name says.
func releaseUnlessAlarm(_ context.Context, in *clearance.Input) clearance.Decision {
	if len(in.Vehicle.Alarms) > 0 {
		return clearance.Decision{Outcome: clearance.Hold, Policy: "test"}
	}
	return clearance.Decision{Outcome: clearance.Release, Policy: "test"}
}

// setOutput sets an output. A barrier that opens before its decision is journalled is noted.
func (s *killedSite) setOutput(_ context.Context, _, output, value, _ string) error {
	all, err := readDecisions(s.journal)
	if err != nil {
		return err
	}
	if output == "barrier" && value == "on" && (len(all) == 0 || all[len(all)-1].Outcome != "RELEASE" || all[len(all)-1].Ended) {
		output = "too-early-barrier"
	}
	f, err := os.OpenFile(s.outputs(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s=%s\n", output, value)
	s.step("set")
	return errors.Join(err, f.Close())
}

func (s *killedSite) outputs() string { return filepath.Join(s.dir, "outputs") }

// serve lets the vehicles come.
func (s *killedSite) serve(ctx context.Context) error {
	at, err := strconv.ParseInt(os.Getenv(killBegin), 10, 64)
	if err != nil {
		return err
	}
	begin, came := time.Unix(0, at), 0
	rows, err := s.journal.Read(0, 1000)
	if err != nil {
		return err
	}
	for i := range rows {
		if rows[i].Device != observation.AgentDevice {
			came++
		}
	}
	all := visits(begin)
	if came > 0 {
		if err := s.settled(all[came-1]); err != nil {
			return fmt.Errorf("after the restart: %w", err)
		}
	}
	for i, v := range all[came:] {
		o := observation.New(v.class, begin.Add(time.Duration(came+i)*time.Millisecond), v.body)
		o.Device, o.Key = v.device, fmt.Sprint("visit ", came+i)
		if _, err := s.journal.Commit(ctx, o); err != nil {
			return err
		}
		if err := s.settled(v); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until what is in force, and the outputs, are as a visit wants them.
func (s *killedSite) settled(v visit) error {
	deadline := time.Now().Add(time.Minute)
	for {
		state := State{}
		if all := s.States(); len(all) > 0 {
			state = all[0]
		}
		text, _ := os.ReadFile(s.outputs()) // not there: nothing was set
		set := lastValues(string(text))
		if state.Current.GetOutcome() == v.outcome && set == v.outputs && (v.outcome != "" || state.ended()) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s must be in force, with %s: %v, %s", v.outcome, v.outputs, state, set)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// ended reports whether the last word about the vehicle before is said.
func (s State) ended() bool { return len(s.Last) > 0 && s.Last[0].Ended }

// lastValues returns the last value of each output in a file of them.
func lastValues(text string) string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, "=")
		values[name] = strings.TrimSpace(line)
	}
	var out []string
	for _, v := range values {
		out = append(out, v)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// readDecisions returns the decisions of a journal.
func readDecisions(j *journal.Journal) (out []*observation.ClearanceDecision, err error) {
	rows, err := j.Read(0, 1000)
	for i := range rows {
		if rows[i].Kind != observation.Kind_KIND_CLEARANCE_DECISION {
			continue
		}
		o, err := rows[i].Observation()
		if err != nil {
			return nil, err
		}
		out = append(out, o.Body.GetClearanceDecision())
	}
	return out, err
}

// kills is how often the program is killed at each step.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("LANEWARDEN_KILLS")); err == nil {
		return n
	}
	return 2
}

// Killed at any step of a decision, the agent goes on with the same presentation: each decision is journalled once, the
// same ones as without a kill, and lights and barrier are as the one in force says.
func TestKill(t *testing.T) {
	for _, step := range []string{"taken", "decided", "committed", "followed", "set"} {
		t.Run(step, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
			for range kills() {
				dir, begin, nth := t.TempDir(), time.Now(), 1+rng.IntN(5)
				child(t, dir, begin, step, nth)
				if rng.IntN(2) == 0 && nth < 4 {
					child(t, dir, begin, step, 1) // and at once again
				}
				child(t, dir, begin, "", 0)
				checkSaid(t, dir, fmt.Sprintf("killed at %s, the time %d", step, nth))
			}
		})
	}
}

// child runs the program; with a step it must be killed there, without one it must end by itself.
func child(t *testing.T, dir string, begin time.Time, step string, nth int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir, killBegin+"="+strconv.FormatInt(begin.UnixNano(), 10), killStep+"="+step,
		killTime+"="+strconv.Itoa(nth))
	out, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if (step == "") != (err == nil) || step != "" && status.Signal() != syscall.SIGKILL {
		t.Fatalf("step %q, the time %d: %v\n%s", step, nth, err, out)
	}
}

// checkSaid holds the journal in a folder against what is said without a kill.
func checkSaid(t *testing.T, dir, when string) {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all, err := readDecisions(j)
	if err != nil {
		t.Fatal(err)
	}
	var got, ids []string
	for _, d := range all {
		if !slices.Contains(ids, d.Presentation) {
			ids = append(ids, d.Presentation)
		}
		text := fmt.Sprintf("%d#%d %s", slices.Index(ids, d.Presentation), d.Revision, d.Outcome)
		if d.Ended {
			text += " ended"
		}
		got = append(got, text)
	}
	if !slices.Equal(got, said) {
		t.Errorf("%s: %q, want %q", when, got, said)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "outputs")); err != nil || strings.Contains(string(text), "too-early") {
		t.Errorf("%s: outputs %v\n%s", when, err, text)
	}
}
