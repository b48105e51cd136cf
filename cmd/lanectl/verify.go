package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

func verifyCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "verify PATH...", Short: "Prove that a journal or a hub's ledger is what the agents signed", Args: cobra.MinimumNArgs(1),
		Long: `Hash every row of a journal or ledger again and hold it against the evidence log and every checkpoint that the agent
signed, and every artifact (image, document) against its name, which is its SHA-256. PATH is an agent's or hub's state directory,
a database file, or a .json file of 'lanectl export'. Works offline, and beside a running program.

Without --key the public key is taken from the database itself: that shows that nothing was changed after it was signed,
but not by whom it was signed. 'lanectl status --json' shows an agent's key as journal.verify_key.`,
		Example: `  lanectl verify /var/lib/lanewarden
  lanectl verify --key 'lanewarden/site/agent+1234abcd+...' /mnt/evidence/journal.db`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := note.NewVerifier(key); key != "" && err != nil {
				return cli.Usagef("--key %q: write a public key as 'lanectl status --json' shows it: NAME+HASH+KEY", key)
			}
			wrong := 0
			for _, path := range args {
				n, err := verify(cmd.Context(), cmd.OutOrStdout(), path, key)
				if err != nil {
					return atPath(path, err)
				}
				wrong += n
			}
			if wrong > 0 {
				return fmt.Errorf("%d %s, listed above", wrong, english.PluralWord(wrong, "finding", ""))
			}
			return nil
		},
	}
	c.Flags().StringVar(&key, "key", "", "public key of the agent that must have signed")
	return c
}

// atPath names a path in front of an error that does not yet.
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

// find returns the database that a path means, and whether it is a ledger.
func find(path string) (string, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false, err
	}
	if !info.IsDir() {
		return path, filepath.Base(path) == ledger.FileName, nil
	}
	for _, name := range []string{journal.FileName, filepath.Join("journal", journal.FileName), ledger.FileName} {
		at := filepath.Join(path, name)
		if _, err := os.Stat(at); err == nil {
			return at, filepath.Base(at) == ledger.FileName, nil
		}
	}
	return "", false, errors.New("holds neither " + journal.FileName + " nor " + ledger.FileName)
}

func verify(ctx context.Context, w io.Writer, path, key string) (wrong int, err error) {
	if isExport(path) {
		return verifyExport(w, path, key)
	}
	path, isLedger, err := find(path)
	if err != nil {
		return 0, err
	}
	wrong, err = verifyArtifacts(ctx, w, path, isLedger)
	if err != nil {
		return 0, err
	}
	if !isLedger {
		bar := cli.NewBar(os.Stderr, "verifying "+path)
		id, report, err := journal.AuditWatched(ctx, path, key, bar.At)
		bar.End()
		if err != nil {
			return 0, err
		}
		printReport(w, path, id.Origin(), report)
		return wrong + report.Wrong, nil
	}
	all, err := ledger.Audit(ctx, path, key)
	if err != nil {
		return 0, err
	}
	for _, a := range all {
		printReport(w, path, evidence.Origin(a.Site, a.Agent, a.Journal), a.Report)
		wrong += a.Report.Wrong
		if a.Refused != "" {
			fmt.Fprintf(w, "  the hub refuses this journal: %s\n", a.Refused)
			wrong++
		}
	}
	return wrong, nil
}

// verifyArtifacts hashes what journal or ledger keep whole.
func verifyArtifacts(ctx context.Context, w io.Writer, path string, isLedger bool) (int, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.StopWith(ctx)
	have, err := db.Int("SELECT count(*) FROM sqlite_master WHERE name='artifact'", 0)
	if err != nil || have == 0 {
		return 0, err
	}
	where := "1"
	if isLedger {
		where = "held != 0"
	}
	r, err := sqlog.CheckArtifacts(db, filepath.Dir(path), where)
	if err != nil {
		return 0, err
	}
	verdict := "OK"
	if len(r.Findings) > 0 {
		verdict = "WRONG"
	}
	fmt.Fprintf(w, "%s  %s  artifacts: %d, %s\n", verdict, path, r.Count, size(r.Bytes))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %s\n", f)
	}
	return len(r.Findings), nil
}

func printReport(w io.Writer, path, origin string, r *evidence.Report) {
	verdict := "OK"
	if !r.OK() {
		verdict = "WRONG"
	}
	fmt.Fprintf(w, "%s  %s  %s: %s, %d of them under %s, root %s\n", verdict, path, origin,
		english.Plural(int(r.Rows), "row", ""), r.Signed, english.Plural(r.Checkpoints, "signed checkpoint", ""), r.Root)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if more := r.Wrong - len(r.Findings); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
