package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lanewarden/drivers/message"
)

// usageError marks an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Usage marks an error as one of the command line, so that the program exits with ExitUsage. A usage error is one
// that the command line has by itself, whatever the agent answers and the files hold: that a passage does not exist
// is none.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// Usagef returns a usage error that says a message: what is wrong and what may be written instead.
func Usagef(code string, args ...message.Arg) error { return Usage(message.Errorf(code, args...)) }

// separateUsage prepares all commands below root so that usage errors can be told from failures:
// what fails before a command begins to run is wrong usage; what fails later is wrong usage only if
// Usage marked it. isUsage tells it of an error that Execute has returned.
func separateUsage(root *cobra.Command) (isUsage func(error) bool) {
	running := false
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return explainFlag(err) })
	each(root, func(c *cobra.Command) {
		switch {
		case c.HasSubCommands() && !c.Runnable():
			onlyHelp(c)
		case c.Name() == "help" && c.Parent() == root:
			c.Args = topic
		}
		if check := c.Args; check != nil {
			c.Args = func(cmd *cobra.Command, args []string) error { return checkArgs(cmd, args, check) }
		}
		if run := c.RunE; run != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				running = true
				return run(cmd, args)
			}
		}
	})
	return func(err error) bool {
		var usage usageError
		return !running || errors.As(err, &usage)
	}
}

// each calls f for a command and all below it.
func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		each(sub, f)
	}
}

// onlyHelp makes a command that only groups others refuse a word that is none of them, with what
// was probably meant. Without words it prints its help.
func onlyHelp(c *cobra.Command) {
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		got := message.Quoted("command", args[0])
		if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
			return message.Errorf("cli.no-command-meant", got, message.String("meant", strings.Join(meant, ", ")))
		}
		var known []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				known = append(known, sub.Name())
			}
		}
		return message.Errorf("cli.no-command-known", got, message.String("known", strings.Join(known, ", ")))
	}
}

// topic makes the command help refuse what there is no command for.
func topic(help *cobra.Command, args []string) error {
	if c, rest, err := help.Root().Find(args); err != nil || c.HasSubCommands() && len(rest) > 0 {
		return message.Errorf("cli.no-command", message.Quoted("command", strings.Join(args, " ")))
	}
	return nil
}

// checkArgs runs a command's own check of its arguments and also refuses empty ones, which are
// unset variables of scripts. Its error shows how the command is written.
func checkArgs(cmd *cobra.Command, args []string, check cobra.PositionalArgs) error {
	err := check(cmd, args)
	for i, arg := range args {
		if err == nil && arg == "" {
			err = message.Errorf("cli.empty-argument", message.Int("place", i+1))
		}
	}
	if err == nil || cmd.HasSubCommands() {
		return err
	}
	// cobra's words for a wrong number, and for an argument of a command that has none
	if text := err.Error(); strings.Contains(text, "arg(s)") || strings.HasPrefix(text, "unknown command") {
		err = message.Errorf("cli.arguments", message.Int("n", len(args)))
	}
	return message.Wrap(err, "cli.write", message.String("line", Printer{Language: LanguageOf(cmd)}.useLine(cmd)))
}

// allowedError is the error of a flag's value; it says what is allowed.
type allowedError struct{ allowed message.Message }

func (e allowedError) Error() string { return e.allowed.English() }

// explainFlag replaces pflag's words for how its parser failed by what may be written.
func explainFlag(err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return message.Errorf("cli.no-flag", message.String("flag", "-"+unknown.GetSpecifiedName()))
	case errors.As(err, &unknown):
		return message.Errorf("cli.no-flag", message.String("flag", "--"+unknown.GetSpecifiedName()))
	case errors.As(err, &bare):
		return message.Errorf("cli.flag-value", message.String("flag", bare.GetFlag().Name))
	case !errors.As(err, &invalid):
		return err
	}
	flag := invalid.GetFlag()
	var own allowedError
	allowed := byType(flag.Value.Type())
	if errors.As(err, &own) {
		allowed = own.allowed
	}
	return message.Errorf("cli.flag-wrong", message.String("flag", flag.Name), message.Quoted("value", invalid.GetValue()),
		message.Nested("allowed", allowed))
}

// byType says what may be written for a flag of one of pflag's own types, or of a language.
func byType(name string) message.Message {
	switch name {
	case "int", "int64":
		return message.New("cli.type-int")
	case "uint64":
		return message.New("cli.type-uint")
	case "float64":
		return message.New("cli.type-number")
	case "duration":
		return message.New("cli.type-duration")
	case "bool":
		return message.New("cli.type-bool")
	case "intSlice":
		return message.New("cli.type-ints")
	case "language":
		return message.New("cli.type-language")
	}
	return message.New("cli.type-text")
}

// OneOf makes a command require exactly one of some flags.
func OneOf(c *cobra.Command, flags ...string) {
	check := c.Args
	c.Args = func(cmd *cobra.Command, args []string) error {
		given := 0
		for _, name := range flags {
			if cmd.Flags().Changed(name) {
				given++
			}
		}
		if given != 1 {
			return message.Errorf("cli.one-flag", message.String("flags", "--"+strings.Join(flags, ", --")))
		}
		return check(cmd, args)
	}
}

// Need makes a command require all of some flags.
func Need(c *cobra.Command, flags ...string) {
	check := c.Args
	c.Args = func(cmd *cobra.Command, args []string) error {
		for _, name := range flags {
			if !cmd.Flags().Changed(name) {
				return message.Errorf("cli.need-flag", message.String("flag", name))
			}
		}
		return check(cmd, args)
	}
}
