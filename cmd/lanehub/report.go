package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/reports"
)

// reportCommand tells what happened in a time, in figures.
func reportCommand() *cobra.Command {
	var hub remote
	var q hubapi.ReportQuery
	var asCSV, asJSON bool
	c := &cobra.Command{
		Use: "report KIND [PERIOD]", Short: "help.hub-report", Long: "help.hub-report.long", Args: cobra.RangeArgs(1, 2),
		Example: "  lanehub report month 2026-11 --zone America/Toronto --csv >november.csv\n" +
			"  lanehub report shift 2026-11-30T06 --hours 12 --site emerson-east",
	}
	hub.flags(c)
	f := c.Flags()
	f.StringVar(&q.Site, "site", "", "help.flag.passages.site")
	f.StringVar(&q.Lane, "lane", "", "help.flag.passages.lane")
	f.StringVar(&q.Device, "device", "", "help.flag.report.device")
	f.StringVar(&q.Zone, "zone", "UTC", "help.flag.report.zone")
	cli.Int(f, &q.Hours, "hours", "", 1, 24, "help.flag.report.hours")
	q.Hours = 8
	f.BoolVar(&asCSV, "csv", false, "help.flag.report.csv")
	f.BoolVar(&asJSON, "json", false, "help.flag.report.json")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		q.Kind, q.Period = args[0], strings.Join(args[1:], "")
		client, err := hub.client()
		if err != nil {
			return err
		}
		r, err := hubapi.GetReport.Ask(cmd.Context(), client, q)
		switch {
		case err != nil:
			return err
		case asCSV:
			return reports.CSV(cmd.OutOrStdout(), &r)
		case asJSON:
			return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
		}
		return printFigures(cli.Print(cmd), &r)
	}
	return c
}

// printFigures prints the figures of all, and of each lane and device.
func printFigures(p cli.Printer, r *hubapi.Report) error {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return err
	}
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04") }
	p.Say("report.head", message.String("from", at(r.From)), message.String("to", at(r.To)), message.String("zone", r.Zone))
	p.Say("report.total", message.Count("n", r.Total.Passages), message.Nested("alarms", share(r.Total.Alarms)),
		message.Nested("blind", share(r.Total.Blind)))
	for _, outcome := range slices.Sorted(maps.Keys(r.Total.Outcomes)) {
		p.Say("report.outcome", message.String("outcome", outcome), message.Count("n", r.Total.Outcomes[outcome]))
	}
	for _, class := range slices.Sorted(maps.Keys(r.Total.Classes)) {
		if code := classCodes[class]; code != "" {
			p.Say(code, message.Count("n", r.Total.Classes[class]))
		}
	}
	for i := range r.Tests {
		d := &r.Tests[i]
		p.Say(testCode(d), message.String("device", cli.Plain(d.Device)),
			message.String("test", d.Title.In(p.Language)), message.String("since", at(d.Since)))
	}
	t := p.Table("report.rows")
	row := func(site, agent, name string, n int64, alarms hubapi.Rate) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", cli.Plain(site), cli.Plain(agent), cli.Plain(name), n, p.In(share(alarms)))
	}
	for i := range r.Lanes {
		l := &r.Lanes[i]
		row(l.Site, l.Agent, l.Lane, l.Passages, l.Alarms)
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		row(d.Site, d.Agent, d.Device, d.Detections, d.Alarms)
	}
	return t.Flush()
}

// classCodes are the codes of the lines about vehicles by length.
var classCodes = map[string]string{
	"short": "report.class-short", "medium": "report.class-medium",
	"long": "report.class-long", "unknown": "report.class-unknown",
}

// testCode returns the code of the sentence about a test that is due.
func testCode(d *hubapi.DueTest) string {
	switch {
	case d.Failed:
		return "report.test-failed"
	case d.Overdue:
		return "report.test-overdue"
	}
	return "report.test-due"
}

// share says how many there are, and where it is known which share that is, with its interval of 95 %.
func share(r hubapi.Rate) message.Message {
	if r.Share == nil {
		return message.New("report.number", message.Count("n", r.N))
	}
	return message.New("report.share", message.Count("n", r.N), message.Percent("share", *r.Share, 2), message.Percent("low", *r.Low, 2),
		message.Percent("high", *r.High, 2))
}
