package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

// verifyCommand checks that journals, ledgers and exports are unaltered. It reads them while agent
// or hub run, and writes nothing. Findings are an error, with the exit code of a failure.
func verifyCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "verify PATH...", Short: "help.verify", Args: cobra.MinimumNArgs(1),
		Long: "help.verify.long",
		Example: `  lanectl verify /var/lib/lanewarden
  lanectl verify postgres://lanehub@db.example/lanewarden
  lanectl verify --key 'lanewarden/site/agent+1234abcd+...' /mnt/evidence/journal.db`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := note.NewVerifier(key); key != "" && err != nil {
				return cli.Usagef("lanectl.key", message.Quoted("value", key))
			}
			wrong := 0
			for _, path := range args {
				n, err := verify(cmd.Context(), cli.Print(cmd), path, key)
				if err != nil {
					return atPath(path, err)
				}
				wrong += n
			}
			if wrong > 0 {
				return message.Errorf("lanectl.findings", message.Count("n", wrong))
			}
			return nil
		},
	}
	c.Flags().StringVar(&key, "key", "", "help.flag.key")
	return c
}

// atPath names a path in front of an error that does not name it yet.
func atPath(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) && at.Path == path {
		err = at.Err
	}
	if strings.HasPrefix(err.Error(), path+":") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// find returns the database that a path means, and whether it is a ledger: the file itself, or the
// one in a state, journal or hub directory. A hub's has a journal of its own beside the ledger, which holds its rows, too.
func find(path string) (string, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false, err
	}
	if !info.IsDir() {
		return path, filepath.Base(path) == ledger.FileName, nil
	}
	for _, name := range []string{journal.FileName, ledger.FileName, filepath.Join("journal", journal.FileName)} {
		at := filepath.Join(path, name)
		if _, err := os.Stat(at); err == nil {
			return at, filepath.Base(at) == ledger.FileName, nil
		}
	}
	return "", false, message.Errorf("lanectl.no-journal",
		message.String("journal", journal.FileName), message.String("ledger", ledger.FileName))
}

// verify checks what is at a path and prints the verdicts. wrong is the number of findings; an
// error means that something could not be checked. key "" means the key that the database itself
// has.
func verify(ctx context.Context, p cli.Printer, path, key string) (wrong int, err error) {
	if isExport(path) {
		return verifyExport(p, path, key)
	}
	if ledger.IsURL(path) {
		return verifyLedger(ctx, p, path, key)
	}
	path, isLedger, err := find(path)
	if err != nil {
		return 0, err
	}
	wrong, err = verifyArtifacts(ctx, p, path, isLedger)
	if err != nil {
		return 0, err
	}
	if !isLedger {
		bar := cli.NewBar(os.Stderr, p.Phrase("lanectl.verifying", message.String("path", path)))
		id, report, err := journal.AuditWatched(ctx, path, key, bar.At)
		bar.End()
		if err != nil {
			return 0, err
		}
		printReport(p, path, id.Origin(), report)
		return wrong + report.Wrong, nil
	}
	more, err := verifyLedger(ctx, p, path, key)
	return wrong + more, err
}

// verifyLedger checks the journals of a ledger, at a path or a URL. The password of a URL is not printed.
func verifyLedger(ctx context.Context, p cli.Printer, path, key string) (wrong int, err error) {
	all, err := ledger.Audit(ctx, path, key)
	if err != nil {
		return 0, err
	}
	if at, err := url.Parse(path); err == nil && ledger.IsURL(path) {
		path = at.Redacted()
	}
	for _, a := range all {
		printReport(p, path, evidence.Origin(a.Site, a.Agent, a.Journal), a.Report)
		wrong += a.Report.Wrong
		if !a.Refused.IsZero() {
			p.Say("lanectl.hub-refuses", message.Nested("why", a.Refused.Message()))
			wrong++
		}
	}
	return wrong, nil
}

// verifyArtifacts hashes the artifacts that a journal or ledger has whole, and returns the number
// of those that are not what their names say. Ledgers also know artifacts that have not come yet.
func verifyArtifacts(ctx context.Context, p cli.Printer, path string, isLedger bool) (int, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.StopWith(ctx)
	// Databases of early versions have no artifacts.
	have, err := db.Int("SELECT count(*) FROM sqlite_master WHERE name='artifact'", 0)
	if err != nil || have == 0 {
		return 0, err
	}
	where, beside := journal.ArtifactsHeld, journal.SealerBeside
	if isLedger {
		where, beside = ledger.ArtifactsHeld, ledger.SealerBeside
	}
	sealer, err := beside(db, path)
	if err != nil {
		return 0, err
	}
	r, err := sqlog.CheckArtifacts(db, sealer, filepath.Dir(path), where)
	if err != nil {
		return 0, err
	}
	p.Say("lanectl.verified-artifacts", message.Nested("verdict", verdict(len(r.Findings) == 0)),
		message.String("path", path), message.Int("count", r.Count), cli.Size("size", r.Bytes))
	printFindingLines(p, r.Findings)
	return len(r.Findings), nil
}

// printReport prints the verdict on one journal's log and its findings; of very many, the report
// holds only the first.
func printReport(p cli.Printer, path, origin string, r *evidence.Report) {
	p.Say("lanectl.verified", message.Nested("verdict", verdict(r.OK())), message.String("path", path),
		message.String("origin", origin), message.Nested("rows", message.New("lanectl.rows-of", message.Count("n", r.Rows))),
		message.Int("signed", r.Signed),
		message.Nested("checkpoints", message.New("lanectl.checkpoints", message.Count("n", r.Checkpoints))),
		message.String("root", r.Root.String()))
	if r.Removed > 0 {
		p.Say("lanectl.verified-removed", message.Count("n", r.Removed))
	}
	printFindingLines(p, r.Findings)
	if more := r.Wrong - len(r.Findings); more > 0 {
		p.Say("lanectl.more-findings", message.Count("n", more))
	}
}

// printFindingLines prints what verification found, indented below its verdict.
func printFindingLines(p cli.Printer, findings []error) {
	for _, f := range findings {
		fmt.Fprintf(p.Writer, "  %s\n", p.Error(f))
	}
}

// verdict returns the word that verification found nothing, or something.
func verdict(ok bool) message.Message {
	if ok {
		return message.New("lanectl.right")
	}
	return message.New("lanectl.wrong")
}
