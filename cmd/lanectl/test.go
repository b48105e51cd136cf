package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/diag/guided"
)

// testCommand lists the guided tests of all devices, or leads a person through one.
func testCommand() *cobra.Command {
	var asJSON, french bool
	c := &cobra.Command{
		Use: "test [DEVICE TEST]", Short: "help.test", Args: cobra.MatchAll(cobra.MaximumNArgs(2), func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return message.Errorf("lanectl.device-and-test")
			}
			return nil
		}),
		Long:    "help.test.long",
		Example: "  lanectl test\n  lanectl test ion-1 blank\n  lanectl test io-1 outputs --lang fr",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.Flags().BoolVar(&french, "french", false, "")
	_ = c.Flags().MarkHidden("french") // of earlier versions: --lang fr
	c.RunE = func(cmd *cobra.Command, args []string) error {
		p := cli.Print(cmd)
		if french {
			p.Language = message.French
		}
		if len(args) == 0 {
			return show(cmd, *socket, &api.GetTests, api.None{}, asJSON, func(l api.TestList) error {
				return printTests(p, l)
			})
		}
		g := guide{cmd: cmd, socket: *socket, p: p, asJSON: asJSON, in: bufio.NewReader(cmd.InOrStdin())}
		return g.run(args[0], args[1])
	}
	return c
}

// printTests prints each test with when it was done last, how it ended, and whether it is due.
func printTests(p cli.Printer, l api.TestList) error {
	t := p.Table("lanectl.table-tests")
	for _, o := range l.Tests {
		var last struct {
			StartedNs string
			Verdict   string
		}
		when, result, due := p.Phrase("lanectl.never"), "", ""
		if len(o.Last) > 0 && json.Unmarshal(o.Last, &last) == nil {
			if ns, err := strconv.ParseInt(last.StartedNs, 10, 64); err == nil {
				when = time.Unix(0, ns).Local().Format(zoned)
			}
			result = verdictWord(p, strings.ToLower(strings.TrimPrefix(last.Verdict, "VERDICT_")))
		}
		if o.Due {
			due = p.Phrase("lanectl.due")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Device, o.ID, due, when, result, cli.Plain(o.Title.In(p.Language)))
	}
	return t.Flush()
}

// guide leads a person through a test. The agent runs the test and decides on it; this shows its
// steps and sends answers.
type guide struct {
	cmd    *cobra.Command
	socket string
	p      cli.Printer
	asJSON bool
	in     *bufio.Reader
}

// guideLook is the pause between two looks at how far the test is.
const guideLook = 300 * time.Millisecond

// run starts a test and follows it to its verdict. Ctrl-C abandons the test, as a running one would
// keep the device from being tested again.
func (g *guide) run(device, test string) error {
	ctx, w := g.cmd.Context(), g.cmd.OutOrStdout()
	if _, err := api.PostTest.Do(ctx, local(g.socket), api.TestStart{Device: device, Test: test}); err != nil {
		return explain(g.socket, err)
	}
	// said is the step that was shown last.
	for said := -1; ; {
		v, err := g.view(ctx)
		if err != nil {
			if ctx.Err() != nil { // Ctrl-C
				err = errors.Join(err, g.act(context.WithoutCancel(ctx), api.TestAct{Action: "abandon"}))
			}
			return err
		}
		switch {
		// That is another test's run, or this one has not begun.
		case v == nil || v.Device != device || v.Test != test:
		case v.Verdict != "":
			return g.result(w, v)
		case v.Step != said:
			said = v.Step
			if err := g.step(ctx, w, v); err != nil {
				return err
			}
		}
		_ = wait.For(ctx, guideLook) // an end of ctx shows in the next view
	}
}

// view returns how far the test is; nil when no test runs.
func (g *guide) view(ctx context.Context) (*guided.View, error) {
	l, err := api.GetTests.Ask(ctx, local(g.socket), api.None{})
	return l.Run, explain(g.socket, err)
}

// act sends what the person did.
func (g *guide) act(ctx context.Context, a api.TestAct) error {
	_, err := api.PostTestAct.Do(ctx, local(g.socket), a)
	return explain(g.socket, err)
}

// answer reads a line from the person, in lower case and without spaces around it. Without one the
// test is abandoned.
func (g *guide) answer(ctx context.Context) (string, error) {
	line, err := g.in.ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || line == "") {
		return "", errors.Join(message.Wrap(err, "lanectl.no-answer"), g.act(ctx, api.TestAct{Action: "abandon"}))
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}

// step shows a step and, if it asks for something, sends the answer. A number may have a decimal
// comma; what is no number is asked for again. Steps without a question go on by themselves, by
// what the device does.
func (g *guide) step(ctx context.Context, w io.Writer, v *guided.View) error {
	s := v.Steps[v.Step]
	if !g.asJSON {
		fmt.Fprintf(w, "%d/%d  %s\n", v.Step+1, len(v.Steps), cli.Plain(s.Do.In(g.p.Language)))
	}
	switch {
	case !s.Number.IsZero():
		fmt.Fprintf(w, "     %s%s", cli.Plain(s.Number.In(g.p.Language)), cli.Plain(g.p.Language.Separator(": ")))
		for {
			text, err := g.answer(ctx)
			if err != nil {
				return err
			}
			if n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64); err == nil {
				return g.act(ctx, api.TestAct{Action: "number", Number: n})
			}
			fmt.Fprintf(w, "     %q ?  ", text)
		}
	case !s.Ask.IsZero():
		fmt.Fprintf(w, "     %s [%s] ", cli.Plain(s.Ask.In(g.p.Language)), g.p.Phrase("lanectl.yes-no"))
		text, err := g.answer(ctx)
		if err != nil {
			return err
		}
		answer := "no"
		if strings.HasPrefix(text, "y") || strings.HasPrefix(text, "o") { // yes, oui
			answer = "yes"
		}
		return g.act(ctx, api.TestAct{Action: answer})
	}
	return nil
}

// result prints the checks of a finished test with values and limits, and the row of the journal
// that holds them. Anything but "passed" is an error.
func (g *guide) result(w io.Writer, v *guided.View) error {
	if g.asJSON {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			return err
		}
	} else {
		for _, s := range v.Steps {
			for _, c := range s.Checks {
				word := "passed"
				if !c.Passed {
					word = "failed"
				}
				value := c.Message.In(g.p.Language)
				if c.Value != nil {
					value = strings.TrimSpace(significant(g.p, *c.Value)+" "+c.Unit) + limitsText(g.p, c.Low, c.High)
				}
				fmt.Fprintf(w, "     %s  %s\n", strings.ToUpper(verdictWord(g.p, word)), g.p.Phrase("within",
					message.String("where", c.Title.In(g.p.Language)), message.Nested("cause", message.Verbatim(value))))
			}
		}
		g.p.Say("lanectl.test-row", message.String("verdict", verdictWord(g.p, v.Verdict)),
			message.String("row", strconv.FormatInt(v.Row, 10)))
	}
	if v.Verdict != "passed" {
		return message.Errorf("lanectl.test-ended", message.String("test", v.Test), message.String("device", v.Device),
			message.String("verdict", verdictWord(g.p, v.Verdict)))
	}
	return nil
}

// verdictWord returns the word for the verdict of a test or check; one that this version does not
// know is returned as it is.
func verdictWord(p cli.Printer, verdict string) string {
	if code := "kinds.device-test." + verdict; message.Known(code) {
		return p.In(message.New(code))
	}
	return verdict
}

// significant formats a number with four significant digits and the language's decimal mark.
func significant(p cli.Printer, v float64) string {
	text := fmt.Sprintf("%.4g", v)
	if p.Language == message.French {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// limitsText says within which limits a value had to be; "" for none. nil is an open end.
func limitsText(p cli.Printer, low, high *float64) string {
	switch {
	case low != nil && high != nil:
		return " " + p.Phrase("lanectl.limits",
			message.String("low", significant(p, *low)), message.String("high", significant(p, *high)))
	case low != nil:
		return " " + p.Phrase("lanectl.at-least", message.String("low", significant(p, *low)))
	case high != nil:
		return " " + p.Phrase("lanectl.at-most", message.String("high", significant(p, *high)))
	}
	return ""
}
