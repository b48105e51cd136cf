package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/cases"
)

// casesCommand prints the cases of the lanes. Its subcommands show one, and do something in one.
func casesCommand() *cobra.Command {
	var asJSON, open bool
	c := &cobra.Command{Use: "cases", Short: "help.cases", Long: "help.cases.long", Args: cobra.NoArgs}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.Flags().BoolVar(&open, "open", false, "help.flag.cases.open")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		in := api.CasesQuery{}
		if open {
			in.State = "open"
		}
		return show(cmd, *socket, &api.GetCases, in, asJSON, func(l api.CaseList) error {
			return printCases(cli.Print(cmd), l)
		})
	}
	c.AddCommand(showCaseCommand(), exportCasesCommand())
	for _, action := range cases.Actions() {
		c.AddCommand(actCommand(action))
	}
	return c
}

// showCaseCommand prints one case with its history.
func showCaseCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "show CASE", Short: "help.cases.show", Args: cobra.ExactArgs(1)}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return show(cmd, *socket, &api.GetCase, api.CaseQuery{ID: args[0]}, asJSON, func(one api.Case) error {
			printCase(cli.Print(cmd), one)
			return nil
		})
	}
	return c
}

// exportCasesCommand writes the cases as comma separated values.
func exportCasesCommand() *cobra.Command {
	c := &cobra.Command{Use: "export", Short: "help.cases.export", Args: cobra.NoArgs}
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		body, err := api.GetCasesCSV.Open(cmd.Context(), local(*socket), api.None{})
		if err != nil {
			return explain(*socket, err)
		}
		defer body.Close()
		_, err = io.Copy(cmd.OutOrStdout(), body)
		return err
	}
	return c
}

// actCommand does one thing in a case. Who does it is required: it is journalled.
func actCommand(action string) *cobra.Command {
	in := api.CaseAct{Action: action}
	c := &cobra.Command{Use: action + " CASE", Short: "help.cases." + action, Args: cobra.ExactArgs(1)}
	socket := socketFlag(c)
	var attached []string
	f := c.Flags()
	f.StringVar(&in.By, "by", "", "help.flag.by")
	f.StringVar(&in.Key, "key", "", "help.flag.cases.key")
	f.StringVar(&in.Notes, "notes", "", "help.flag.cases.notes")
	f.StringVar(&in.Reason, "reason", "", "help.flag.reason")
	switch action {
	case "decide", "overrule", "secondary-result":
		f.Uint32Var(&in.Code, "code", 0, "help.flag.cases.code")
		f.StringVar(&in.Image, "image", "", "help.flag.cases.image")
		f.StringVar(&in.Swab, "swab", "", "help.flag.cases.swab")
		f.StringVar(&in.Source, "source", "", "help.flag.cases.source")
		f.StringSliceVar(&in.Nuclides, "nuclide", nil, "help.flag.cases.nuclide")
		f.Float64Var(&in.Quantity, "quantity", 0, "help.flag.cases.quantity")
		f.StringVar(&in.Unit, "unit", "", "help.flag.cases.unit")
	case "ask-secondary":
		f.StringVar(&in.Station, "station", "", "help.flag.cases.station")
		f.StringSliceVar(&in.Exams, "exam", nil, "help.flag.cases.exam")
	case "attach":
		f.StringSliceVar(&attached, "artifact", nil, "help.flag.cases.artifact")
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if in.By == "" {
			return cli.Usagef("lanectl.by")
		}
		for _, text := range attached {
			in.Attachments = append(in.Attachments, api.CaseAttachment{SHA256: text})
		}
		in.ID = args[0]
		return actInCase(cmd, *socket, in)
	}
	return c
}

// actInCase sends an act with the revision of the case as it is now, and prints the case as it is afterwards.
func actInCase(cmd *cobra.Command, socket string, in api.CaseAct) error {
	err := show(cmd, socket, &api.GetCase, api.CaseQuery{ID: in.ID}, false, func(one api.Case) error {
		in.Revision = one.Revision
		return nil
	})
	if err != nil {
		return err
	}
	one, err := api.PostCaseEvent.Do(cmd.Context(), local(socket), in)
	if err != nil {
		return explain(socket, err)
	}
	printCase(cli.Print(cmd), one)
	return nil
}

// printCases prints a line for each case.
func printCases(p cli.Printer, l api.CaseList) error {
	if len(l.Cases) == 0 {
		p.Say("lanectl.no-cases")
		return nil
	}
	for _, one := range l.Cases {
		p.Say("lanectl.case", message.String("id", one.ID), message.Nested("state", stateOf(&one)),
			message.Nested("cause", message.Verbatim(one.Cause.In(p.Language))))
	}
	return nil
}

// stateOf says the state of a case, and who has it.
func stateOf(one *api.Case) message.Message {
	var who []string
	for _, h := range one.Holders {
		who = append(who, h.By)
	}
	state := cases.State(one.State).Message()
	if len(who) == 0 {
		return state
	}
	return message.New("lanectl.case-held", message.Nested("state", state), message.Names("who", who))
}

// printCase prints a case with its history.
func printCase(p cli.Printer, one api.Case) {
	_ = printCases(p, api.CaseList{Cases: []api.Case{one}}) // it has no error but that of an empty list
	for _, e := range one.History {
		line := strings.Join([]string{e.At.Local().Format(time.DateTime), e.Text.In(p.Language)}, "  ")
		if e.Refusal != nil {
			line += fmt.Sprintf(" (%s)", textIn(e.Refusal, p.Language))
		}
		fmt.Fprintln(p.Writer, "  "+strconv.FormatInt(e.Row, 10)+"  "+line)
	}
}

// textIn returns a text of an answer in a language.
func textIn(t *message.Text, l message.Language) string {
	if l == message.French {
		return t.FR
	}
	return t.EN
}
