package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/sheet"
	"lanewarden/sync/hub/orders/listbook"
)

// listsCommand groups the commands for the lists that lanes clear vehicles by.
func listsCommand() *cobra.Command {
	c := &cobra.Command{Use: "lists", Short: "help.lists", Long: "help.lists.long"}
	c.AddCommand(checkListCommand(), importListCommand(), diffListsCommand(), showListsCommand())
	return c
}

// maxMegabytes adds the flag for the size that a file may have.
func maxMegabytes(c *cobra.Command) *int {
	most := sheet.DefaultMaxBytes >> 20
	cli.Int(c.Flags(), &most, "max-mb", "", 1, math.MaxInt32, "help.flag.lists-max-mb")
	return &most
}

// bookDir adds the flag for the hub's directory.
func bookDir(c *cobra.Command) *string {
	return c.Flags().String("dir", "/var/lib/lanehub", "help.flag.lists-dir")
}

// checkListCommand reads a file and says what an import would refuse.
func checkListCommand() *cobra.Command {
	var most *int
	c := &cobra.Command{
		Use: "check LIST FILE", Short: "help.lists-check", Args: cobra.ExactArgs(2),
		Example: "  lanehub lists check drivers drivers.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer f.Close()
			report, err := listbook.Check(lists.Kind(args[0]), f, int64(*most)<<20)
			if err != nil {
				return err
			}
			printReport(cmd, report)
			if report.Count() > 0 {
				return message.Errorf("lists.has-refusals")
			}
			return nil
		},
	}
	most = maxMegabytes(c)
	return c
}

// importListCommand makes a new version of a list.
func importListCommand() *cobra.Command {
	var s listbook.Source
	var most *int
	var dir *string
	c := &cobra.Command{
		Use: "import LIST FILE", Short: "help.lists-import", Long: "help.lists-import.long", Args: cobra.ExactArgs(2),
		Example: "  lanehub lists import targets targets.csv --note 'week 49'",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer f.Close()
			s.In, s.Name, s.MaxBytes = f, filepath.Base(args[1]), int64(*most)<<20
			e, report, err := listbook.Open(*dir).Import(lists.Kind(args[0]), s)
			if report != nil {
				printReport(cmd, report)
			}
			if err != nil {
				return err
			}
			cli.Print(cmd).Say("lists.imported", message.String("kind", args[0]), message.Int("number", e.Number),
				message.Int("rows", e.Rows))
			return nil
		},
	}
	dir, most = bookDir(c), maxMegabytes(c)
	c.Flags().StringVar(&s.Note, "note", "", "help.flag.lists-note")
	c.Flags().StringVar(&s.By, "by", personAtTerminal(), "help.flag.lists-by")
	c.Flags().BoolVar(&s.SkipRefused, "skip-refused", false, "help.flag.lists-skip-refused")
	return c
}

// personAtTerminal is the account that runs the program; behind sudo, the one that asked for it.
func personAtTerminal() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// printReport says what a file is and everything that was refused.
func printReport(cmd *cobra.Command, r *sheet.Report) {
	p := cli.PrintErr(cmd)
	for _, one := range r.Refusals {
		fmt.Fprintln(p.Writer, message.Capital(p.In(one.Message())))
	}
	if r.More > 0 {
		p.Say("lists.more-refused", message.Int("more", r.More))
	}
	format := message.String("format", r.Format)
	if r.Delimiter != 0 {
		p.Say("lists.report-csv", format, message.String("encoding", r.Encoding),
			message.Quoted("delimiter", string(r.Delimiter)),
			message.Int("rows", r.Rows), message.Int("refused", r.Refused))
	} else if r.Format != "" {
		p.Say("lists.report-json", format, message.Int("rows", r.Rows), message.Int("refused", r.Refused))
	}
}

// diffListsCommand prints the rows in which two versions differ.
func diffListsCommand() *cobra.Command {
	var dir *string
	c := &cobra.Command{
		Use: "diff LIST FROM TO", Short: "help.lists-diff", Long: "help.lists-diff.long", Args: cobra.ExactArgs(3),
		Example: "  lanehub lists diff drivers 11 12",
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := lists.Kind(args[0])
			from, err := versionNumber(args[1])
			if err != nil {
				return err
			}
			to, err := versionNumber(args[2])
			if err != nil {
				return err
			}
			var added, changed, removed int64
			out := cmd.OutOrStdout()
			err = listbook.Open(*dir).Diff(kind, from, to, func(d lists.Difference) error {
				switch {
				case d.Before == nil:
					added++
				case d.After == nil:
					removed++
				default:
					changed++
				}
				return printDifference(out, kind, d)
			})
			if err != nil {
				return err
			}
			cli.PrintErr(cmd).Say("lists.differences", message.Int("added", added), message.Int("changed", changed),
				message.Int("removed", removed))
			return nil
		},
	}
	dir = bookDir(c)
	return c
}

func versionNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, cli.Usagef("lists.no-number", message.Quoted("value", text))
	}
	return n, nil
}

// printDifference prints one row: + added, - removed, each as CSV; ~ changed, with its cells before and after.
func printDifference(out io.Writer, kind lists.Kind, d lists.Difference) error {
	before, err := cellsOf(kind, d.Before)
	if err != nil {
		return err
	}
	after, err := cellsOf(kind, d.After)
	if err != nil {
		return err
	}
	switch {
	case before == nil:
		_, err = fmt.Fprintf(out, "+ %s\n", strings.Join(after, ","))
	case after == nil:
		_, err = fmt.Fprintf(out, "- %s\n", strings.Join(before, ","))
	default:
		var changes []string
		for i, name := range sheet.Columns(kind) {
			if before[i] != after[i] {
				changes = append(changes, fmt.Sprintf("%s %q → %q", name, before[i], after[i]))
			}
		}
		_, err = fmt.Fprintf(out, "~ %s: %s\n", strings.Join(keyCells(before, after), ","), strings.Join(changes, ", "))
	}
	return err
}

func cellsOf(kind lists.Kind, r *lists.Row) ([]string, error) {
	if r == nil {
		return nil, nil
	}
	return sheet.Cells(kind, *r)
}

// keyCells are the first cells of a row that did not change: they say which row it is.
func keyCells(before, after []string) []string {
	n := 0
	for n < min(len(before), 3) && before[n] == after[n] {
		n++
	}
	return before[:n]
}

// showListsCommand prints what versions there are, or the rows of one.
func showListsCommand() *cobra.Command {
	var asJSON bool
	var dir *string
	c := &cobra.Command{
		Use: "show [LIST [VERSION]]", Short: "help.lists-show", Long: "help.lists-show.long", Args: cobra.MaximumNArgs(2),
		Example: "  lanehub lists show\n  lanehub lists show drivers\n  lanehub lists show drivers 12 > drivers.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			book := listbook.Open(*dir)
			if len(args) < 2 {
				return showVersions(cmd, book, args, asJSON)
			}
			number, err := versionNumber(args[1])
			if err != nil {
				return err
			}
			return showRows(cmd.OutOrStdout(), book, lists.Kind(args[0]), number)
		},
	}
	dir = bookDir(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.lists-json")
	return c
}

// showVersions prints the newest version of each list, or all of one.
func showVersions(cmd *cobra.Command, book *listbook.Book, args []string, asJSON bool) error {
	var all []listbook.Entry
	for _, kind := range lists.Kinds() {
		if len(args) > 0 && args[0] != string(kind) {
			continue
		}
		versions, err := book.Versions(kind)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			versions = versions[:min(1, len(versions))]
		}
		all = append(all, versions...)
	}
	if len(args) > 0 && !slices.Contains(lists.Kinds(), lists.Kind(args[0])) {
		return message.Errorf("lists.no-kind", message.Quoted("kind", args[0]))
	}
	if asJSON {
		return printVersionsJSON(cmd.OutOrStdout(), all)
	}
	p := cli.Print(cmd)
	w := p.Table("lists.table-versions")
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%x\t%s\t%s\n", e.Kind, e.Number, message.Int("rows", e.Rows).Value.In(p.Language),
			e.Issued.UTC().Format("2006-01-02 15:04 MST"), e.SHA256[:4], e.By, e.Note)
	}
	return w.Flush()
}

// versionJSON is a version as show --json prints it.
type versionJSON struct {
	List    string    `json:"list"`
	Number  int64     `json:"number"`
	Issued  time.Time `json:"issued"`
	Rows    int64     `json:"rows"`
	SHA256  string    `json:"sha256"`
	By      string    `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"`
	Source  string    `json:"source,omitempty"`
	Skipped int64     `json:"skipped,omitempty"`
}

func printVersionsJSON(out io.Writer, all []listbook.Entry) error {
	shown := []versionJSON{}
	for _, e := range all {
		shown = append(shown, versionJSON{string(e.Kind), e.Number, e.Issued, e.Rows, fmt.Sprintf("%x", e.SHA256), e.By,
			e.Note, e.Source,
			e.Skipped})
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(shown)
}

// showRows prints a version as a CSV file that can be imported again.
func showRows(out io.Writer, book *listbook.Book, kind lists.Kind, number int64) error {
	w := csv.NewWriter(out)
	if err := w.Write(sheet.Columns(kind)); err != nil {
		return err
	}
	err := book.Rows(kind, number, func(r lists.Row) error {
		cells, err := sheet.Cells(kind, r)
		if err != nil {
			return err
		}
		return w.Write(cells)
	})
	w.Flush()
	return errors.Join(err, w.Error())
}
