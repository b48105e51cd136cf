// Package guided runs guided tests: the steps of a driver's test go in, with what a person answers and what the
// device observes; a device.test comes out, journalled and so signed with everything else.
package guided

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// Device is a device that has tests.
type Device struct {
	ID       string
	Settings any
	Tests    []driver.Test
}

// Lane is the part of the lane's supervisor that tests use: it sends commands to devices and
// returns their live samples.
type Lane interface {
	Live(device string) []driver.Sample
	Command(ctx context.Context, device, output, value, reason string) error
}

// Journal is the part of the agent's journal that tests use.
type Journal interface {
	Size() int64
	Read(from int64, maxRows int) ([]journal.Row, error)
	ReadBack(before int64, maxRows int) ([]journal.Row, error)
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Runner runs one test at a time, on the goroutine of Run. Its other methods may be called from any
// goroutine; Start and Act do something only while Run runs.
type Runner struct {
	lane    Lane
	journal Journal
	log     *slog.Logger
	start   chan *run
	acts    chan act

	mu      sync.Mutex
	devices []Device
	last    map[string]*observation.DeviceTest // by device and test
	view    *View
}

// New returns a runner of the tests of some devices.
func New(devices []Device, lane Lane, j Journal, log *slog.Logger) *Runner {
	return &Runner{devices: devices, lane: lane, journal: j, log: log, start: make(chan *run), acts: make(chan act),
		last: map[string]*observation.DeviceTest{}}
}

// SetDevices has other devices, or the same with other settings, be tested from now on. A test that runs goes on as it is.
func (r *Runner) SetDevices(devices []Device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.devices = devices
}

// list returns the devices that can be tested now.
func (r *Runner) list() []Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.devices
}

// Offer is one test that can be run.
type Offer struct {
	Device string                  `json:"device"`
	ID     string                  `json:"id"`
	Title  message.Text            `json:"title"`
	Every  time.Duration           `json:"-"`
	Due    bool                    `json:"due"`
	Last   *observation.DeviceTest `json:"-"`
}

// StepView is a step as pages show it.
type StepView struct {
	Do     message.Text `json:"do"`
	Ask    message.Text `json:"ask,omitzero"`
	Number message.Text `json:"number,omitzero"`
	State  string       `json:"state"` // waiting, now, passed, failed
	Checks []Check      `json:"checks"`
}

// Check is one result of a step, as pages show it.
type Check struct {
	Name    string       `json:"name"`           // in English
	Title   message.Text `json:"title,omitzero"` // Name in all languages
	Passed  bool         `json:"passed"`
	Value   *float64     `json:"value,omitempty"`
	Low     *float64     `json:"low,omitempty"` // least that passes
	High    *float64     `json:"high,omitempty"`
	Unit    string       `json:"unit,omitempty"`
	Text    string       `json:"text,omitempty"`   // what was seen, in English
	Message message.Text `json:"message,omitzero"` // Text in all languages
	Rows    []int64      `json:"rows,omitempty"`   // of the journal, on which it rests
}

// shown returns checks as pages show them. Those of an earlier version have their texts in English
// alone.
func shown(checks []*observation.TestCheck) []Check {
	out := make([]Check, len(checks))
	for i, c := range checks {
		out[i] = Check{
			Name: c.Name, Title: driver.DecodeMessage(c.Title, c.Name).Text(), Passed: c.Passed, Value: c.Value,
			Low: c.Low, High: c.High, Unit: c.Unit, Rows: c.Rows,
			Text: c.Text, Message: driver.DecodeMessage(c.Message, c.Text).Text(),
		}
	}
	return out
}

// View is the test that runs, or ran last.
type View struct {
	Device  string       `json:"device"`
	Test    string       `json:"test"`
	Title   message.Text `json:"title"`
	By      string       `json:"by"`
	Step    int          `json:"step"`
	Left    int          `json:"left"` // seconds of the step
	Steps   []StepView   `json:"steps"`
	Verdict string       `json:"verdict,omitempty"` // passed, failed, abandoned; empty while it runs
	Row     int64        `json:"row,omitempty"`     // of the journal, about
}

// key is the key of a device's test in Runner.last.
func key(device, test string) string { return device + "/" + test }

// Offers returns all tests in the order of the configuration, and which of them are due at a time:
// those with an interval whose last run did not pass, or is longer ago.
func (r *Runner) Offers(now time.Time) (out []Offer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.devices {
		for _, t := range d.Tests {
			last := r.last[key(d.ID, t.ID)]
			due := t.Every > 0 && (last == nil || last.Verdict != observation.DeviceTest_VERDICT_PASSED ||
				now.Sub(time.Unix(0, last.StartedNs)) > t.Every)
			out = append(out, Offer{Device: d.ID, ID: t.ID, Title: t.Title.Text(), Every: t.Every, Due: due,
				Last: last})
		}
	}
	return out
}

// View returns a copy of the test that runs or ran last; nil when none has since the start.
func (r *Runner) View() *View {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view == nil {
		return nil
	}
	v := *r.view
	v.Steps = slices.Clone(v.Steps)
	return &v
}

// Errors of Start and Act.
var (
	ErrBusy = message.Errorf("test.busy")
	ErrNone = message.Errorf("test.none")
)

// Start begins a test on behalf of by. When it returns, View shows it and Act reaches it. It
// returns ErrBusy while another test is under way, and an error for a device or test that does not
// exist or has nothing to look at.
func (r *Runner) Start(ctx context.Context, device, test, by string) error {
	for _, d := range r.list() {
		for _, t := range d.Tests {
			if d.ID != device || t.ID != test {
				continue
			}
			one := &run{Runner: r, device: d.ID, test: t, steps: t.Steps(d.Settings), by: by, inView: make(chan struct{})}
			if len(one.steps) == 0 {
				return message.Errorf("test.nothing", message.String("device", device))
			}
			select {
			case r.start <- one:
				<-one.inView
				return nil
			case <-time.After(startTimeout):
				return ErrBusy
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return message.Errorf("test.unknown", message.String("device", device), message.String("test", test))
}

// startTimeout is how long Start and Act wait for the runner, which looks for them several times a
// second.
const startTimeout = time.Second

// act carries an action of the person at the device to the runner.
type act struct {
	what   string
	number float64
	done   chan error
}

// Act answers the step under way: what is yes, no, number or abandon. It returns ErrNone when no
// test is under way, and another error when the step does not take this answer.
func (r *Runner) Act(ctx context.Context, what string, number float64) error {
	a := act{what, number, make(chan error, 1)}
	select {
	case r.acts <- a:
		return <-a.done
	case <-time.After(startTimeout):
		return ErrNone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookBack is the number of rows that are searched for earlier runs of the tests.
const lookBack = 200_000

// Run runs tests until ctx ends, and returns nil. A test that is under way then is abandoned, and
// that is journalled.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.remember(); err != nil {
		r.log.Error("the results of earlier tests cannot be read; those tests count as due", "err", err)
	}
	for {
		select {
		case one := <-r.start:
			one.run(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// remember reads the newest result of each test from the last lookBack rows of the journal.
func (r *Runner) remember() error {
	for before, left := r.journal.Size(), lookBack; before > 0 && left > 0; {
		rows, err := r.journal.ReadBack(before, min(left, 2000))
		if err != nil || len(rows) == 0 {
			return err
		}
		left -= len(rows)
		before = rows[len(rows)-1].Idx
		for i := range rows {
			if rows[i].Kind != observation.Kind_KIND_DEVICE_TEST {
				continue
			}
			o, err := rows[i].Observation()
			if err != nil {
				return err
			}
			t := o.Body.GetDeviceTest()
			r.mu.Lock()
			if k := key(o.Device, t.Test); r.last[k] == nil {
				r.last[k] = t
			}
			r.mu.Unlock()
		}
	}
	return nil
}

// run is one test under way. Its fields belong to the runner's goroutine; view is shared under mu.
type run struct {
	*Runner
	device string
	test   driver.Test
	steps  []driver.Step
	by     string
	number float64
	begun  time.Time
	next   int64         // row
	inView chan struct{} // closed when View tells of this run
}

const (
	look          = 250 * time.Millisecond
	readPage      = 500
	commitTimeout = 5 * time.Second
)

// run goes through the steps until one fails, the person abandons, or all have passed.
func (u *run) run(ctx context.Context) {
	u.begun = time.Now()
	v := &View{Device: u.device, Test: u.test.ID, Title: u.test.Title.Text(), By: u.by}
	for _, s := range u.steps {
		v.Steps = append(v.Steps, StepView{
			Do: s.Do.Text(), Ask: s.Ask.Text(), Number: s.Number.Text(), State: "waiting", Checks: []Check{},
		})
	}
	u.show(func() { u.view = v })
	close(u.inView)
	verdict := observation.DeviceTest_VERDICT_PASSED
	var all []*observation.TestCheck
	for i, s := range u.steps {
		checks, abandoned := u.step(ctx, i, s)
		if abandoned {
			verdict = observation.DeviceTest_VERDICT_ABANDONED
			break
		}
		state := "passed"
		if slices.ContainsFunc(checks, func(c *observation.TestCheck) bool { return !c.Passed }) {
			verdict, state = observation.DeviceTest_VERDICT_FAILED, "failed"
		}
		u.show(func() { v.Steps[i].State, v.Steps[i].Checks = state, shown(checks) })
		all = append(all, checks...)
		if state == "failed" {
			break // what follows would say nothing
		}
	}
	u.finish(ctx, v, verdict, all)
}

// show changes what View returns.
func (u *run) show(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
}

// step runs one step: it sets an output if the step does so, and then looks at evidence and answers
// until the step is decided. A step that nobody answers within its limit fails; one with a judge is
// decided by it, which knows when the limit is over.
func (u *run) step(ctx context.Context, i int, s driver.Step) (checks []*observation.TestCheck, abandoned bool) {
	begin := time.Now()
	u.next = u.Runner.journal.Size()
	u.show(func() { u.view.Step, u.view.Steps[i].State = i, "now" })
	if s.Set != nil {
		if err := u.lane.Command(ctx, u.device, s.Set.Output, s.Set.Value, "test "+u.test.ID+" by "+u.by); err != nil {
			return []*observation.TestCheck{driver.Failed(message.Verbatim(s.Set.Output), message.Of(err))}, false
		}
	}
	e := driver.Evidence{Number: u.number}
	typed := s.Number.IsZero()
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		e.Elapsed = time.Since(begin)
		e.Over = e.Elapsed > s.Limit
		u.show(func() { u.view.Left = max(0, int((s.Limit - e.Elapsed).Seconds())) })
		switch {
		case s.Judge != nil && typed:
			if err := u.gather(&e, begin); err != nil {
				return []*observation.TestCheck{driver.Failed(message.New("check.journal"), message.Of(err))}, false
			}
			if found, decided := s.Judge(e); decided {
				return found, false
			}
		case e.Over:
			return []*observation.TestCheck{driver.Failed(message.New("check.answer"),
				message.New("test.no-answer"))}, false
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, true
		case a := <-u.acts:
			switch {
			case a.what == "abandon":
				a.done <- nil
				return nil, true
			case (a.what == "yes" || a.what == "no") && !s.Ask.IsZero():
				a.done <- nil
				question := message.Nested("question", s.Ask)
				if a.what == "yes" {
					return []*observation.TestCheck{driver.Passed(message.New("check.answer"),
						message.New("test.yes", question))}, false
				}
				return []*observation.TestCheck{driver.Failed(message.New("check.answer"),
					message.New("test.no", question))}, false
			case a.what == "number" && !s.Number.IsZero() && !typed:
				a.done <- nil
				u.number, e.Number, typed = a.number, a.number, true
				u.show(func() { u.view.Steps[i].Number = message.Text{} })
			default:
				a.done <- message.Errorf("test.step-takes", message.Quoted("what", a.what))
			}
		}
	}
}

// gather adds the device's rows since the last look to the evidence, and its live samples since the
// step began.
func (u *run) gather(e *driver.Evidence, begin time.Time) error {
	for {
		rows, err := u.Runner.journal.Read(u.next, readPage)
		if err != nil {
			return err
		}
		for i := range rows {
			u.next = rows[i].Idx + 1
			if rows[i].Device != u.device {
				continue
			}
			o, err := rows[i].Observation()
			if err != nil {
				return err
			}
			e.Rows = append(e.Rows, driver.Row{Idx: rows[i].Idx, Observation: o})
		}
		if len(rows) < readPage {
			break
		}
	}
	e.Samples = slices.DeleteFunc(u.lane.Live(u.device), func(s driver.Sample) bool { return s.At.Before(begin) })
	return nil
}

// finish journals the result, also when ctx has ended: what was done at a device must not be lost.
// A result that cannot be journalled is shown and logged, and the test stays due.
func (u *run) finish(ctx context.Context, v *View, verdict observation.DeviceTest_Verdict,
	checks []*observation.TestCheck) {
	result := &observation.DeviceTest{Test: u.test.ID, Title: u.test.Title.English(), Verdict: verdict,
		StartedNs: u.begun.UnixNano(), By: u.by, Checks: checks}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), result)
	o.Device, o.Key = u.device, fmt.Sprintf("test %s@%d", u.test.ID, result.StartedNs)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	_, err := u.Runner.journal.Commit(ctx, o)
	row := u.Runner.journal.Size() - 1
	u.show(func() {
		v.Verdict, v.Row = map[observation.DeviceTest_Verdict]string{
			observation.DeviceTest_VERDICT_PASSED: "passed", observation.DeviceTest_VERDICT_FAILED: "failed",
			observation.DeviceTest_VERDICT_ABANDONED: "abandoned",
		}[verdict], row
		if err == nil {
			u.last[key(u.device, u.test.ID)] = result
		}
	})
	if err != nil {
		u.log.Error("the result of a test was not journalled", "device", u.device, "test", u.test.ID, "err", err)
	}
}
