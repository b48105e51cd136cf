// Command lanectl is the technician's tool: what an agent does, what it saw, whether it is unaltered, what a file holds.
package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
)

func main() {
	root := &cobra.Command{
		Use:   "lanectl",
		Short: "The technician's tool: what is wrong, what was seen, whether it is unaltered",
		Long: `lanectl asks a running lane agent over its unix socket, and reads journals, ledgers and device files by itself.

` + cli.ExitCodes,
	}
	root.AddCommand(accountCommand(), assignCommand(), captureCommand(), devicesCommand(), doctorCommand(), exportCommand(), replayCommand(), passagesCommand(), setCommand(), simulateCommand(), statusCommand(), supportCommand(), tailCommand(), testCommand(), verifyCommand(), decodeCommand(), profileCommand(), traceCommand())
	cli.Main(root)
}
