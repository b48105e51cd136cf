package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/api"

	"lanewarden/drivers/message"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "Say how agent, devices, journal and link are", Args: cobra.NoArgs,
		Long: "Say how agent, devices, journal and link are. Exits 1 when a device or the link is not well.",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	language := cli.Language(c.Flags())
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetStatus, api.None{}, asJSON, func(s api.Status) error {
			printStatus(cmd.OutOrStdout(), s, *language)
			return unwell(s)
		})
	}
	return c
}

func devicesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "devices", Short: "Show the state of each device", Args: cobra.NoArgs, Long: "Show the state of each device. Exits 1 when one has a fault."}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	language := cli.Language(c.Flags())
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetStatus, api.None{}, false, func(s api.Status) error {
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(s.Devices); err != nil {
					return err
				}
			} else {
				printDevices(cmd.OutOrStdout(), s, *language)
			}
			s.Link.Configured = false // the devices alone
			return unwell(s)
		})
	}
	return c
}

func printStatus(w io.Writer, s api.Status, language message.Language) {
	fmt.Fprintf(w, "agent    %s/%s, %s, up %s\n", s.Site, s.Agent, s.Software, age(s.Started))
	clock := fmt.Sprintf("synchronised, error about %d ms", s.Clock.ErrorMs)
	if !s.Clock.Synchronised {
		clock = "NOT synchronised (adjtimex): its error is unknown. Is a time service running?"
	}
	fmt.Fprintf(w, "clock    %s\n", clock)
	fmt.Fprintf(w, "journal  %d %s, %d signed, %d checked by the hub; waiting: %d %s, %d events, %d telemetry\n",
		s.Journal.Size, english.PluralWord(int(s.Journal.Size), "row", ""), s.Journal.Signed, s.Link.Verified,
		s.Journal.Waiting["alarm"], english.PluralWord(int(s.Journal.Waiting["alarm"]), "alarm", ""),
		s.Journal.Waiting["event"], s.Journal.Waiting["telemetry"])
	if n := s.Journal.WaitingArtifacts; n > 0 {
		fmt.Fprintf(w, "         images and documents on their way to the hub: %d, %s%s\n", n, size(s.Journal.WaitingArtifactBytes), artifactText(s))
	}
	if s.Journal.Failures > 0 {
		fmt.Fprintf(w, "         %d %s FAILED: look at disk space and the agent's log\n",
			s.Journal.Failures, english.PluralWord(int(s.Journal.Failures), "transaction", ""))
	}
	fmt.Fprintf(w, "link     %s\n", linkText(s.Link, language))
	fmt.Fprintln(w)
	printDevices(w, s, language)
}

// reason is what the agent says in a language; an older agent says it in English alone.
func reason(english string, said message.Text, language message.Language) string {
	if text := said.In(language); text != "" {
		return strings.ReplaceAll(text, "\u00a0", " ")
	}
	return english
}

func printDevices(w io.Writer, s api.Status, language message.Language) {
	var table bytes.Buffer
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DEVICE\tDRIVER\tLANE\tSTATE\tFOR\tLAST SEEN\tOBSERVED\tALARMS\tFAULTS\tREASON")
	for _, d := range s.Devices {
		seen := "never"
		if !d.LastSeen.IsZero() {
			seen = age(d.LastSeen) + " ago"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", d.ID, d.Driver, d.Lane, d.State, age(d.Since), seen, d.Observations, d.Alarms, d.Faults,
			reason(d.Reason, d.Message, language))
	}
	t.Flush()
	for i := -1; table.Len() > 0; i++ {
		line, _ := table.ReadString('\n') // each has one
		c := cli.Colour("")
		if i >= 0 && i < len(s.Devices) {
			c = stateColour(s.Devices[i].State)
		}
		fmt.Fprintln(w, cli.Paint(w, c, strings.TrimSuffix(line, "\n")))
	}
}

func linkText(l api.Link, language message.Language) string {
	problem := reason(l.Problem, l.Message, language)
	switch {
	case !l.Configured:
		return problem
	case l.Refused:
		return "REFUSED: " + problem
	case l.Ready:
		return fmt.Sprintf("up for %s to %s, %d B/s, round trip %d ms, %d %s in flight",
			age(l.Since), l.Broker, l.Rate, l.RTTMs, l.InFlight, english.PluralWord(l.InFlight, "byte", ""))
	case l.Connected:
		return fmt.Sprintf("connected to %s, but %s", l.Broker, problem)
	}
	return fmt.Sprintf("DOWN for %s: %s: %s", age(l.Since), l.Broker, problem)
}

// artifactText says what is being sent, and when all will be done as it goes.
func artifactText(s api.Status) string {
	out := ""
	if a := s.Link.Artifact; a != nil {
		out = fmt.Sprintf("; now %.12s…, %s of %s", a.SHA256, size(a.Held), size(a.Size))
	}
	if s.Link.Ready && s.Link.Rate > 0 {
		left := time.Duration(float64(s.Journal.WaitingArtifactBytes) / float64(s.Link.Rate) * float64(time.Second))
		out += fmt.Sprintf("; done in about %s at %s/s", max(left.Round(time.Second), time.Second), size(int64(s.Link.Rate)))
	}
	return out
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 10e6:
		return fmt.Sprintf("%d MB", n/1e6)
	case n >= 10e3:
		return fmt.Sprintf("%d kB", n/1e3)
	}
	return fmt.Sprintf("%d %s", n, english.PluralWord(int(n), "byte", ""))
}

func age(t time.Time) string {
	d := time.Since(t)
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Minute).String()
}

// unwell is the error of a status in which something is wrong.
func unwell(s api.Status) error {
	bad := 0
	for _, d := range s.Devices {
		if d.State == "down" || d.State == "silent" {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("devices not well: %d of %d", bad, len(s.Devices))
	}
	if s.Link.Configured && !s.Link.Ready {
		return fmt.Errorf("the link is down")
	}
	return nil
}

// stateColour is a device state's.
func stateColour(state string) cli.Colour {
	switch state {
	case "down":
		return cli.Red
	case "silent", "connecting":
		return cli.Yellow
	}
	return ""
}
