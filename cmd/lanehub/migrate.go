package main

import (
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

// migrateCommand moves the ledger of a hub that does not run from SQLite to PostgreSQL.
func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate DIR URL", Short: "help.hub-migrate", Long: "help.hub-migrate.long", Args: cobra.ExactArgs(2),
		Example: "  lanehub migrate /var/lib/lanehub postgres://lanehub@db.example/lanewarden",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			unlock, err := journal.Lock(args[0], "lanehub")
			if err != nil {
				return err
			}
			defer unlock()
			moved, err := ledger.Migrate(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			wrong := 0
			for _, a := range moved.Audited {
				wrong += a.Report.Wrong
			}
			p := cli.Print(cmd)
			p.Say("lanehub.migrated", message.Count("n", moved.Rows), message.Int("journals", len(moved.Audited)))
			if wrong > 0 { // the same things are wrong in both
				return message.Errorf("lanectl.findings", message.Count("n", wrong))
			}
			return nil
		},
	}
}
