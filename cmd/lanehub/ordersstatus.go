package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/sync/hub/orders"
)

// warnBefore is how long before its end a role is to be renewed by people.
const warnBefore = 60 * 24 * time.Hour

// warnSecretDays is for how many days secrets of random checks are to be published at least.
const warnSecretDays = 7

func ordersStatusCommand(at *place) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "status", Short: "help.orders-status", Long: "help.orders-status.long", Args: cobra.NoArgs}
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := at.repository().Status()
		if err != nil {
			return err
		}
		if !s.Made {
			return message.Errorf("orders.no-repository", message.String("dir", at.dir))
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(s)
		}
		printOrders(cli.Print(cmd), s)
		return nil
	}
	return c
}

// printOrders prints roles with their keys, and files.
func printOrders(p cli.Printer, s orders.Status) {
	t := p.Table("lanehub.orders-roles")
	for _, r := range s.Roles {
		waits := ""
		if r.Waiting {
			waits = p.Phrase("lanehub.orders-signed", message.Int("n", len(r.SignedBy)), message.Int("of", r.Threshold))
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%d/%d\t%s\n", r.Role, r.Version, r.Expires.UTC().Format(time.DateOnly), r.Threshold, len(r.Keys), waits)
	}
	t.Flush()
	for _, r := range s.Roles {
		if online := r.Role == "snapshot" || r.Role == "timestamp"; !online && time.Until(r.Expires) < warnBefore {
			p.Say("lanehub.orders-ends", message.String("role", r.Role), message.Date("until", r.Expires))
		}
		for _, k := range r.Keys {
			fmt.Fprintf(p.Writer, "%s  %s\n", k, r.Role)
		}
	}
	until, soon := s.SecretsUntil(), time.Now().UTC().AddDate(0, 0, warnSecretDays).Format(time.DateOnly)
	for _, site := range slices.Sorted(maps.Keys(until)) {
		if until[site] < soon {
			p.Say("lanehub.orders-secrets-end", message.String("site", site), message.String("day", until[site]))
		}
	}
	fmt.Fprintln(p.Writer)
	t = p.Table("lanehub.orders-files")
	for _, f := range s.Files {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.12s\t%s\n", f.Path, f.Site, f.Bytes, f.SHA256, f.Role)
	}
	t.Flush()
}
