package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/radiation/n42/sim"
)

// documents is a spectroscopic portal that delivers N42 documents, on average one in every
// interval. innocent and source are shares of passes: of vehicles with something naturally
// radioactive, and of those with another source.
type documents struct {
	folder, url      string
	every            time.Duration
	seed             uint64
	innocent, source float64
}

// n42Command simulates a spectroscopic portal that drops documents into a folder or posts them to a
// URL.
func n42Command() *cobra.Command {
	d := documents{every: 100 * time.Second, innocent: 0.02, source: 0.001}
	c := &cobra.Command{
		Use: "n42", Short: "help.n42", Args: cobra.NoArgs,
		Example: `  lanesim n42 --folder /srv/lane-3/n42
  lanesim n42 --url http://127.0.0.1:8742/n42`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&d.folder, "folder", "", "help.flag.folder")
	f.StringVar(&d.url, "url", "", "help.flag.url")
	cli.Duration(f, &d.every, "every", time.Millisecond, "help.flag.n42.every")
	f.Uint64Var(&d.seed, "seed", 1, "help.flag.n42.seed")
	cli.Share(f, &d.innocent, "innocent", "help.flag.innocent")
	cli.Share(f, &d.source, "source", "help.flag.n42.source")
	cli.OneOf(c, "folder", "url")
	return c
}

// run delivers documents until ctx ends. A receiver that fails is reported on standard error; the
// document is lost.
func (d documents) run(ctx context.Context) error {
	if d.folder != "" {
		if err := os.MkdirAll(d.folder, 0o750); err != nil {
			return err
		}
	}
	rng := rand.New(rand.NewPCG(d.seed, 0x42))
	for n := 1; pause(ctx, time.Duration(rng.ExpFloat64()*float64(d.every))); n++ {
		begin := time.Now().UTC()
		p := sim.Draw(rng, n, begin, d.innocent, d.source)
		name := fmt.Sprintf("pass-%s-%04d.n42", begin.Format("20060102T150405"), n)
		doc := sim.Document(p, d.seed+uint64(begin.UnixNano()))
		var err error
		if d.folder != "" {
			err = sim.Drop(d.folder, doc, name)
		} else {
			err = sim.Post(ctx, d.url, doc, name)
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "n42:", err)
		}
	}
	return nil
}
