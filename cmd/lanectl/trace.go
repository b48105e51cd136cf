package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/lod"
	"lanewarden/drivers/message"
)

// traceCommand groups what is computed from series of measurements of trace detectors.
func traceCommand() *cobra.Command {
	c := &cobra.Command{Use: "trace", Short: "help.trace"}
	var asJSON bool
	lod90 := &cobra.Command{
		Use: "lod90 FILE", Short: "help.lod90", Args: cobra.ExactArgs(1),
		Long:    "help.lod90.long",
		Example: "  lanectl trace lod90 rdx.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			points, err := readSeries(args[0])
			if err != nil {
				return err
			}
			r, err := lod.Estimate(points)
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			if asJSON {
				e := json.NewEncoder(p.Writer)
				e.SetIndent("", "  ")
				return e.Encode(r)
			}
			for _, l := range r.Levels {
				p.Say("lanectl.lod-level", padded("mass", "%8.4g", l.Mass), padded("n", "%3d", l.N),
					padded("mean", "%10.4g", l.Mean), padded("sigma", "%10.4g", l.Sigma))
			}
			p.Say("lanectl.lod-critical", padded("value", "%.4g", r.CriticalValue))
			p.Say("lanectl.lod", padded("value", "%.4g", r.LOD))
			p.Say("lanectl.lod90", padded("value", "%.4g", r.LOD90))
			return nil
		},
	}
	lod90.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.AddCommand(lod90)
	return c
}

// padded returns an argument of fixed width, so that it lines up with those below it.
func padded(name, format string, v any) message.Arg {
	return message.String(name, fmt.Sprintf(format, v))
}

// maxSeries bounds the measurements of a series.
const maxSeries = 100_000

// readSeries reads lines of a mass and a response, "-" from standard input: numbers with a decimal
// point, separated by comma, semicolon or blanks, # before a remark. The first line may be a
// heading. Errors name the line.
func readSeries(path string) (out []lod.Point, err error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r", r) })
		if len(fields) == 0 {
			continue
		}
		var p lod.Point
		if len(fields) == 2 {
			p.Mass, err = strconv.ParseFloat(fields[0], 64)
			if err == nil {
				p.Response, err = strconv.ParseFloat(fields[1], 64)
			}
		}
		if len(fields) != 2 || err != nil {
			if len(out) == 0 && n == 1 {
				err = nil
				continue // a heading
			}
			return nil, message.Errorf("lanectl.no-measurement",
				message.String("file", path), message.Int("line", n), message.Quoted("text", lines.Text()))
		}
		if len(out) == maxSeries {
			return nil, message.Errorf("lanectl.series", message.String("file", path), message.Int("most", maxSeries))
		}
		out = append(out, p)
	}
	return out, lines.Err()
}
