package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// clearanceCommand prints the decision in force at each booth, why, and what was decided before. Its subcommands are
// what officers do about one.
func clearanceCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "clearance", Short: "help.clearance", Long: "help.clearance.long", Args: cobra.NoArgs,
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetClearance, api.None{}, asJSON, func(b api.Booths) error {
			return printBooths(cli.Print(cmd), b)
		})
	}
	c.AddCommand(overrideCommand(), keyCommand())
	return c
}

// overrideCommand puts another outcome in force. Who and why are required: both are journalled.
func overrideCommand() *cobra.Command {
	var o api.Override
	c := &cobra.Command{
		Use: "override LANE OUTCOME", Short: "help.override", Long: "help.override.long", Args: cobra.ExactArgs(2),
		Example: "help.override.example",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "help.flag.reason")
	c.Flags().StringVar(&o.By, "by", "", "help.flag.by")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Reason == "" || o.By == "" {
			return cli.Usagef("lanectl.reason-and-by")
		}
		d, err := inForce(cmd, *socket, args[0])
		if err != nil {
			return err
		}
		o.Presentation, o.Revision, o.Outcome = d.Presentation, d.Revision, strings.ToUpper(args[1])
		if _, err := api.PostOverride.Do(cmd.Context(), local(*socket), o); err != nil {
			return explain(*socket, err)
		}
		cli.Print(cmd).Say("lanectl.done")
		return nil
	}
	return c
}

// inForce returns the decision in force at a lane's booth.
func inForce(cmd *cobra.Command, socket, lane string) (d api.Decision, err error) {
	err = show(cmd, socket, &api.GetClearance, api.None{}, false, func(b api.Booths) error {
		for _, one := range b.Booths {
			if one.Lane == lane && one.Current != nil {
				d = *one.Current
				return nil
			}
		}
		return message.Errorf("lanectl.nobody-there", message.Quoted("lane", lane))
	})
	return d, err
}

// keyCommand enters a code that does not scan.
func keyCommand() *cobra.Command {
	var in api.KeyedCode
	c := &cobra.Command{
		Use: "key LANE CODE CODE", Short: "help.key", Long: "help.key.long", Args: cobra.ExactArgs(3),
		Example: "  lanectl clearance key lane-1 123456782RM0001 123456782RM0001 --as importer-bn15",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&in.As, "as", "", "help.flag.key.as")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		in.Lane, in.Code, in.Again = args[0], args[1], args[2]
		if _, err := api.PostCode.Do(cmd.Context(), local(*socket), in); err != nil {
			return explain(*socket, err)
		}
		cli.Print(cmd).Say("lanectl.done")
		return nil
	}
	return c
}

// printBooths prints each booth: what is decided, why, and the vehicles before.
func printBooths(p cli.Printer, b api.Booths) error {
	if len(b.Booths) == 0 {
		p.Say("lanectl.no-booths")
		return nil
	}
	for _, one := range b.Booths {
		if one.Current == nil {
			p.Say("lanectl.booth-free", message.String("lane", one.Lane))
		} else {
			printDecision(p, one.Lane, one.Current)
		}
		for _, o := range one.Outputs {
			if o.Problem != nil {
				fmt.Fprintf(p.Writer, "  %s\n", cli.Plain(o.Problem.In(p.Language)))
			}
		}
		for _, d := range one.Last {
			fmt.Fprintf(p.Writer, "  %s  %-10s %s%s\n", d.At.Local().Format(time.TimeOnly), d.Called.In(p.Language), plateOr(d.Plates), worst(p, d.Reasons))
		}
	}
	return nil
}

func printDecision(p cli.Printer, lane string, d *api.Decision) {
	fmt.Fprintf(p.Writer, "%s  %s  %s\n", lane, d.Called.In(p.Language), plateOr(d.Plates))
	if d.OverriddenBy != "" {
		p.Say("lanectl.overridden", message.String("by", d.OverriddenBy), message.String("decided", d.Decided))
	}
	for _, r := range d.Reasons {
		fmt.Fprintf(p.Writer, "  %-9s %s\n", r.Outcome, cli.Plain(r.Text.In(p.Language)))
	}
	for _, s := range d.Shipments {
		fmt.Fprintf(p.Writer, "  %s %s\n", s.Outcome, strings.TrimSpace(s.Class+" "+s.CCN+s.Container+" "+s.Importer))
	}
	if len(d.Exams) > 0 {
		p.Say("lanectl.exams", message.String("exams", strings.Join(d.Exams, ", ")))
	}
}

// worst returns the first reason in words behind a separator; "" when there is none.
func worst(p cli.Printer, reasons []api.DecisionReason) string {
	if len(reasons) == 0 {
		return ""
	}
	return "  " + cli.Plain(reasons[0].Text.In(p.Language))
}

// plateOr returns the surest plate, or a dash.
func plateOr(plates []string) string {
	if len(plates) == 0 {
		return "–"
	}
	return cli.Plain(plates[0])
}
