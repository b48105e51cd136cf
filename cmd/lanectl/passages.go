package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/observation"
	"lanewarden/edge/console"
	"lanewarden/edge/summary"
)

func passagesCommand() *cobra.Command {
	var asJSON, full bool
	c := &cobra.Command{
		Use: "passages [ID]", Short: "Vehicles in the lanes, and those that were there last", Args: cobra.MaximumNArgs(1),
		Long: "Vehicles in the lanes, and those that were there last, newest first; with an ID, all readings of that passage and why they belong to it.",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	c.Flags().BoolVar(&full, "full", false, "all readings of all passages")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON && len(args) == 1 {
			return passageJSON(cmd, *socket, args[0])
		}
		return show(cmd, *socket, "/v1/passages", asJSON, func(l console.PassageList) error { return printPassages(cmd.OutOrStdout(), l, args, full) })
	}
	return c
}

// passageJSON prints one passage with its observations, or says that it is not there.
func passageJSON(cmd *cobra.Command, socket, id string) error {
	body, err := get(cmd.Context(), socket, "/v1/passages/"+url.PathEscape(id))
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), body)
	return err
}

func printPassages(w io.Writer, list console.PassageList, args []string, full bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(args) == 0 && !full {
		fmt.Fprintln(t, "PASSAGE\tOPENED\tSTATE\tPLATE\tTAGS, CONTAINERS\tKG\tKM/H\tREADINGS\tGAPS\tALARM\tSURE")
	}
	found := false
	for _, text := range list.Passages {
		p := &observation.PassageClosed{}
		if err := observation.FromJSON(text, p); err != nil {
			return err
		}
		switch {
		case len(args) == 1 && p.Id != args[0]:
		case len(args) == 1 || full:
			found = true
			passageText(w, p)
		default:
			passageLine(t, p)
		}
	}
	if len(args) == 1 && !found {
		return fmt.Errorf("passage %q is not among the last ones; 'lanectl passages' lists them", args[0])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(args) == 0 {
		for device, s := range list.Clocks {
			if s > 2 || s < -2 {
				fmt.Fprintf(w, "clock of %s is %.1f s %s: corrected\n", device, max(s, -s), map[bool]string{true: "ahead", false: "behind"}[s > 0])
			}
		}
	}
	return nil
}

func passageState(p *observation.PassageClosed) string {
	if p.ClosedNs == 0 {
		return "OPEN"
	}
	return summary.PassageEnd(p.End).English()
}

func gaps(p *observation.PassageClosed) string {
	var out []string
	for _, s := range p.Stations {
		if s.Gap == observation.PassageGap_PASSAGE_GAP_MISSED || s.Gap == observation.PassageGap_PASSAGE_GAP_BLIND {
			out = append(out, s.Station+" "+summary.PassageGap(s.Gap).English())
		}
	}
	return strings.Join(out, ", ")
}

func clockTime(ns int64) string { return time.Unix(0, ns).UTC().Format("15:04:05.0") }

func passageLine(t io.Writer, p *observation.PassageClosed) {
	alarm := ""
	if p.Alarm {
		alarm = "ALARM"
	}
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.0f\t%.1f\t%d\t%s\t%s\t%.2f\n", p.Id, clockTime(p.OpenedNs), passageState(p), p.Plate, strings.Join(append(p.Tags, p.Containers...), " "),
		p.WeightKg, p.SpeedKph, len(p.Readings), gaps(p), alarm, p.Confidence)
}

func passageText(w io.Writer, p *observation.PassageClosed) {
	fmt.Fprintf(w, "%s  %s, %s  plate %s  %.0f kg  %.1f km/h  %.1f m\n", p.Id, passageState(p), summary.PassageDirection(p.Direction).English(), p.Plate, p.WeightKg, p.SpeedKph, p.LengthM)
	for _, r := range p.Readings {
		fmt.Fprintf(w, "  %s  row %d  %-10s %-10s %-22s %.2f  %s\n", clockTime(r.TimeNs), r.Idx, r.Station, r.Device, observation.Kind(r.Kind).Name(), r.Confidence, r.Reason)
	}
	for _, s := range p.Stations {
		if s.Gap != observation.PassageGap_PASSAGE_GAP_UNSPECIFIED {
			fmt.Fprintf(w, "  nothing from %s: %s\n", s.Station, summary.PassageGap(s.Gap).English())
		}
	}
}

func assignCommand() *cobra.Command {
	var o console.Correction
	c := &cobra.Command{
		Use: "assign ROW PASSAGE", Short: "Move a reading to the passage that it belongs to", Args: cobra.ExactArgs(2),
		Long:    "Move a reading, by its row in the journal, to the passage that it belongs to; '-' for none. The earlier assignment stays in the journal.",
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
		return give(cmd, *socket, "/v1/passages/corrections", o)
	}
	return c
}

func setCommand() *cobra.Command {
	var o console.Output
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
		o.Output, o.Value = args[1], args[2]
		return give(cmd, *socket, "/v1/devices/"+url.PathEscape(args[0])+"/outputs", o)
	}
	return c
}
