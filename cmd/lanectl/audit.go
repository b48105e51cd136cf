package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/sync/hub/ledger"
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
	if ledger.IsURL(path) {
		return auditRandomLedger(cmd, day, path, key)
	}
	db, isLedger, err := find(path)
	if err != nil {
		return atPath(path, err)
	}
	if isLedger {
		return auditRandomLedger(cmd, day, db, key)
	}
	a := draw.NewAudit(day, key)
	if err := journal.Each(db, func(r *journal.Row) error { return addRow(a, r) }); err != nil {
		return atPath(path, err)
	}
	return printAudit(cli.Print(cmd), a.Report())
}

// auditRandomLedger recomputes a day's draws of each journal of a ledger that has some, from its rows alone.
func auditRandomLedger(cmd *cobra.Command, day, path string, key []byte) error {
	type one struct {
		of    ledger.Summary
		audit *draw.Audit
	}
	var all []one
	kinds := []observation.Kind{observation.Kind_KIND_CLEARANCE_DECISION, observation.Kind_KIND_CLEARANCE_SECRET}
	err := ledger.EachBody(cmd.Context(), path, kinds, func(s ledger.Summary, idx int64, o *observation.Observation) error {
		if len(all) == 0 || !bytes.Equal(all[len(all)-1].of.Journal, s.Journal) {
			all = append(all, one{s, draw.NewAudit(day, key)})
		}
		all[len(all)-1].audit.Add(idx, o)
		return nil
	})
	if err != nil {
		return atPath(path, err)
	}
	p := cli.Print(cmd)
	var wrong []error
	for _, a := range all {
		report := a.audit.Report()
		if report.Decisions == 0 && report.Agrees() {
			continue
		}
		p.Say("lanectl.audit-journal", message.String("origin", evidence.Origin(a.of.Site, a.of.Agent, a.of.Journal)))
		wrong = append(wrong, printAudit(p, report))
	}
	return errors.Join(wrong...)
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
