// Package backupcli has what the backup and restore commands of agent and hub share: the passphrase is asked for, the
// work is shown, and what was copied is said.
package backupcli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/backup"
)

// ConfigDir is the folder of a restored state with what belongs elsewhere: lane file, lists, keys.
const ConfigDir = "config"

// Passphrase adds --passphrase-file to a command, and returns a pointer to its value.
func Passphrase(c *cobra.Command) *string {
	return c.Flags().String("passphrase-file", "", "help.flag.passphrase-file")
}

// Save writes a backup and prints what it copied. Artifacts that are missing or damaged are named, and make an error
// after everything else was saved.
func Save(cmd *cobra.Command, file string, c backup.Content, passphraseFile string) error {
	p, remarks := cli.Print(cmd), cli.PrintErr(cmd)
	bar := cli.NewBar(os.Stderr, remarks.Phrase("backup.saving", message.String("path", c.Database.Path)))
	s, err := backup.Write(cmd.Context(), file, c, backup.Options{
		Passphrase: func() (string, error) { return Ask(cmd, "backup.ask", passphraseFile, true) }, Watch: bar.At,
	})
	bar.End()
	if err != nil {
		return err
	}
	p.Say("backup.saved", message.String("file", file), rows(s), artifacts(s), files(s), cli.Size("size", s.Bytes))
	if s.Removed > 0 {
		p.Say("backup.removed", message.Count("n", s.Removed))
	}
	for _, f := range s.Findings {
		fmt.Fprintf(remarks.Writer, "  %s\n", remarks.Error(f))
	}
	if s.Wrong > 0 {
		return message.Errorf("backup.wrong", message.Count("n", s.Wrong))
	}
	return nil
}

// RestoreCommand returns the command that restores backups of a kind.
func RestoreCommand(kind backup.Kind, use, short, long, example string) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(2)}
	passphraseFile := Passphrase(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		file, dir := args[0], args[1]
		bar := cli.NewBar(os.Stderr, cli.PrintErr(cmd).Phrase("backup.restoring", message.String("path", file)))
		s, err := backup.Restore(cmd.Context(), file, dir, kind, backup.Options{
			Passphrase: func() (string, error) { return Ask(cmd, "backup.ask", *passphraseFile, false) }, Watch: bar.At,
		})
		bar.End()
		if err != nil {
			return atFile(file, err)
		}
		p := cli.Print(cmd)
		p.Say("backup.restored", message.String("dir", dir), message.Time("time", s.Created), rows(s), artifacts(s), files(s),
			cli.Size("size", s.Bytes))
		if config := filepath.Join(dir, ConfigDir); exists(config) {
			p.Say("backup.config", message.String("dir", config))
		}
		return nil
	}
	return c
}

func rows(s backup.Summary) message.Arg {
	return message.Nested("rows", message.New("backup.rows", message.Count("n", s.Rows)))
}

func artifacts(s backup.Summary) message.Arg {
	return message.Nested("artifacts", message.New("backup.artifacts", message.Count("n", s.Artifacts)))
}

func files(s backup.Summary) message.Arg {
	return message.Nested("files", message.New("backup.files", message.Count("n", s.Files)))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// elsewhere are the codes of errors that are not of the backup's file.
var elsewhere = []string{"backup.not-empty", "backup.no-passphrase", "backup.empty-passphrase"}

// atFile names the backup in front of what is wrong with it.
func atFile(file string, err error) error {
	var said *message.Error
	if errors.As(err, &said) && strings.HasPrefix(said.Message.Code, "backup.") && !slices.Contains(elsewhere, said.Message.Code) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// Ask returns a passphrase: the first line of a file, or for "" what was typed at the terminal, for a new one twice the
// same. prompt is the code of what is said there. A passphrase is never on the command line, where other users of the machine could read it.
func Ask(cmd *cobra.Command, prompt, file string, isNew bool) (string, error) {
	if file != "" {
		return firstLine(file)
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", cli.Usagef("backup.no-passphrase")
	}
	prompts := []string{prompt, "backup.ask-again"}
	if !isNew {
		prompts = prompts[:1]
	}
	first := ""
	for i, prompt := range prompts {
		// Prompts go to standard error, so that standard output can be redirected.
		fmt.Fprint(cmd.ErrOrStderr(), cli.PrintErr(cmd).In(message.New(prompt))+" ")
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", err
		}
		if i > 0 && string(text) != first {
			return "", message.Errorf("backup.passphrases-differ")
		}
		first = string(text)
	}
	return first, nil
}

func firstLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	// A last line without an end counts too: printf writes one.
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", message.Errorf("backup.empty-passphrase", message.String("file", file))
	}
	return line, nil
}
