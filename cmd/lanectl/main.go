// Command lanectl is the technician's tool: what an agent does, what it saw, whether it is unaltered, what a file holds.
package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
)

func main() { cli.Main(program()) }

// program returns the root command.
func program() *cobra.Command {
	root := &cobra.Command{
		Use:   "lanectl",
		Short: "help.lanectl",
		Long:  "help.lanectl.long",
	}
	root.AddCommand(
		accountCommand(), assignCommand(), auditCommand(), backupCommand(), captureCommand(), carryCommand(), casesCommand(), clearanceCommand(),
		deviceCommand(), devicesCommand(), doctorCommand(),
		enrollCommand(), eraseCommand(), exportCommand(), ordersCommand(),
		replayCommand(), passagesCommand(), restoreCommand(), setCommand(), simulateCommand(), statusCommand(), supportCommand(),
		tailCommand(), testCommand(), verifyCommand(), decodeCommand(), profileCommand(), traceCommand(),
	)
	return root
}
