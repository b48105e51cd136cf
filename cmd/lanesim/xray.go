package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/drivers/xray/dicos/sim"
)

// scans is a cargo X-ray portal that drops its images and reports into a folder.
type scans struct {
	folder        string
	every         time.Duration
	seed          uint64
	rows, columns int
	threat        float64
}

func xrayCommand() *cobra.Command {
	var s scans
	c := &cobra.Command{
		Use: "xray", Short: "A cargo X-ray portal that drops DICOS images and reports", Args: cobra.NoArgs,
		Example: "  lanesim xray --folder /srv/lane-3/xray",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.folder == "" {
				return errors.New("give --folder")
			}
			return s.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&s.folder, "folder", "", "drop folder")
	f.DurationVar(&s.every, "every", 60*time.Second, "mean time between vehicles")
	f.Uint64Var(&s.seed, "seed", 1, "the same seed gives the same scans")
	f.IntVar(&s.rows, "rows", 1000, "rows of an image")
	f.IntVar(&s.columns, "columns", 3000, "columns of an image")
	f.Float64Var(&s.threat, "threat", 0.02, "share of vehicles with something hidden")
	return c
}

// run drops scans until ctx ends.
func (s scans) run(ctx context.Context) error {
	if err := os.MkdirAll(s.folder, 0o750); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(s.seed, 0x9a))
	for pause(ctx, time.Duration(rng.ExpFloat64()*float64(s.every))) {
		scan := sim.Scan{
			Seed: rng.Uint64() >> 1, Rows: s.rows, Columns: s.columns, At: time.Now().UTC(), Threat: rng.Float64() < s.threat,
			OOI: fmt.Sprintf("SIMU%07d", rng.IntN(1e7)),
		}
		name := scan.At.Format("20060102T150405.000")
		err := errors.Join(s.drop(name+"-tdr.dcs", scan.WriteReport), s.drop(name+"-dx.dcs", scan.WriteImage))
		if err != nil {
			fmt.Fprintln(os.Stderr, "xray:", err)
		}
	}
	return nil
}

// drop writes a file under a temporary name and renames it when it is whole.
func (s scans) drop(name string, write func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	tmp := filepath.Join(s.folder, "."+name)
	if err := os.WriteFile(tmp, b.Bytes(), 0o640); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(s.folder, name))
}
