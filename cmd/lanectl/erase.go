package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// eraseCommand has the agent erase personal data. What is erased at the lane is erased at the hub by the row that
// says so.
func eraseCommand() *cobra.Command {
	var asked cli.Erasure
	c := &cobra.Command{
		Use: "erase", Short: "help.erase", Long: "help.erase.long", Args: cobra.NoArgs,
		Example: "  lanectl erase --name \"ABC 1234\"\n  lanectl erase --before 2026-01-31",
	}
	asked.Flags(c)
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		name, before, err := asked.Asked()
		if err != nil {
			return err
		}
		done, err := api.PostErasure.Do(cmd.Context(), local(*socket), api.Erasure{Name: name, Before: before})
		if err != nil {
			return explain(*socket, err)
		}
		p := cli.Print(cmd)
		p.Say("lanectl.erased", message.Count("n", done.Rows),
			message.String("artifacts", strconv.FormatInt(done.Artifacts, 10)))
		if done.InClear > 0 {
			p.Say("lanectl.erased-clear", message.Count("n", done.InClear))
		}
		return nil
	}
	return c
}
