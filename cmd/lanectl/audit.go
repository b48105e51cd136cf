package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance/draw"
)

// auditCommand groups what can be recomputed from a journal by someone who does not trust the lane.
func auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "help.audit"}
	var secret string
	random := &cobra.Command{
		Use: "random DAY PATH", Short: "help.audit-random", Args: cobra.ExactArgs(2),
		Long: "help.audit-random.long",
		Example: `  lanectl audit random 2026-12-01 /var/lib/lanewarden
  lanectl audit random 2026-12-01 /mnt/copy/journal.db --secret 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
		RunE: func(cmd *cobra.Command, args []string) error { return auditRandom(cmd, args[0], args[1], secret) },
	}
	random.Flags().StringVar(&secret, "secret", "", "help.flag.audit.secret")
	c.AddCommand(random)
	return c
}

// auditRandom recomputes a day's draws and prints what it finds. Findings are an error, with the exit code of a failure.
func auditRandom(cmd *cobra.Command, day, path, secret string) error {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return cli.Usagef("lanectl.audit-day", message.Quoted("value", day))
	}
	var key []byte
	if secret != "" {
		var err error
		if key, err = hex.DecodeString(secret); err != nil || len(key) != draw.SecretSize {
			return cli.Usagef("lanectl.audit-secret", message.Int("bytes", draw.SecretSize))
		}
	}
	db, isLedger, err := find(path)
	if err != nil {
		return atPath(path, err)
	}
	if isLedger {
		return message.Errorf("lanectl.audit-ledger")
	}
	a := draw.NewAudit(day, key)
	if err := journal.Each(db, func(r *journal.Row) error { return addRow(a, r) }); err != nil {
		return atPath(path, err)
	}
	return printAudit(cli.Print(cmd), a.Report())
}

// addRow hands a row to an audit, if it is of a kind that audits read.
func addRow(a *draw.Audit, r *journal.Row) error {
	if r.Kind != observation.Kind_KIND_CLEARANCE_DECISION && r.Kind != observation.Kind_KIND_CLEARANCE_SECRET {
		return nil
	}
	o, err := r.Observation()
	if err != nil {
		return fmt.Errorf("%d: %w", r.Idx, err)
	}
	a.Add(r.Idx, o)
	return nil
}

// printAudit prints a report, and returns an error when something does not agree.
func printAudit(p cli.Printer, r draw.Report) error {
	p.Say("lanectl.audit-draws", message.Nested("verdict", verdict(r.Agrees())), message.String("day", r.Day),
		message.Nested("draws", message.New("lanectl.draws", message.Count("n", r.Draws))),
		message.Int("kept", r.Kept), message.Nested("rows", message.New("lanectl.rows-of", message.Count("n", r.Decisions))))
	wrong := len(r.Findings) + r.More
	for _, t := range r.Rates {
		p.Say("lanectl.audit-rate", message.Nested("verdict", verdict(t.Agrees)), message.Percent("rate", t.Rate, 3),
			message.Int("selected", t.Selected), message.Int("draws", t.Draws), message.Int("least", t.Least),
			message.Int("most", t.Most))
		if !t.Agrees {
			wrong++
		}
	}
	if r.Unproven > 0 {
		p.Say("lanectl.audit-unproven", message.Count("n", r.Unproven))
	}
	for _, f := range r.Findings {
		p.Say("lanectl.audit-row", message.String("row", fmt.Sprint(f.Row)), message.Nested("why", f.Why))
	}
	if r.More > 0 {
		p.Say("lanectl.more-findings", message.Count("n", r.More))
	}
	if wrong > 0 {
		return message.Errorf("lanectl.findings", message.Count("n", wrong))
	}
	return nil
}
