package driver

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Test is a guided test: steps that a person does at the device, each judged by what the device then says.
type Test struct {
	ID    string // "background"
	Title message.Message
	Every time.Duration // how often it is due; 0 for when it is needed
	// Steps returns the steps for a device with these settings (of the type of the Spec's Config).
	Steps func(settings any) []Step
}

// Step is one step of a guided test. It has a Judge, or an Ask that the person answers; a Number is asked for before
// the Judge begins.
type Step struct {
	Do     message.Message
	Set    *SetOutput      // an output that is set when the step begins
	Number message.Message // what number the person shall type, "mass of the weight, kg"; zero for none
	Ask    message.Message // a question whose answer yes passes; zero for none
	Limit  time.Duration   // after which the step has failed
	// Judge looks at what the device said since the step began, and returns what it finds, or decided false while it
	// is too early to say. When the limit passes it is asked a last time, with Over set.
	Judge func(Evidence) (checks []*observation.TestCheck, decided bool)
}

// SetOutput is an output to set.
type SetOutput struct{ Output, Value string }

// Evidence holds the observations of a device during a step.
type Evidence struct {
	Rows    []Row    // of the device, oldest first
	Samples []Sample // live ones
	Elapsed time.Duration
	Over    bool    // the limit has passed
	Number  float64 // that the person typed, in this step or an earlier one
}

// Row is an observation with its index in the journal.
type Row struct {
	Idx int64
	*observation.Observation
}

// check returns a check with the fields that all checks have.
func check(name message.Message, rows []int64) *observation.TestCheck {
	return &observation.TestCheck{Name: name.English(), Title: EncodeMessage(name), Rows: rows}
}

// Passed is a check that needs no number.
func Passed(name, text message.Message, rows ...int64) *observation.TestCheck {
	c := check(name, rows)
	c.Passed, c.Text, c.Message = true, text.English(), EncodeMessage(text)
	return c
}

// Failed is a check that failed.
func Failed(name, text message.Message, rows ...int64) *observation.TestCheck {
	c := check(name, rows)
	c.Text, c.Message = text.English(), EncodeMessage(text)
	return c
}

// Within is a check of a value against limits; nil for no limit.
func Within(name message.Message, value float64, low, high *float64, unit string, rows ...int64) *observation.TestCheck {
	ok := (low == nil || value >= *low) && (high == nil || value <= *high)
	c := check(name, rows)
	c.Passed, c.Value, c.Low, c.High, c.Unit = ok, &value, low, high, unit
	return c
}

// WaitFor makes a Judge that waits for a row that find takes, and fails with missing when the limit passes without.
func WaitFor(name, missing message.Message,
	find func(Row) *observation.TestCheck) func(Evidence) ([]*observation.TestCheck, bool) {
	return func(e Evidence) ([]*observation.TestCheck, bool) {
		for _, r := range e.Rows {
			if c := find(r); c != nil {
				return []*observation.TestCheck{c}, true
			}
		}
		if e.Over {
			return []*observation.TestCheck{Failed(name, missing)}, true
		}
		return nil, false
	}
}

// Pulse is the step of a loop or beam: a vehicle, or a metal plate, comes and goes.
func Pulse(station string) Step {
	name := message.Verbatim(station)
	return Step{
		Do:    message.New("test.pulse.step", message.String("station", station)),
		Limit: 3 * time.Minute,
		Judge: WaitFor(name, message.New("test.pulse.none"), func(r Row) *observation.TestCheck {
			if d := r.Body.GetVehicleDetection(); d != nil && d.Station == station && d.EndNs != 0 {
				on := time.Duration(d.EndNs - d.StartNs)
				return Passed(name, message.New("test.pulse.on", message.ExactDuration("for", on)), r.Idx)
			}
			return nil
		}),
	}
}

// Cycle is the steps of an output that goes on and off: the person says what it does.
func Cycle(output string) (out []Step) {
	named := message.String("output", output)
	off := Step{
		Do: message.New("test.cycle.off", named), Ask: message.New("test.cycle.is-off", named),
		Set: &SetOutput{Output: output, Value: "off"}, Limit: 2 * time.Minute,
	}
	on := off
	on.Do, on.Ask = message.New("test.cycle.on", named), message.New("test.cycle.is-on", named)
	on.Set = &SetOutput{Output: output, Value: "on"}
	return []Step{off, on, off}
}

// IOTests are the guided tests of inputs and outputs, by the names that the settings give them.
func IOTests(detectors, outputs func(settings any) []string) []Test {
	const week = 7 * 24 * time.Hour
	return []Test{
		{
			ID: "detectors", Title: message.New("test.detectors.title"), Every: week,
			Steps: func(settings any) (out []Step) {
				for _, name := range detectors(settings) {
					out = append(out, Pulse(name))
				}
				return out
			},
		},
		{
			ID: "outputs", Title: message.New("test.outputs.title"), Every: week,
			Steps: func(settings any) (out []Step) {
				for _, name := range outputs(settings) {
					out = append(out, Cycle(name)...)
				}
				return out
			},
		},
	}
}
