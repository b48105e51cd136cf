package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// ordersCommand groups the commands for what comes down from the centre.
func ordersCommand() *cobra.Command {
	c := &cobra.Command{Use: "orders", Short: "help.lane-orders", Long: "help.lane-orders.long"}
	c.AddCommand(ordersImportCommand(), ordersStatusCommand())
	return c
}

// ordersImportCommand has the agent take what is in a folder.
func ordersImportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "import DIR", Short: "help.lane-orders-import", Long: "help.lane-orders-import.long", Args: cobra.ExactArgs(1),
		Example: "  lanectl orders import /mnt/usb/orders",
	}
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		taken, err := api.PostOrders.Do(cmd.Context(), local(*socket), api.OrdersFolder{Dir: dir})
		if err != nil {
			return explain(*socket, err)
		}
		cli.Print(cmd).Say("lanectl.orders-taken", message.Count("n", taken.Files))
		return nil
	}
	return c
}

// ordersStatusCommand prints what has come down.
func ordersStatusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "help.lane-orders-status", Args: cobra.NoArgs}
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetStatus, api.None{}, false, func(s api.Status) error {
			p := cli.Print(cmd)
			printOrders(p, s.Orders)
			t := p.Table("lanectl.orders-files")
			for _, f := range s.Orders.Targets {
				here := p.Phrase("lanectl.orders-not-here")
				if f.Here {
					here = p.Phrase("lanectl.orders-here")
				}
				fmt.Fprintf(t, "%s\t%s\t%d\t%.12s\t%s\n", f.Path, f.Site, f.Bytes, f.SHA256, here)
			}
			t.Flush()
			return nil
		})
	}
	return c
}

// printOrders prints a line about what comes down, and what is wrong with it.
func printOrders(p cli.Printer, o api.Orders) {
	problem := reason(p, o.Problem, o.Message)
	switch {
	case !o.Configured || o.Timestamp == 0:
		p.Say("lanectl.status-orders-none", message.String("problem", problem))
		return
	case o.Stale:
		p.Say("lanectl.status-orders-stale", message.Int("version", o.Timestamp), message.Time("signed", o.Signed),
			message.Duration("age", o.Trusted.Sub(o.Signed)))
	default:
		p.Say("lanectl.status-orders-line", message.Int("version", o.Timestamp), message.Time("signed", o.Signed),
			message.Int("files", len(o.Targets)))
	}
	if f := o.Fetching; f != nil {
		fmt.Fprintf(p.Writer, "         %s\n", p.Phrase("lanectl.artifact-now", message.String("name", fmt.Sprintf("%.12s…", f.SHA256)),
			cli.Size("held", f.Held), cli.Size("size", f.Size)))
	}
	if problem != "" {
		fmt.Fprintf(p.Writer, "         %s\n", cli.Paint(p.Writer, cli.Yellow, problem))
	}
}
