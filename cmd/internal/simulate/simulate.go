// Package simulate is the commands that run simulated devices, each in its real protocol: lanesim has all of them, lanectl those that stand
// in for a device at a lane.
package simulate

import "github.com/spf13/cobra"

// Devices returns the commands that simulate devices. Each call returns new ones, as a command
// belongs to one program.
func Devices() []*cobra.Command {
	return []*cobra.Command{tsaCommand(), n42Command(), xrayCommand(), ionscanCommand(), recordCommand(), laneCommand()}
}

// Demo returns the command that runs hub, agent and simulated devices on this machine.
func Demo() *cobra.Command { return demoCommand() }
