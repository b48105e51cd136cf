// Package cli is what the four programs share: version, exit codes, logging, stopping on signals.
package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
)

// ExitOK, ExitError and ExitUsage are the exit codes of all programs; help and man pages name them.
const (
	ExitOK    = 0
	ExitError = 1 // it did not work, and the message says why
	ExitUsage = 2 // the command line was wrong
)

// version is set by the release build.
var version = ""

// Version returns the program's version: that of the release, or else the commit it was built from,
// dev-COMMIT.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return "dev-" + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "dev"
}

// Built returns the time of the commit that the program was built from; the zero time when that is not known.
func Built() (t time.Time) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				t, _ = time.Parse(time.RFC3339, s.Value)
			}
		}
	}
	return t
}

// Main runs a program until it ends by itself or SIGINT or SIGTERM comes, and exits with its code.
// It does not return.
func Main(root *cobra.Command) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, root))
}

// run prepares the texts of a program, runs it, and returns its exit code. Errors are printed here
// and nowhere else, in the person's language; those of the command line are followed by where to
// find help.
func run(ctx context.Context, root *cobra.Command) int {
	root.SilenceUsage, root.SilenceErrors, root.Version = true, true, Version()
	addGenerate(root)
	p := Printer{root.ErrOrStderr(), addLanguage(root, os.Args[1:])}
	if err := drivers.AddTexts(); err != nil {
		fmt.Fprintf(p.Writer, "%s: %v\n", root.Name(), err)
		return ExitError
	}
	addHelp(root, p.Language)
	isUsage := separateUsage(root)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(p.Writer, "%s: %s\n", root.Name(), p.Error(err))
	if isUsage(err) {
		p.Say("cli.try", message.String("path", cmd.CommandPath()))
		return ExitUsage
	}
	return ExitError
}

// Log returns the logger of a daemon, and makes it the default one: text on a terminal, JSON
// elsewhere, both to stderr. It logs in English: programs and support read it.
func Log(verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, o))
	if Terminal(os.Stderr) {
		log = slog.New(slog.NewTextHandler(os.Stderr, o))
	}
	slog.SetDefault(log)
	return log
}

// Terminal reports whether a file is a terminal.
func Terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
