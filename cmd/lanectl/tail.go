package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// tailCommand prints the newest observations and, with --follow, those that come. The end of the
// agent ends it without an error.
func tailCommand() *cobra.Command {
	n := 20
	var follow, asJSON bool
	var class, device string
	c := &cobra.Command{
		Use: "tail", Short: "help.tail", Args: cobra.NoArgs,
		Example: "  lanectl tail -f --class alarm",
	}
	socket := socketFlag(c)
	f := c.Flags()
	cli.Int(f, &n, "lines", "n", 0, api.TailMax, "help.flag.lines")
	f.BoolVarP(&follow, "follow", "f", false, "help.flag.follow")
	f.BoolVar(&asJSON, "json", false, "help.flag.replay.json")
	cli.Choice(f, &class, "class", "help.flag.class", "alarm", "event", "telemetry")
	f.StringVar(&device, "device", "", "help.flag.tail.device")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		in := api.TailQuery{N: n, Follow: follow, Class: class, Device: device}
		body, err := api.GetTail.Open(cmd.Context(), local(*socket), in)
		if err != nil {
			return explain(*socket, err)
		}
		defer body.Close()
		if asJSON {
			_, err = io.Copy(cmd.OutOrStdout(), body)
		} else {
			err = printLines(cli.Print(cmd), body)
		}
		if cmd.Context().Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // Ctrl-C, or the agent stopped
		}
		return err
	}
	return c
}

// printLines prints observations, one a line, until body ends.
func printLines(p cli.Printer, body io.Reader) error {
	lines := bufio.NewReader(body)
	for {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var l api.Line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		at := l.Shown().Local().Format(zonedMs)
		fmt.Fprintf(p.Writer, "%8d  %s  %-9s  %-10s  %-*s  %s\n", l.Idx, at, p.In(message.New("class."+l.Class)), l.Device,
			kindWidth, kindWord(p, l.Kind), gist(l.Observation, p.Language))
	}
}

// kindWidth is the number of characters of the longest name of a kind, which is a French one.
const kindWidth = 26

// kindWord returns the name of a kind as tables show it; of a kind that this version does not know,
// its code.
func kindWord(p cli.Printer, code string) string {
	if name := "kind." + code; message.Known(name) {
		return p.In(message.New(name))
	}
	return cli.Plain(code)
}

// gistMax is the number of characters after which a sentence is cut.
const gistMax = 200

// gist returns what an observation says in a sentence, cut to gistMax, and the hashes of its
// artifacts. It is empty for an observation that this version cannot decode.
func gist(text json.RawMessage, language message.Language) string {
	o := &observation.Observation{}
	if observation.FromJSON(text, o) != nil {
		return "" // of a newer agent: --json shows it
	}
	out := cli.Plain(kinds.Sentence(o).In(language))
	if runes := []rune(out); len(runes) > gistMax {
		out = string(runes[:gistMax]) + "…"
	}
	for _, a := range o.GetBody().GetArtifacts() {
		out += "  " + cli.Plain(message.New("lanectl.artifact", message.String("name", fmt.Sprintf("%x", a.Sha256))).In(language))
	}
	return out
}
