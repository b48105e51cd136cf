package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/lane"
)

// statusCommand prints the state of the agent, its journal, its link and its devices. It fails when
// a device or the link is not well, so that monitoring can use the exit code.
func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "help.status", Args: cobra.NoArgs,
		Long: "help.status.long",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetStatus, api.None{}, asJSON, func(s api.Status) error {
			printStatus(cli.Print(cmd), s)
			return unwell(s)
		})
	}
	return c
}

// devicesCommand prints the state of the devices alone, and fails when one of them is not well.
func devicesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "devices", Short: "help.devices", Args: cobra.NoArgs, Long: "help.devices.long"}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, *socket, &api.GetStatus, api.None{}, false, func(s api.Status) error {
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(s.Devices); err != nil {
					return err
				}
			} else {
				printDevices(cli.Print(cmd), s)
			}
			s.Link.Configured = false // the devices alone
			return unwell(s)
		})
	}
	return c
}

// printStatus prints the whole status, for people.
func printStatus(p cli.Printer, s api.Status) {
	p.Say("lanectl.status-agent", message.String("agent", s.Site+"/"+s.Agent), message.String("software", s.Software),
		message.Duration("up", time.Since(s.Started)))
	if s.Clock.Synchronised {
		p.Say("lanectl.status-clock", message.Quantity("error", float64(s.Clock.ErrorMs), 0, "ms"))
	} else {
		p.Say("lanectl.status-clock-off")
	}
	p.Say("lanectl.status-journal",
		message.Nested("rows", message.New("lanectl.rows-of", message.Count("n", s.Journal.Size))),
		message.Int("signed", s.Journal.Signed), message.Int("verified", s.Link.Verified),
		message.Nested("alarms", message.New("kinds.count.alarm", message.Count("n", s.Journal.Waiting["alarm"]))),
		message.Nested("events", message.New("lanectl.events", message.Count("n", s.Journal.Waiting["event"]))),
		message.Nested("telemetry", message.New("lanectl.telemetry", message.Count("n", s.Journal.Waiting["telemetry"]))))
	if s.Disk.Budget > 0 {
		p.Say("lanectl.status-disk", cli.Size("used", s.Disk.Used), cli.Size("budget", s.Disk.Budget))
	}
	if problem := s.Disk.Message.In(p.Language); problem != "" {
		fmt.Fprintf(p.Writer, "         %s\n", cli.Paint(p.Writer, cli.Red, cli.Plain(problem)))
	}
	if n := s.Journal.WaitingArtifacts; n > 0 {
		fmt.Fprintf(p.Writer, "         %s%s\n", p.Phrase("lanectl.status-artifacts", message.Int("count", n),
			cli.Size("size", s.Journal.WaitingArtifactBytes)), artifactText(p, s))
	}
	if n := s.Journal.Failures; n > 0 {
		fmt.Fprintf(p.Writer, "         %s\n", p.Phrase("lanectl.status-failures", message.Count("n", n)))
	}
	p.Say("lanectl.status-link", message.String("state", linkText(p, s.Link)))
	printPaths(p, s.Link.Paths)
	if c := s.Link.Certificate; c != nil {
		fmt.Fprintf(p.Writer, "         %s\n", p.Phrase("lanectl.status-certificate", message.Date("until", c.Until)))
		if problem := reason(p, c.Problem, c.Message); problem != "" {
			fmt.Fprintf(p.Writer, "         %s\n", cli.Paint(p.Writer, cli.Yellow, problem))
		}
	}
	if s.Link.Configured {
		printOrders(p, s.Orders)
	}
	fmt.Fprintln(p.Writer)
	printDevices(p, s)
}

// deviceReason says why a device is as it is.
func deviceReason(p cli.Printer, d lane.Status) string {
	said := reason(p, d.Reason, d.Message)
	m := d.Maintenance
	if m == nil {
		return said
	}
	said = p.Phrase("lanectl.maintained", message.String("state", stateWord(p, m.State)), message.Time("until", m.Until),
		message.String("by", m.By))
	if m.Reason != "" {
		said += p.Language.Separator("; ") + m.Reason
	}
	return cli.Plain(said)
}

// reason returns what the agent says in the printer's language; an older agent says it in English
// alone.
func reason(p cli.Printer, english string, said message.Text) string {
	if text := said.In(p.Language); text != "" {
		return cli.Plain(text)
	}
	return english
}

// printDevices prints the table of devices, the lines of those that are not well in colour.
func printDevices(p cli.Printer, s api.Status) {
	// tabwriter would count colour sequences as characters, so the table is laid out first and
	// coloured afterwards.
	var table bytes.Buffer
	t := cli.Printer{Writer: &table, Language: p.Language}.Table("lanectl.table-devices")
	for _, d := range s.Devices {
		seen := p.Phrase("lanectl.never")
		if !d.LastSeen.IsZero() {
			seen = p.Phrase("lanectl.ago", message.Duration("age", time.Since(d.LastSeen)))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", d.ID, d.Driver, d.Lane, stateWord(p, d.State),
			age(p, d.Since), seen, d.Observations, d.Alarms, d.Faults, deviceReason(p, d))
	}
	t.Flush()
	for i := -1; table.Len() > 0; i++ {
		line, _ := table.ReadString('\n') // each has one
		c := cli.Colour("")
		if i >= 0 && i < len(s.Devices) {
			c = stateColour(s.Devices[i].State)
		}
		fmt.Fprintln(p.Writer, cli.Paint(p.Writer, c, strings.TrimSuffix(line, "\n")))
	}
}

// stateWord returns the word for the state of a device; one of a newer agent is returned as it is.
func stateWord(p cli.Printer, state string) string {
	if code := "lanectl.state." + state; message.Known(code) {
		return p.In(message.New(code))
	}
	return state
}

// linkText describes the link to the centre: where none is configured, refused, up, connected but
// unanswered, or down.
func linkText(p cli.Printer, l api.Link) string {
	problem := message.String("problem", reason(p, l.Problem, l.Message))
	broker := message.String("broker", l.Broker)
	switch {
	case !l.Configured:
		return reason(p, l.Problem, l.Message)
	case l.Refused:
		return p.Phrase("lanectl.link-refused", problem)
	case l.Ready:
		return p.Phrase("lanectl.link-up", message.Duration("age", time.Since(l.Since)), broker,
			cli.Size("rate", int64(l.Rate)), message.Quantity("trip", float64(l.RTTMs), 0, "ms"),
			cli.Size("flight", int64(l.InFlight)))
	case l.Connected:
		return p.Phrase("lanectl.link-connected", broker, problem)
	}
	return p.Phrase("lanectl.link-down", message.Duration("age", time.Since(l.Since)), broker, problem)
}

// printPaths prints the ways to the centre where there are several, or where they have a bound: the one in use is marked.
func printPaths(p cli.Printer, paths []api.LinkPath) {
	if len(paths) < 2 && !slices.ContainsFunc(paths, func(l api.LinkPath) bool { return l.MonthlyBytes > 0 }) {
		return
	}
	for _, l := range paths {
		mark := " "
		if l.InUse {
			mark = "*"
		}
		args := []message.Arg{message.String("mark", mark), message.String("id", l.ID), message.String("broker", l.Broker),
			cli.Size("used", l.UsedBytes)}
		text := ""
		if l.MonthlyBytes > 0 {
			text = p.Phrase("lanectl.link-path-of", append(args, cli.Size("most", l.MonthlyBytes))...)
		} else {
			text = p.Phrase("lanectl.link-path", args...)
		}
		if held := l.Message.In(p.Language); held != "" {
			text += p.Language.Separator("; ") + cli.Paint(p.Writer, cli.Yellow, cli.Plain(held))
		}
		fmt.Fprintf(p.Writer, "         %s\n", text)
	}
}

// artifactText says which artifact is being sent, and how long all that wait will take at the
// present rate.
func artifactText(p cli.Printer, s api.Status) string {
	out := ""
	if a := s.Link.Artifact; a != nil {
		out = p.Language.Separator("; ") + p.Phrase("lanectl.artifact-now",
			message.String("name", fmt.Sprintf("%.12s…", a.SHA256)), cli.Size("held", a.Held), cli.Size("size", a.Size))
	}
	if s.Link.Ready && s.Link.Rate > 0 {
		left := time.Duration(float64(s.Journal.WaitingArtifactBytes) / float64(s.Link.Rate) * float64(time.Second))
		out += p.Language.Separator("; ") + p.Phrase("lanectl.artifact-left",
			message.Duration("left", max(left, time.Second)), cli.Size("rate", int64(s.Link.Rate)))
	}
	return cli.Plain(out)
}

// age says how long ago a time was, by this machine's clock.
func age(p cli.Printer, t time.Time) string {
	return cli.Plain(message.Span{Duration: time.Since(t)}.In(p.Language))
}

// unwell returns an error for a status in which a device is down or silent, or the link is not
// ready; nil otherwise. A device that is connecting is not counted: it may have been started just
// now.
func unwell(s api.Status) error {
	bad := 0
	for _, d := range s.Devices {
		if d.State == "down" || d.State == "silent" {
			bad++
		}
	}
	if bad > 0 {
		return message.Errorf("lanectl.devices-unwell", message.Int("bad", bad), message.Int("all", len(s.Devices)))
	}
	if s.Disk.Refused != "" {
		return message.Errorf("lanectl.disk-refuses")
	}
	if s.Link.Configured && !s.Link.Ready {
		return message.Errorf("lanectl.link-is-down")
	}
	return nil
}

// stateColour returns the colour of a device's line; none for one that runs.
func stateColour(state string) cli.Colour {
	switch state {
	case "down":
		return cli.Red
	case "silent", "connecting", "maintenance":
		return cli.Yellow
	}
	return ""
}
