package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lanewarden/drivers/message"
)

// languageFlag names the flag for the language of everything that a program says to people.
const languageFlag = "lang"

// addLanguage adds --lang to a program and returns the language in force. It looks through args
// itself, as help and errors of the command line are printed before cobra has read it as a whole.
// Without --lang the language is that of the person at the terminal (message.OfEnvironment). A
// language that is unknown here is reported when cobra reads the flag.
func addLanguage(root *cobra.Command, args []string) message.Language {
	l := message.OfEnvironment(os.Getenv)
	for i, arg := range args {
		text, ok := strings.CutPrefix(arg, "--"+languageFlag+"=")
		if !ok && arg == "--"+languageFlag && i+1 < len(args) {
			text, ok = args[i+1], true
		}
		if asked, err := message.ParseLanguage(text); ok && err == nil {
			l = asked
		}
	}
	def := l
	root.PersistentFlags().Var(&def, languageFlag, "help.flag.lang")
	return l
}

// LanguageOf returns the language in which a command speaks: that of --lang, else that of the
// environment.
func LanguageOf(cmd *cobra.Command) message.Language {
	if f := cmd.Flag(languageFlag); f != nil {
		if l, ok := f.Value.(*message.Language); ok {
			return *l
		}
	}
	return message.OfEnvironment(os.Getenv)
}

// Printer prints messages of the catalogue in a person's language.
type Printer struct {
	Writer   io.Writer
	Language message.Language
}

// Print returns the printer of a command's output.
func Print(cmd *cobra.Command) Printer { return Printer{cmd.OutOrStdout(), LanguageOf(cmd)} }

// PrintErr returns the printer of a command's remarks, on standard error.
func PrintErr(cmd *cobra.Command) Printer { return Printer{cmd.ErrOrStderr(), LanguageOf(cmd)} }

// Phrase returns a message of the catalogue as it stands on a terminal.
func (p Printer) Phrase(code string, args ...message.Arg) string {
	return p.In(message.New(code, args...))
}

// In returns a message as it stands on a terminal.
func (p Printer) In(m message.Message) string { return Plain(m.In(p.Language)) }

// Error returns an error in words: translated if it carries a message, else its own text.
func (p Printer) Error(err error) string { return p.In(message.Of(err)) }

// Say prints a message of the catalogue on a line of its own.
func (p Printer) Say(code string, args ...message.Arg) {
	fmt.Fprintln(p.Writer, p.Phrase(code, args...))
}

// Plain returns a text with plain spaces in place of no-break ones, so that terminal output can be
// searched and wrapped. French typography has many.
func Plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

// Table returns a table with the headings of an entry of the catalogue, separated by "|" there. The
// caller writes rows with tabs between cells, and flushes it.
func (p Printer) Table(code string, args ...message.Arg) *tabwriter.Writer {
	t := tabwriter.NewWriter(p.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(p.Phrase(code, args...), "|", "\t"))
	return t
}

// Size returns an argument that is a number of bytes, in a unit that leaves at least two digits:
// bytes, then kB and MB of 1000.
func Size(name string, n int64) message.Arg {
	switch {
	case n >= 10e6:
		return message.Nested(name, message.New("cli.megabytes", message.Int("n", n/1e6)))
	case n >= 10e3:
		return message.Nested(name, message.New("cli.kilobytes", message.Int("n", n/1e3)))
	}
	return message.Nested(name, message.New("cli.bytes", message.Count("n", n)))
}
