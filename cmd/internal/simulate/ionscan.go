package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	firmwareconfig "lanewarden/firmware-config"
)

// swabs is an ion scanner with officers who take swabs, on average one in every interval. alarm is
// the share of swabs with a substance on them; count ends the run after so many, 0 for never.
type swabs struct {
	folder, listen string
	every, first   time.Duration
	seed           uint64
	alarm          float64
	count          int
}

// verifyEvery is the number of swabs between two verifications, as the scanner's procedure asks for
// them.
const verifyEvery = 25

// ionscanCommand simulates an ion scanner that drops result files into a folder, or prints on a
// line.
func ionscanCommand() *cobra.Command {
	s := swabs{every: 2 * time.Minute, alarm: 0.005}
	c := &cobra.Command{
		Use: "ionscan", Short: "help.ionscan", Args: cobra.NoArgs,
		Long:    "help.ionscan.long",
		Example: "  lanesim ionscan --folder /srv/lane-3/trace\n  lanesim ionscan --listen 127.0.0.1:2101 --every 10s --alarm 0.3",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&s.folder, "folder", "", "help.flag.folder")
	f.StringVar(&s.listen, "listen", "", "help.flag.ionscan.listen")
	cli.Duration(f, &s.every, "every", time.Millisecond, "help.flag.ionscan.every")
	cli.Duration(f, &s.first, "first", 0, "help.flag.ionscan.first")
	f.Uint64Var(&s.seed, "seed", 1, "help.flag.ionscan.seed")
	cli.Int(f, &s.count, "count", "", 0, math.MaxInt, "help.flag.count")
	cli.Share(f, &s.alarm, "alarm", "help.flag.alarm")
	cli.OneOf(c, "folder", "listen")
	return c
}

// run simulates until ctx ends or count swabs were taken. The substances are those of the built-in
// library, so that a driver with its default settings knows them.
func (s swabs) run(ctx context.Context) error {
	var lib driver.Ref[plasmagram.Library]
	var profile driver.Ref[line.Profile]
	if err := errors.Join(firmwareconfig.LoadDocument(&lib, firmwareconfig.Substances, "open-literature"),
		firmwareconfig.LoadDocument(&profile, firmwareconfig.Profiles, "example-swab")); err != nil {
		return err
	}
	scanner := sim.NewScanner(s.seed, lib.Value)
	scanner.Profile = profile.Value
	if s.folder != "" {
		if err := os.MkdirAll(s.folder, 0o750); err != nil {
			return err
		}
		return s.officers(ctx, scanner, func(w sim.Swab) (bool, error) {
			r, err := scanner.Run(w)
			if err != nil {
				return false, err
			}
			return r.Analysis.Alarm, r.Drop(s.folder)
		})
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	// Without a buffer the next swab waits until the scanner has taken this one.
	queue := make(chan sim.Swab)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return scanner.ServeTCP(ctx, l, queue) })
	g.Go(func() error {
		defer stop()
		return s.officers(ctx, scanner, func(w sim.Swab) (bool, error) {
			select {
			case queue <- w:
			case <-ctx.Done():
			}
			return w.Substance != "", nil
		})
	})
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// officers takes swabs until ctx ends: a verification first and after every verifyEvery, and a
// blank after each alarm, soon. Intervals are exponential. An error of measure is printed and does
// not end the run.
func (s swabs) officers(ctx context.Context, scanner *sim.Scanner, measure func(sim.Swab) (alarm bool, err error)) error {
	rng := rand.New(rand.NewPCG(s.seed, 0x0ff))
	next := s.first
	if next == 0 {
		next = time.Duration(rng.ExpFloat64() * float64(s.every))
	}
	alarmed := false
	for n := 0; (s.count == 0 || n < s.count) && pause(ctx, next); n++ {
		next = time.Duration(rng.ExpFloat64() * float64(s.every))
		w := scanner.Random(time.Now().UTC(), s.alarm)
		switch {
		// A blank shows whether the scanner is clean again.
		case alarmed:
			w = sim.Swab{Kind: "blank", Operator: w.Operator, At: w.At}
		case n%verifyEvery == 0:
			w = sim.Swab{Kind: "verification", Substance: "cocaine", Amplitude: 400, Operator: w.Operator, At: w.At}
		}
		alarm, err := measure(w)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "ionscan:", err)
		}
		// A verification alarms by design.
		if alarmed = alarm && w.Kind != "verification"; alarmed {
			next = min(next, s.every/2)
		}
	}
	return nil
}
