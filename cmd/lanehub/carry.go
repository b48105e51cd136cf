package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// carryCommand groups the commands for what is carried between lanes and hub.
func carryCommand() *cobra.Command {
	var hub remote
	c := &cobra.Command{Use: "carry", Short: "help.hub-carry", Long: "help.hub-carry.long"}
	hub.flags(c)
	c.AddCommand(carryImportCommand(&hub))
	return c
}

// carryImportCommand has a running hub take a file in, and writes its receipts.
func carryImportCommand(hub *remote) *cobra.Command {
	return &cobra.Command{
		Use: "import FILE RECEIPT", Short: "help.hub-carry-import", Long: "help.hub-carry-import.long", Args: cobra.ExactArgs(2),
		Example: "  lanehub carry import /mnt/usb/lane-4.tar /mnt/usb/lane-4.receipt",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if err := cli.Replaceable(args[1]); err != nil {
				return err
			}
			client, err := hub.client()
			if err != nil {
				return err
			}
			client.HTTP.Timeout = 0 // a file of images takes its time
			out, err := os.OpenFile(args[1]+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
			if err != nil {
				return err // before anything is sent
			}
			answer, err := hubapi.TakeCarried.Send(cmd.Context(), client, api.None{}, f)
			if err == nil {
				_, err = io.Copy(out, answer)
				err = errors.Join(err, answer.Close())
			}
			if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
				err = os.Rename(args[1]+".new", args[1])
			}
			if err != nil {
				return errors.Join(err, os.Remove(args[1]+".new"))
			}
			cli.Print(cmd).Say("lanehub.carried", message.String("file", args[1]))
			return nil
		},
	}
}
