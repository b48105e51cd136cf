package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/xray/dicos/sim"
)

// scans is a cargo X-ray portal that delivers images and reports by DICOM C-STORE, or into a
// folder. bytes, unless 0, sets the size of a file instead of rows and columns; dead lists detector
// columns that are broken.
type scans struct {
	folder          string
	push            string // HOST:PORT of a C-STORE receiver
	calling, called string
	every, first    time.Duration
	seed            uint64
	rows, columns   int
	bytes           int64
	threat          float64
	dual            bool
	dead            []int
}

// xrayCommand simulates a cargo X-ray portal.
func xrayCommand() *cobra.Command {
	s := scans{every: time.Minute, rows: 1000, columns: 3000, threat: 0.02}
	c := &cobra.Command{
		Use: "xray", Short: "help.xray", Args: cobra.NoArgs,
		Example: "  lanesim xray --folder /srv/lane-3/xray\n  lanesim xray --push 127.0.0.1:11112 --called LANE3 --dual --bytes 20000000 --every 30s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.bytes < 0 || s.bytes > 1<<31 {
				return cli.Usagef("cli.flag-wrong", message.String("flag", "bytes"),
					message.Quoted("value", strconv.FormatInt(s.bytes, 10)), message.Nested("allowed", message.New("cli.whole-number",
						message.Int("low", 0), message.String("high", strconv.Itoa(1<<31)))))
			}
			return s.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&s.folder, "folder", "", "help.flag.folder")
	f.StringVar(&s.push, "push", "", "help.flag.push")
	f.StringVar(&s.calling, "calling", "SIMXRAY", "help.flag.calling")
	f.StringVar(&s.called, "called", "LANE", "help.flag.called")
	cli.Duration(f, &s.every, "every", time.Millisecond, "help.flag.n42.every")
	cli.Duration(f, &s.first, "first", 0, "help.flag.xray.first")
	f.Uint64Var(&s.seed, "seed", 1, "help.flag.xray.seed")
	cli.Int(f, &s.rows, "rows", "", 16, 1<<16-1, "help.flag.xray.rows")
	cli.Int(f, &s.columns, "columns", "", 16, 1<<16-1, "help.flag.columns")
	f.Int64Var(&s.bytes, "bytes", 0, "help.flag.bytes")
	cli.Share(f, &s.threat, "threat", "help.flag.threat")
	f.BoolVar(&s.dual, "dual", false, "help.flag.dual")
	f.IntSliceVar(&s.dead, "dead", nil, "help.flag.dead")
	cli.OneOf(c, "folder", "push")
	return c
}

// run delivers scans until ctx ends. A scan that cannot be delivered is reported on standard error
// and lost.
func (s scans) run(ctx context.Context) error {
	if s.folder != "" {
		if err := os.MkdirAll(s.folder, 0o750); err != nil {
			return err
		}
	}
	rng := rand.New(rand.NewPCG(s.seed, 0x9a))
	next := s.first
	if next == 0 {
		next = time.Duration(rng.ExpFloat64() * float64(s.every))
	}
	for pause(ctx, next) {
		scan := sim.Scan{
			Seed: rng.Uint64() >> 1, Rows: s.rows, Columns: s.columns, At: time.Now().UTC(), Threat: rng.Float64() < s.threat,
			OOI: fmt.Sprintf("SIMU%07d", rng.IntN(1e7)), Dual: s.dual, Dead: s.dead,
		}
		if s.bytes > 0 {
			scan = scan.Sized(s.bytes)
		}
		if err := s.deliver(ctx, scan); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "xray:", err)
		}
		next = time.Duration(rng.ExpFloat64() * float64(s.every))
	}
	return nil
}

// A receiver that is away is tried again for half a minute, as a portal's own queue would.
const (
	pushTries = 30
	pushPause = time.Second
)

// deliver writes the files of a scan, or sends them to the receiver, trying again for a while.
func (s scans) deliver(ctx context.Context, scan sim.Scan) (err error) {
	if s.folder != "" {
		for _, o := range scan.Objects() {
			err = errors.Join(err, s.drop(o.Name, o.Write))
		}
		return err
	}
	for range pushTries {
		if err = scan.Push(ctx, s.push, s.calling, s.called); err == nil || !pause(ctx, pushPause) {
			break
		}
	}
	return err
}

// drop writes a file under a temporary name and renames it when it is whole, so that nobody reads a
// part of it.
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
