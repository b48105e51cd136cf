package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// eraseCommand has a running hub erase personal data from its ledger.
func eraseCommand() *cobra.Command {
	var asked cli.Erasure
	var hub remote
	c := &cobra.Command{
		Use: "erase", Short: "help.hub-erase", Long: "help.hub-erase.long", Args: cobra.NoArgs,
		Example: "  lanehub erase --before 2026-01-31 --hub https://hub.example:8490 --token-file /etc/lanewarden/admin.token",
	}
	hub.flags(c)
	asked.Flags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		name, before, err := asked.Asked()
		if err != nil {
			return err
		}
		client, err := hub.client()
		if err != nil {
			return err
		}
		client.HTTP.Timeout = 0 // a large ledger is looked through row by row
		done, err := hubapi.Erase.Do(cmd.Context(), client, api.Erasure{Name: name, Before: before})
		if err != nil {
			return err
		}
		cli.Print(cmd).Say("lanehub.erased", message.Count("n", done.Rows))
		return nil
	}
	return c
}
