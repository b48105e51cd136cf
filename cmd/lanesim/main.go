// Command lanesim simulates devices at protocol level, for demonstrations, tests and training.
package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/simulate"
)

func main() {
	root := &cobra.Command{
		Use:   "lanesim",
		Short: "Simulated devices that speak their real protocols",
		Long: `lanesim simulates devices at protocol level: a portal that an agent connects to, documents in a drop folder, recorded
daily files; and a whole demonstration with hub and agent.

` + cli.ExitCodes,
	}
	root.AddCommand(append(simulate.Devices(), simulate.Demo(), simulate.NewDriver())...)
	cli.Main(root)
}
