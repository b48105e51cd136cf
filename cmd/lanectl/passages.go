package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/api"
)

func passagesCommand() *cobra.Command {
	var asJSON, full, explained bool
	c := &cobra.Command{
		Use: "passages [ID]", Short: "Vehicles in the lanes, and those that were there last", Args: cobra.MaximumNArgs(1),
		Long: `Vehicles in the lanes, and those that were there last, newest first; with an ID, all readings of that passage
and why they belong to it, and those that may be its own. With --explain, what speaks for it and for the next best vehicle, in numbers.`,
		Example: "  lanectl passages lane-1-20261125T120000-4680 --explain",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	c.Flags().BoolVar(&full, "full", false, "all readings of all passages")
	c.Flags().BoolVar(&explained, "explain", false, "with an ID: what each assignment rests on")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case explained && len(args) == 0:
			return errors.New("--explain needs the ID of a passage: 'lanectl passages' lists them")
		case asJSON && len(args) == 1:
			return copyAnswer(cmd, *socket, &api.GetPassage, api.PassageQuery{ID: args[0], Explain: explained})
		case explained:
			return explainPassage(cmd, *socket, args[0])
		}
		return show(cmd, *socket, &api.GetPassages, api.PassagesQuery{}, asJSON, func(l api.PassageList) error {
			return printPassages(cmd.OutOrStdout(), l, args, full)
		})
	}
	return c
}

// explainPassage prints what the assignments of a passage's readings rest on.
func explainPassage(cmd *cobra.Command, socket, id string) error {
	var list api.PassageList
	keep := func(l api.PassageList) error { list = l; return nil }
	if err := show(cmd, socket, &api.GetPassages, api.PassagesQuery{}, false, keep); err != nil {
		return err
	}
	in := api.PassageQuery{ID: id, Explain: true}
	return show(cmd, socket, &api.GetPassage, in, false, func(d api.PassageDetail) error {
		return printExplanation(cmd.OutOrStdout(), d, vehicleNames(list))
	})
}

func assignCommand() *cobra.Command {
	var o api.Correction
	c := &cobra.Command{
		Use: "assign ROW PASSAGE", Short: "Move a reading to the passage that it belongs to", Args: cobra.ExactArgs(2),
		Long: "Move a reading, by its row in the journal, to the passage that it belongs to, of any lane; '-' for none. Any reading, open or closed passages. " +
			"The earlier assignment stays in the journal, and no later assignment changes what you say.",
		Example: "  lanectl assign 4711 lane-1-20261125T120000-4680 --by officer-7 --reason 'swab was of the other lorry'",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "why; it stands in the journal")
	c.Flags().StringVar(&o.By, "by", "", "who says so; it stands in the journal")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.Idx, err = strconv.ParseInt(args[0], 10, 64); err != nil || o.Idx < 0 {
			return cli.Usagef("ROW %q is not the number of a row: 'lanectl tail' shows them", args[0])
		}
		if o.Reason == "" || o.By == "" {
			return cli.Usagef("--reason and --by are needed: they stand in the journal")
		}
		if o.To = args[1]; o.To == "-" {
			o.To = ""
		}
		return giveCorrection(cmd, *socket, o)
	}
	return c
}

// giveCorrection has a reading moved, and says what came of it.
func giveCorrection(cmd *cobra.Command, socket string, o api.Correction) error {
	outcome, err := api.PostCorrection.Do(cmd.Context(), local(socket), o)
	if err != nil {
		return explain(socket, err)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), terminal(outcome.Summary))
	return err
}

func setCommand() *cobra.Command {
	var o api.Output
	c := &cobra.Command{
		Use: "set DEVICE OUTPUT VALUE", Short: "Set an output: a barrier, a light", Args: cobra.ExactArgs(3),
		Example: "  lanectl set io-1 barrier on --reason 'test by technician 12'",
	}
	socket := socketFlag(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "why; it stands in the journal")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Reason == "" {
			return cli.Usagef("--reason is needed: it stands in the journal")
		}
		o.Device, o.Output, o.Value = args[0], args[1], args[2]
		if _, err := api.PostOutput.Do(cmd.Context(), local(*socket), o); err != nil {
			return explain(*socket, err)
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "done")
		return err
	}
	return c
}
