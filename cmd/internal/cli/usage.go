package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// Usagef makes a usage error. Its text says what is wrong and what may be written instead.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// separateUsage prepares all commands below c so that usage errors are told from failures: what fails before a command
// begins to run is wrong usage, and what fails later is only if it was made by Usage. The function that it returns says
// which an error of Execute is.
func separateUsage(root *cobra.Command) (isUsage func(error) bool) {
	running := false
	root.InitDefaultHelpCmd() // cobra would add them later, unprepared
	root.InitDefaultCompletionCmd()
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return explainFlag(err) })
	each(root, func(c *cobra.Command) {
		switch {
		case c != root && c.HasSubCommands() && !c.Runnable():
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

func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		each(sub, f)
	}
}

// onlyHelp makes a command that only groups others refuse what it has no command for. Cobra does that for the root
// alone.
func onlyHelp(c *cobra.Command) {
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var known []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				known = append(known, sub.Name())
			}
		}
		return fmt.Errorf("there is no %q; there are %s", args[0], strings.Join(known, ", "))
	}
}

// topic makes the command help refuse what there is no command for.
func topic(help *cobra.Command, args []string) error {
	if c, rest, err := help.Root().Find(args); err != nil || c.HasSubCommands() && len(rest) > 0 {
		return fmt.Errorf("there is no command %q", strings.Join(args, " "))
	}
	return nil
}

// checkArgs adds to a command's own check of its arguments that none is empty, and says how the command is written.
func checkArgs(cmd *cobra.Command, args []string, check cobra.PositionalArgs) error {
	err := check(cmd, args)
	for i, arg := range args {
		if err == nil && arg == "" {
			err = fmt.Errorf("argument %d is empty", i+1)
		}
	}
	if err == nil || cmd.HasSubCommands() {
		return err
	}
	if strings.Contains(err.Error(), "arg(s)") { // cobra's words for a wrong number
		err = fmt.Errorf("wrong number of arguments, %d", len(args))
	}
	return fmt.Errorf("%w; write: %s", err, cmd.UseLine())
}

// allowedError is the error of a flag's value that says itself what is allowed.
type allowedError string

func (e allowedError) Error() string { return string(e) }

// explainFlag says what may be written, instead of how its parser failed.
func explainFlag(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	var allowed allowedError
	if !errors.As(err, &allowed) {
		allowed = byType(flag.Value.Type())
	}
	return fmt.Errorf("--%s %q: write %s", flag.Name, invalid.GetValue(), string(allowed))
}

// byType says what may be written for pflag's own types.
func byType(name string) allowedError {
	switch name {
	case "int", "int64":
		return "a whole number that is not larger than 9223372036854775807"
	case "uint64":
		return "a whole number, 0 or more"
	case "float64":
		return "a number"
	case "duration":
		return durationForm
	case "bool":
		return "true or false"
	case "intSlice":
		return "whole numbers with commas between"
	}
	return allowedError("a " + name)
}

// OneOf makes a command want exactly one of some flags.
func OneOf(c *cobra.Command, flags ...string) {
	c.MarkFlagsOneRequired(flags...)
	c.MarkFlagsMutuallyExclusive(flags...)
}
