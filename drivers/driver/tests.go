package driver

import (
	"fmt"
	"time"

	"lanewarden/drivers/observation"
)

// Words are a text in the languages of those who stand at the lane.
type Words struct {
	EN string `json:"en"`
	FR string `json:"fr"`
}

// Test is a guided test: steps that a person does at the device, each judged by what the device then says.
type Test struct {
	ID    string // "background"
	Title Words
	Every time.Duration // how often it is due; 0 for when it is needed
	// Steps returns the steps for a device with these settings (of the type of the Spec's Config).
	Steps func(settings any) []Step
}

// Step is one step of a guided test. It has a Judge, or an Ask that the person answers; a Number is asked for before the Judge begins.
type Step struct {
	Do     Words
	Set    *SetOutput    // an output that is set when the step begins
	Number *Words        // what number the person shall type, "mass of the weight, kg"
	Ask    *Words        // a question whose answer yes passes
	Limit  time.Duration // after which the step has failed
	// Judge looks at what the device said since the step began, and returns what it finds, or decided false while it is too early to say.
	// When the limit passes it is asked a last time, with Over set.
	Judge func(Evidence) (checks []*observation.TestCheck, decided bool)
}

// SetOutput is an output to set.
type SetOutput struct{ Output, Value string }

// Evidence is what a device said in a step.
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

// Passed is a check that needs no number.
func Passed(name, text string, rows ...int64) *observation.TestCheck {
	return &observation.TestCheck{Name: name, Passed: true, Text: text, Rows: rows}
}

// Failed is a check that failed.
func Failed(name, text string, rows ...int64) *observation.TestCheck {
	return &observation.TestCheck{Name: name, Text: text, Rows: rows}
}

// Within is a check of a value against limits; nil for no limit.
func Within(name string, value float64, low, high *float64, unit string, rows ...int64) *observation.TestCheck {
	ok := (low == nil || value >= *low) && (high == nil || value <= *high)
	return &observation.TestCheck{Name: name, Passed: ok, Value: &value, Low: low, High: high, Unit: unit, Rows: rows}
}

// WaitFor makes a Judge that waits for a row that find takes, and fails with missing when the limit passes without.
func WaitFor(name, missing string, find func(Row) *observation.TestCheck) func(Evidence) ([]*observation.TestCheck, bool) {
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
	return Step{
		Do:    Words{EN: fmt.Sprintf("Drive over %s, or hold a metal plate over it, and away again.", station), FR: fmt.Sprintf("Roulez sur %s, ou tenez-y une plaque de métal, puis éloignez-vous.", station)},
		Limit: 3 * time.Minute,
		Judge: WaitFor(station, "no pulse came: loop, amplifier, wire to the input", func(r Row) *observation.TestCheck {
			if d := r.Body.GetVehicleDetection(); d != nil && d.Station == station && d.EndNs != 0 {
				return Passed(station, fmt.Sprintf("on for %.1f s", float64(d.EndNs-d.StartNs)/1e9), r.Idx)
			}
			return nil
		}),
	}
}

// Cycle is the steps of an output that goes on and off: the person says what it does.
func Cycle(output string) (out []Step) {
	for _, c := range []struct {
		value string
		words Words
	}{{"off", Words{EN: "off", FR: "éteint ou fermé"}}, {"on", Words{EN: "on", FR: "allumé ou ouvert"}}, {"off", Words{EN: "off", FR: "éteint ou fermé"}}} {
		out = append(out, Step{
			Do:  Words{EN: fmt.Sprintf("Stand clear. %s is set to %s.", output, c.words.EN), FR: fmt.Sprintf("Tenez-vous à l’écart. %s est mis : %s.", output, c.words.FR)},
			Set: &SetOutput{Output: output, Value: c.value}, Limit: 2 * time.Minute,
			Ask: &Words{EN: fmt.Sprintf("Is %s %s?", output, c.words.EN), FR: fmt.Sprintf("%s est-il %s ?", output, c.words.FR)},
		})
	}
	return out
}

// IOTests are the guided tests of inputs and outputs, by the names that the settings give them.
func IOTests(detectors, outputs func(settings any) []string) []Test {
	const week = 7 * 24 * time.Hour
	return []Test{
		{
			ID: "detectors", Title: Words{EN: "Loops and beams", FR: "Boucles et barrières optiques"}, Every: week,
			Steps: func(settings any) (out []Step) {
				for _, name := range detectors(settings) {
					out = append(out, Pulse(name))
				}
				return out
			},
		},
		{
			ID: "outputs", Title: Words{EN: "Barrier and lights, one cycle", FR: "Barrière et feux, un cycle"}, Every: week,
			Steps: func(settings any) (out []Step) {
				for _, name := range outputs(settings) {
					out = append(out, Cycle(name)...)
				}
				return out
			},
		},
	}
}
