package driver

import (
	"context"
	"fmt"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Commander is a Driver whose device has outputs: barriers, lights, sirens.
type Commander interface {
	// Command sets an output and returns when the device has it. reason says who or what wanted it.
	Command(ctx context.Context, output, value, reason string) error
	// OutputNames are the names of the outputs, in the order of the settings.
	OutputNames() []string
}

// NoOutput is the error of an output that a device does not have: it names those that there are.
func NoOutput(output string, there []string) error {
	if len(there) == 0 {
		return message.Errorf("output.none", message.String("output", output))
	}
	return message.Errorf("output.unknown", message.String("output", output), message.Names("known", there))
}

// Command is one on its way to a driver's own goroutine.
type Command struct {
	Output, Value, Reason string
	Done                  chan error
}

// Commands hands commands to the goroutine that owns the device.
type Commands struct{ C chan Command }

// NewCommands makes an empty queue.
func NewCommands() Commands { return Commands{make(chan Command)} }

// commandTimeout bounds how long a command waits for a device.
const commandTimeout = 3 * time.Second

// Command implements Commander.
func (c Commands) Command(ctx context.Context, output, value, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	one := Command{output, value, reason, make(chan error, 1)}
	select {
	case c.C <- one:
	case <-ctx.Done():
		return message.Errorf("output.not-connected", message.String("output", output), message.String("value", value))
	}
	select {
	case err := <-one.Done:
		return err
	case <-ctx.Done():
		return message.Errorf("output.no-answer", message.String("output", output))
	}
}

// OutputSet is the observation of an output that was set, by a person for a reason in that person's words, or by the
// driver itself to the safe state.
func OutputSet(at time.Time, output, value string, reason message.Message, safe bool) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, &observation.LaneOutput{
		Output: output, Value: value, Reason: reason.English(), Message: EncodeMessage(reason), SafeState: safe,
	})
	SetKey(o, fmt.Sprintf("output %s@%d", output, at.UnixNano()))
	return o
}
