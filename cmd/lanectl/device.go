package main

import (
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// deviceCommand groups what is done to one device.
func deviceCommand() *cobra.Command {
	c := &cobra.Command{Use: "device", Short: "help.device"}
	c.AddCommand(maintenanceCommand())
	return c
}

// maintenanceCommand begins, extends or ends the maintenance of a device.
func maintenanceCommand() *cobra.Command {
	var in api.Maintenance
	var until string
	var lasts time.Duration
	var end bool
	c := &cobra.Command{
		Use: "maintenance DEVICE", Short: "help.device-maintenance", Long: "help.device-maintenance.long", Args: cobra.ExactArgs(1),
		Example: "  lanectl device maintenance rpm-1 --for 2h --reason 'new photomultiplier'\n  lanectl device maintenance rpm-1 --end",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&in.Reason, "reason", "", "help.flag.reason")
	cli.Duration(c.Flags(), &lasts, "for", 0, "help.flag.maintenance-for")
	c.Flags().StringVar(&until, "until", "", "help.flag.maintenance-until")
	c.Flags().BoolVar(&end, "end", false, "help.flag.maintenance-end")
	c.MarkFlagsMutuallyExclusive("for", "until", "end")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		in.Device = args[0]
		if end {
			_, err = api.PostMaintenanceEnd.Do(cmd.Context(), local(*socket), api.MaintenanceEnd{Device: in.Device, Reason: in.Reason})
			return done(cmd, *socket, err, message.New("lanectl.done"))
		}
		if in.Until, err = maintenanceUntil(until, lasts, time.Now()); err != nil {
			return err
		}
		_, err = api.PostMaintenance.Do(cmd.Context(), local(*socket), in)
		return done(cmd, *socket, err, message.New("lanectl.maintenance", message.String("device", in.Device),
			message.Time("until", in.Until)))
	}
	return c
}

// done prints that an action was done, or explains why not.
func done(cmd *cobra.Command, socket string, err error, said message.Message) error {
	if err != nil {
		return explain(socket, err)
	}
	cli.Print(cmd).Say(said.Code, said.Args...)
	return nil
}

// maintenanceUntil returns the time that --until or --for mean. An hour alone is the next one of that name.
func maintenanceUntil(until string, lasts time.Duration, now time.Time) (time.Time, error) {
	if until == "" {
		if lasts <= 0 {
			return time.Time{}, cli.Usagef("lanectl.maintenance-time")
		}
		return now.Add(lasts).UTC(), nil
	}
	if t, err := time.ParseInLocation("15:04", until, now.Location()); err == nil {
		at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at.UTC(), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, until, now.Location()); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, cli.Usagef("lanectl.maintenance-until", message.Quoted("value", until))
}
