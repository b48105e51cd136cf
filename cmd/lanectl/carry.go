package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/carry"
	"lanewarden/sync/wire"
)

// carryCommand groups the commands that take results to the hub by hand, and its receipts back.
func carryCommand() *cobra.Command {
	c := &cobra.Command{Use: "carry", Short: "help.carry", Long: "help.carry.long"}
	c.AddCommand(carryExportCommand(), carryImportCommand())
	return c
}

// carryExportCommand writes what the hub does not have into a file. It reads the state itself, as it needs the agent's key,
// which belongs to root and the agent.
func carryExportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export STATE_DIR FILE", Short: "help.carry-export", Long: "help.carry-export.long", Args: cobra.ExactArgs(2),
		Example: "  sudo lanectl carry export /var/lib/lanewarden /mnt/usb/lane-4.tar",
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := carryExport(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			if out.Empty() {
				p.Say("lanectl.carry-nothing")
				return nil
			}
			p.Say("lanectl.carried", message.String("file", args[1]), cli.Size("size", out.Bytes),
				message.Int("alarms", out.Rows[observation.Class_CLASS_ALARM]),
				message.Int("events", out.Rows[observation.Class_CLASS_EVENT]),
				message.Int("telemetry", out.Rows[observation.Class_CLASS_TELEMETRY]), message.Int("n", out.Artifacts))
			if out.Missing > 0 {
				return message.Errorf("lanectl.carry-missing", message.Count("n", out.Missing))
			}
			return nil
		},
	}
}

// carryExport writes the file, which appears when it is whole and on the disk: a stick may be pulled out at any time. There
// is none when the hub has everything.
func carryExport(ctx context.Context, stateDir, path string) (out carry.Exported, err error) {
	if err := cli.Replaceable(path); err != nil {
		return out, err
	}
	r, err := openSigned(ctx, stateDir)
	if err != nil {
		return out, atPath(stateDir, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return out, err
	}
	out, err = carry.Export(ctx, f, r, cli.Version())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil && !out.Empty() {
		return out, os.Rename(path+".new", path)
	}
	return out, errors.Join(err, os.Remove(path+".new"))
}

// An agent signs a second after its last row; where none runs, what it has not signed stays for the next time.
const (
	signPoll = 250 * time.Millisecond
	signWait = 12 // polls
)

// openSigned opens the journal when all rows that it has now are signed, or when that has been waited for.
func openSigned(ctx context.Context, stateDir string) (*journal.Reading, error) {
	dir, rows := filepath.Join(stateDir, "journal"), int64(0)
	for poll := 0; ; poll++ {
		r, err := journal.OpenForReading(dir)
		if poll == 0 && err == nil {
			rows = r.Rows
		}
		if err != nil || r.Size() >= rows || poll == signWait {
			return r, err
		}
		if err := errors.Join(r.Close(), wire.Pause(ctx, signPoll)); err != nil {
			return nil, err
		}
	}
}

// carryImportCommand shows the agent the receipts of the hub.
func carryImportCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "import FILE", Short: "help.carry-import", Long: "help.carry-import.long", Args: cobra.ExactArgs(1),
		Example: "  lanectl carry import /mnt/usb/lane-4.receipt",
	}
	c.Flags().StringVar(&key, "hub-key", "", "help.flag.hub-key")
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		receipts := carry.SplitReceipts(string(text))
		if len(receipts) == 0 {
			return atPath(args[0], message.Errorf("carry.receipt"))
		}
		for _, receipt := range receipts {
			if _, err := api.PostReceipt.Do(cmd.Context(), local(*socket), api.Receipt{Receipt: receipt, HubKey: key}); err != nil {
				return explain(*socket, err)
			}
		}
		cli.Print(cmd).Say("lanectl.received")
		return nil
	}
	return c
}
