package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// passagesCommand prints the passages that the agent has in memory: open ones, and the last that
// were closed. An ID chooses one, which may be of long ago.
func passagesCommand() *cobra.Command {
	var asJSON, full, explained bool
	c := &cobra.Command{
		Use: "passages [ID]", Short: "help.passages", Args: cobra.MaximumNArgs(1),
		Long:    "help.passages.long",
		Example: "  lanectl passages lane-1-20261125T120000-4680 --explain",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.Flags().BoolVar(&full, "full", false, "help.flag.full")
	c.Flags().BoolVar(&explained, "explain", false, "help.flag.explain")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case explained && len(args) == 0:
			return message.Errorf("lanectl.explain-what")
		case asJSON && len(args) == 1:
			return copyAnswer(cmd, *socket, &api.GetPassage, api.PassageQuery{ID: args[0], Explain: explained})
		case len(args) == 1:
			return onePassage(cmd, *socket, api.PassageQuery{ID: args[0], Explain: explained})
		}
		return show(cmd, *socket, &api.GetPassages, api.PassagesQuery{}, asJSON, func(l api.PassageList) error {
			return printPassages(cli.Print(cmd), l, full)
		})
	}
	return c
}

// onePassage prints a passage, however old, or what the assignments of its readings rest on. It asks twice: the list
// has the names of the other vehicles.
func onePassage(cmd *cobra.Command, socket string, in api.PassageQuery) error {
	var list api.PassageList
	keep := func(l api.PassageList) error { list = l; return nil }
	if err := show(cmd, socket, &api.GetPassages, api.PassagesQuery{}, false, keep); err != nil {
		return err
	}
	return show(cmd, socket, &api.GetPassage, in, false, func(d api.PassageDetail) error {
		if in.Explain {
			return printExplanation(cli.Print(cmd), d, vehicleNames(list))
		}
		p := &observation.PassageClosed{}
		if err := observation.FromJSON(d.Passage, p); err != nil {
			return err
		}
		return passageText(cli.Print(cmd), p, vehicleNames(list))
	})
}

// assignCommand puts a reading into another passage, "-" for none. Who and why are required: both
// are journalled, and no later evidence overrides what a person says.
func assignCommand() *cobra.Command {
	var o api.Correction
	c := &cobra.Command{
		Use: "assign ROW PASSAGE", Short: "help.assign", Args: cobra.ExactArgs(2),
		Long:    "help.assign.long",
		Example: "help.assign.example",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "help.flag.reason")
	c.Flags().StringVar(&o.By, "by", "", "help.flag.by")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.Idx, err = strconv.ParseInt(args[0], 10, 64); err != nil || o.Idx < 0 {
			return cli.Usagef("lanectl.no-row", message.Quoted("value", args[0]))
		}
		if o.Reason == "" || o.By == "" {
			return cli.Usagef("lanectl.reason-and-by")
		}
		if o.To = args[1]; o.To == "-" {
			o.To = ""
		}
		return giveCorrection(cmd, *socket, o)
	}
	return c
}

// giveCorrection asks the agent to move a reading, and prints what came of it.
func giveCorrection(cmd *cobra.Command, socket string, o api.Correction) error {
	outcome, err := api.PostCorrection.Do(cmd.Context(), local(socket), o)
	if err != nil {
		return explain(socket, err)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), cli.Plain(outcome.Summary.In(cli.LanguageOf(cmd))))
	return err
}

// setCommand switches an output of a device: a barrier, a light. The reason is journalled.
func setCommand() *cobra.Command {
	var o api.Output
	c := &cobra.Command{
		Use: "set DEVICE OUTPUT VALUE", Short: "help.set", Args: cobra.ExactArgs(3),
		Example: "help.set.example",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "help.flag.reason")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Reason == "" {
			return cli.Usagef("lanectl.reason")
		}
		o.Device, o.Output, o.Value = args[0], args[1], args[2]
		if _, err := api.PostOutput.Do(cmd.Context(), local(*socket), o); err != nil {
			return explain(*socket, err)
		}
		cli.Print(cmd).Say("lanectl.done")
		return nil
	}
	return c
}
