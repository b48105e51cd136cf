// Command lanesim simulates devices at protocol level, for demonstrations, tests and training.
package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/fleet"
	"lanewarden/cmd/internal/simulate"
)

func main() { cli.Main(program()) }

// program returns the root command. It has all simulators, the demonstration, fleets that load
// a hub, and the beginning of new drivers.
func program() *cobra.Command {
	root := &cobra.Command{
		Use:   "lanesim",
		Short: "help.lanesim",
		Long:  "help.lanesim.long",
	}
	root.AddCommand(append(simulate.Devices(), simulate.Demo(), fleet.Command(), simulate.NewDriver())...)
	return root
}
