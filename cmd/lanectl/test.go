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
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/diag/guided"
)

func testCommand() *cobra.Command {
	var asJSON, french bool
	c := &cobra.Command{
		Use: "test [DEVICE TEST]", Short: "Guided tests: list them, or run one step by step", Args: cobra.MatchAll(cobra.MaximumNArgs(2), func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return errors.New("give DEVICE and TEST, or neither")
			}
			return nil
		}),
		Long: `Without arguments: which tests there are, when each ran last, and which are due. With them: run one; it says what to do, and asks. The result
is journalled, and so signed. Exits 1 when it fails or is abandoned.`,
		Example: "  lanectl test\n  lanectl test ion-1 blank\n  lanectl test io-1 outputs --lang fr",
	}
	socket := socketFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	c.Flags().BoolVar(&french, "french", false, "les consignes en français")
	_ = c.Flags().MarkDeprecated("french", "use --lang fr") // the flag is there
	language := cli.Language(c.Flags())
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if french {
			*language = message.French
		}
		if len(args) == 0 {
			return show(cmd, *socket, &api.GetTests, api.None{}, asJSON, func(l api.TestList) error {
				return printTests(cmd.OutOrStdout(), l, *language)
			})
		}
		g := guide{cmd: cmd, socket: *socket, language: *language, asJSON: asJSON, in: bufio.NewReader(cmd.InOrStdin())}
		return g.run(args[0], args[1])
	}
	return c
}

func printTests(w io.Writer, l api.TestList, language message.Language) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DEVICE\tTEST\tDUE\tLAST\tRESULT\tTITLE")
	for _, o := range l.Tests {
		var last struct {
			StartedNs string
			Verdict   string
		}
		when, result, due := "never", "", ""
		if len(o.Last) > 0 && json.Unmarshal(o.Last, &last) == nil {
			if ns, err := strconv.ParseInt(last.StartedNs, 10, 64); err == nil {
				when = time.Unix(0, ns).Local().Format(zoned)
			}
			result = strings.ToLower(strings.TrimPrefix(last.Verdict, "VERDICT_"))
		}
		if o.Due {
			due = "due"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Device, o.ID, due, when, result, o.Title.In(language))
	}
	return t.Flush()
}

// guide leads a person through a test.
type guide struct {
	cmd      *cobra.Command
	socket   string
	language message.Language
	asJSON   bool
	in       *bufio.Reader
}

const guideLook = 300 * time.Millisecond

func (g *guide) run(device, test string) error {
	ctx, w := g.cmd.Context(), g.cmd.OutOrStdout()
	if _, err := api.PostTest.Do(ctx, local(g.socket), api.TestStart{Device: device, Test: test}); err != nil {
		return explain(g.socket, err)
	}
	for said := -1; ; {
		v, err := g.view(ctx)
		if err != nil {
			if ctx.Err() != nil { // Ctrl-C
				err = errors.Join(err, g.act(context.WithoutCancel(ctx), api.TestAct{Action: "abandon"}))
			}
			return err
		}
		switch {
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

func (g *guide) view(ctx context.Context) (*guided.View, error) {
	l, err := api.GetTests.Ask(ctx, local(g.socket), api.None{})
	return l.Run, explain(g.socket, err)
}

// act does what the person says.
func (g *guide) act(ctx context.Context, a api.TestAct) error {
	_, err := api.PostTestAct.Do(ctx, local(g.socket), a)
	return explain(g.socket, err)
}

// answer reads a line of the person's; without one the test is abandoned.
func (g *guide) answer(ctx context.Context) (string, error) {
	line, err := g.in.ReadString('\n')
	if err != nil {
		return "", errors.Join(fmt.Errorf("no answer: %w", err), g.act(ctx, api.TestAct{Action: "abandon"}))
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}

func (g *guide) step(ctx context.Context, w io.Writer, v *guided.View) error {
	s := v.Steps[v.Step]
	if !g.asJSON {
		fmt.Fprintf(w, "%d/%d  %s\n", v.Step+1, len(v.Steps), s.Do.In(g.language))
	}
	switch {
	case !s.Number.IsZero():
		fmt.Fprintf(w, "     %s: ", s.Number.In(g.language))
		for {
			text, err := g.answer(ctx)
			if err != nil {
				return err
			}
			if n, err := strconv.ParseFloat(text, 64); err == nil {
				return g.act(ctx, api.TestAct{Action: "number", Number: n})
			}
			fmt.Fprintf(w, "     %q ?  ", text)
		}
	case !s.Ask.IsZero():
		fmt.Fprintf(w, "     %s [y/n] ", s.Ask.In(g.language))
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

func (g *guide) result(w io.Writer, v *guided.View) error {
	if g.asJSON {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			return err
		}
	} else {
		for _, s := range v.Steps {
			for _, c := range s.Checks {
				verdict := "passed"
				if !c.Passed {
					verdict = "FAILED"
				}
				value := c.Message.In(g.language)
				if c.Value != nil {
					value = strings.TrimSpace(fmt.Sprintf("%.4g %s", *c.Value, c.Unit)) + limitsText(c.Low, c.High)
				}
				fmt.Fprintf(w, "     %s  %s: %s\n", verdict, c.Title.In(g.language), value)
			}
		}
		fmt.Fprintf(w, "%s; row %d of the journal\n", v.Verdict, v.Row)
	}
	if v.Verdict != "passed" {
		return fmt.Errorf("test %s of %s: %s", v.Test, v.Device, v.Verdict)
	}
	return nil
}

func limitsText(low, high *float64) string {
	switch {
	case low != nil && high != nil:
		return fmt.Sprintf(" (limits %.4g to %.4g)", *low, *high)
	case low != nil:
		return fmt.Sprintf(" (at least %.4g)", *low)
	case high != nil:
		return fmt.Sprintf(" (at most %.4g)", *high)
	}
	return ""
}
