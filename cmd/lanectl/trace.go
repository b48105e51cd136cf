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

	"lanewarden/cmd/internal/lod"
)

func traceCommand() *cobra.Command {
	c := &cobra.Command{Use: "trace", Short: "Ion scanners"}
	var asJSON bool
	lod90 := &cobra.Command{
		Use: "lod90 FILE", Short: "Limit of detection (ASTM E2677) of a series of measurements", Args: cobra.ExactArgs(1),
		Long: `Estimate the limit of detection from a series of measurements: lines of mass and response, set apart by comma, semicolon, tab or blanks; "-"
for standard input. At least 10 replicates of each of 3 masses, process blanks (mass 0) among them. LOD90 is in the masses' unit.`,
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
			w := cmd.OutOrStdout()
			if asJSON {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(r)
			}
			for _, l := range r.Levels {
				fmt.Fprintf(w, "mass %8.4g   n %3d   mean %10.4g   s %10.4g\n", l.Mass, l.N, l.Mean, l.Sigma)
			}
			fmt.Fprintf(w, "critical value  %.4g\nLOD             %.4g\nLOD90           %.4g   upper 90 %% confidence bound\n", r.CriticalValue, r.LOD, r.LOD90)
			return nil
		},
	}
	lod90.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	c.AddCommand(lod90)
	return c
}

// maxSeries bounds a series.
const maxSeries = 100_000

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
			return nil, fmt.Errorf("%s:%d: %q is not a mass and a response", path, n, lines.Text())
		}
		if len(out) == maxSeries {
			return nil, fmt.Errorf("%s: more than %d measurements", path, maxSeries)
		}
		out = append(out, p)
	}
	return out, lines.Err()
}
