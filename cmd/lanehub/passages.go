package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/sync/hub/hubapi"
)

// vehicle is what the commands here need of a passage's document.
type vehicle struct {
	ID            string   `json:"id"`
	Lane          string   `json:"lane"`
	Plate         string   `json:"plate"`
	Containers    []string `json:"containers"`
	OpenedNs      int64    `json:"openedNs,string"`
	Alarm         bool     `json:"alarm"`
	AlarmPossible bool     `json:"alarmPossible"`
}

// vehicleOf decodes a passage's document.
func vehicleOf(p *hubapi.PassageSummary) (v vehicle, err error) {
	err = json.Unmarshal(p.Passage, &v)
	return v, err
}

// name returns the plate, else the first container, else the passage's id.
func (v *vehicle) name() string {
	return cmp.Or(v.Plate, strings.Join(v.Containers[:min(1, len(v.Containers))], ""), v.ID)
}

func (v *vehicle) at() time.Time { return time.Unix(0, v.OpenedNs) }

// passagesCommand finds vehicles of all lanes.
func passagesCommand() *cobra.Command {
	var hub remote
	var q hubapi.PassagesQuery
	var since string
	c := &cobra.Command{
		Use: "passages [NAME]", Short: "help.hub-passages", Long: "help.hub-passages.long", Args: cobra.MaximumNArgs(1),
		Example: "  lanehub passages 'ABC 1D23' --since 2026-11-01\n  lanehub passages --lane lane-7 --outcome HOLD --alarm",
	}
	hub.flags(c)
	f := c.Flags()
	f.StringVar(&q.Site, "site", "", "help.flag.passages.site")
	f.StringVar(&q.Lane, "lane", "", "help.flag.passages.lane")
	f.StringVar(&q.Outcome, "outcome", "", "help.flag.passages.outcome")
	f.BoolVar(&q.Alarm, "alarm", false, "help.flag.passages.alarm")
	f.StringVar(&since, "since", "", "help.flag.passages.since")
	cli.Int(f, &q.Limit, "limit", "n", 1, 200, "help.flag.passages.n")
	q.Limit = 50
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if since != "" {
			if q.From, err = time.ParseInLocation(time.DateOnly, since, time.Local); err != nil {
				return cli.Usage(err)
			}
		}
		q.Name, q.Outcome = strings.Join(args, ""), strings.ToUpper(q.Outcome)
		client, err := hub.client()
		if err != nil {
			return err
		}
		page, err := hubapi.GetPassages.Ask(cmd.Context(), client, q)
		if err != nil {
			return err
		}
		return printPassages(cli.Print(cmd), page.Passages)
	}
	return c
}

func printPassages(p cli.Printer, all []hubapi.PassageSummary) error {
	if len(all) == 0 {
		p.Say("lanehub.no-passages")
	}
	for i := range all {
		v, err := vehicleOf(&all[i])
		if err != nil {
			return err
		}
		alarm := ""
		if v.Alarm || v.AlarmPossible {
			alarm = p.Phrase("why.alarmed")
		}
		fmt.Fprintf(p.Writer, "%s  %-24s %-14s %-9s %-7s %s\n", v.at().Format(time.DateTime),
			cli.Plain(all[i].Site+"/"+all[i].Agent), cli.Plain(v.name()), cli.Plain(all[i].Outcome), alarm, cli.Plain(v.ID))
	}
	return nil
}

// whyCommand answers from the record why a vehicle was released, referred or held.
func whyCommand() *cobra.Command {
	var hub remote
	c := &cobra.Command{
		Use: "why PLATE|CONTAINER|CODE|ID", Short: "help.hub-why", Long: "help.hub-why.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub why 'ABC 1D23'",
	}
	hub.flags(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := hub.client()
		if err != nil {
			return err
		}
		page, err := hubapi.GetPassages.Ask(cmd.Context(), client, hubapi.PassagesQuery{Name: args[0], Limit: 1})
		if err == nil && len(page.Passages) == 0 {
			page, err = hubapi.GetPassages.Ask(cmd.Context(), client, hubapi.PassagesQuery{ID: args[0], Limit: 1})
		}
		if err != nil {
			return err
		}
		if len(page.Passages) == 0 {
			return message.Errorf("lanehub.why-not-found", message.Quoted("name", args[0]))
		}
		found := &page.Passages[0]
		v, err := vehicleOf(found)
		if err != nil {
			return err
		}
		record, err := hubapi.GetPassage.Ask(cmd.Context(), client,
			hubapi.PassageName{Site: found.Site, Agent: found.Agent, ID: v.ID})
		if err != nil {
			return err
		}
		for _, m := range whyDecided(cli.Print(cmd).Language, &v, &record) {
			fmt.Fprintln(cmd.OutOrStdout(), cli.Print(cmd).In(m))
		}
		return nil
	}
	return c
}

// whyDecided tells in sentences what was decided about a vehicle, and why. Sentences of the record are quoted in a
// language.
func whyDecided(l message.Language, v *vehicle, r *hubapi.PassageRecord) (out []message.Message) {
	say := func(code string, args ...message.Arg) { out = append(out, message.New(code, args...)) }
	who := message.String("who", v.name())
	if v.Plate == "" && len(v.Containers) == 0 {
		who = message.Nested("who", message.New("why.unnamed"))
	}
	head := []message.Arg{who, message.String("site", r.Site), message.String("agent", r.Agent),
		message.String("lane", v.Lane), message.Time("at", v.at())}
	d := r.Decision
	if d == nil {
		say("why.undecided", head...)
		out = append(out, elsewhere(l, r)...)
	} else {
		say("why.head", append(head, message.String("outcome", d.Called.In(l)))...)
		for i := range d.Reasons {
			say("why.reason", message.String("reason", d.Reasons[i].Text.In(l)))
		}
		if len(d.Reasons) == 0 {
			say("why.no-reason")
		}
		if d.OverriddenBy != "" {
			say("why.override", message.String("by", d.OverriddenBy), message.String("decided", d.Decided))
		}
	}
	for i := range r.Overrides {
		say("why.said", message.String("said", r.Overrides[i].Summary.In(l)))
	}
	if d != nil {
		out = append(out, grounds(r)...)
	}
	for i := range r.Observations {
		if o := &r.Observations[i]; o.Class == "alarm" {
			say("why.alarm", message.String("device", o.Device), message.String("said", o.Summary.In(l)))
		}
	}
	say("why.passage", message.String("id", v.ID))
	return out
}

// elsewhere tells what was decided about other passages of that time from readings that are this one's now.
func elsewhere(l message.Language, r *hubapi.PassageRecord) (out []message.Message) {
	for i := range r.Elsewhere {
		d := &r.Elsewhere[i]
		args := []message.Arg{message.Time("at", d.At), message.String("passage", d.Passage), message.String("outcome", d.Called.In(l))}
		if d.Passage == "" {
			out = append(out, message.New("why.elsewhere-none", args...))
		} else {
			out = append(out, message.New("why.elsewhere", args...))
		}
		for i := range d.Reasons {
			out = append(out, message.New("why.reason", message.String("reason", d.Reasons[i].Text.In(l))))
		}
	}
	return out
}

// grounds tells what a decision rests on beside its reasons.
func grounds(r *hubapi.PassageRecord) (out []message.Message) {
	d := r.Decision
	if len(d.Exams) > 0 {
		out = append(out, message.New("why.exams", message.Names("exams", d.Exams)))
	}
	if d.Selected {
		out = append(out, message.New("why.random"))
	}
	if d.Untrusted {
		out = append(out, message.New("why.untrusted"))
	}
	var lists []message.Message
	for _, l := range d.Lists {
		lists = append(lists, message.New("why.list", message.String("list", l.List), message.Int("version", l.Version),
			message.Date("issued", l.Issued)))
	}
	if len(lists) > 0 {
		out = append(out, message.New("why.lists", message.String("policy", d.Policy),
			message.Nested("lists", message.Join("; ", lists...))))
	}
	return out
}
