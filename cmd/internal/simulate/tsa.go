package simulate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/drivers/transport/wait"
)

// trafficFlags adds the flags of a portal's traffic.
func trafficFlags(c *cobra.Command, cfg *sim.Config) {
	f := c.Flags()
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "the same seed gives the same traffic")
	cli.Duration(f, &cfg.TruckEvery, "truck-every", time.Millisecond, "mean time between vehicles")
	cli.Share(f, &cfg.InnocentShare, "innocent", "share of vehicles with something naturally radioactive")
	cli.Share(f, &cfg.SourceShare, "source", "share of vehicles with a gamma source")
	cli.Share(f, &cfg.NeutronShare, "neutron", "share of vehicles with a neutron source")
	cli.Float(f, &cfg.GammaRate, "background", 0, math.Inf(1), "gamma background, counts per second and panel")
}

func tsaCommand() *cobra.Command {
	cfg := sim.Defaults()
	var listen string
	speed := 1.0
	c := &cobra.Command{
		Use: "tsa", Short: "A radiation portal (TSA line protocol) on a TCP port", Args: cobra.NoArgs,
		Long: `A radiation portal on a TCP port. While it runs, these words on standard input, a line each, make things happen:

  truck            a vehicle comes
  source N         a vehicle comes with a gamma source of N counts per second and panel at 1 m
  tamper, clear    the tamper switch trips, clears
  gain X           the panels count X times what they should: 3 makes a high fault, 0.1 a low one, 1 is sound
  unplug           all connections drop`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "portal on %s\n", l.Addr())
			s := &sim.Server{Portal: sim.New(cfg), Speed: speed}
			go orders(os.Stdin, s, cmd.ErrOrStderr()) // ends with the process: a read of the terminal cannot be called off
			return s.Serve(cmd.Context(), l)
		},
	}
	trafficFlags(c, &cfg)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:1601", "address to listen on")
	cli.Float(c.Flags(), &speed, "speed", 0.001, 1000, "simulated seconds per second")
	return c
}

// orders carries out words on standard input.
func orders(in io.Reader, s *sim.Server, w io.Writer) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		word, arg, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		x, err := strconv.ParseFloat(arg, 64)
		switch {
		case word == "truck":
			s.Do(func(p *sim.Portal) { p.Send(p.RandomVehicle()) })
		case word == "source" && err == nil:
			s.Do(func(p *sim.Portal) {
				v := p.RandomVehicle()
				v.Source = &sim.Source{Gamma: x, Position: v.Length / 2}
				p.Send(v)
			})
		case word == "tamper" || word == "clear":
			s.Do(func(p *sim.Portal) { p.SetTamper(word == "tamper") })
		case word == "gain" && err == nil && x >= 0:
			s.Do(func(p *sim.Portal) { p.SetGain(x) })
		case word == "unplug":
			s.Disconnect()
		case word != "":
			fmt.Fprintln(w, "known are: truck, source N, tamper, clear, gain X, unplug")
		}
	}
}

func recordCommand() *cobra.Command {
	cfg := sim.Defaults()
	var span time.Duration
	var begin string
	var plain bool
	c := &cobra.Command{
		Use: "record FILE", Short: "Write a portal's traffic as a recorded daily file", Args: cobra.ExactArgs(1),
		Example: "  lanesim record --span 24h --date 2026-11-24 portal-2026-11-24.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, begin)
			if err != nil {
				return cli.Usagef("--date %q: write a day like 2026-11-24", begin)
			}
			f, err := os.Create(args[0])
			if err != nil {
				return err
			}
			truths, err := sim.Record(f, sim.New(cfg), day, span, !plain)
			if err == nil {
				err = f.Close()
			}
			if err != nil {
				return err
			}
			alarms := 0
			for _, t := range truths {
				if t.GammaAlarm {
					alarms++
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d %s, %d %s\n",
				args[0], len(truths), english.PluralWord(len(truths), "vehicle", ""), alarms,
				english.PluralWord(alarms, "gamma alarm", ""))
			return nil
		},
	}
	trafficFlags(c, &cfg)
	span = 24 * time.Hour
	cli.Duration(c.Flags(), &span, "span", time.Second, "how much traffic")
	c.Flags().StringVar(&begin, "date", time.Now().UTC().Format(time.DateOnly), "the day")
	c.Flags().BoolVar(&plain, "plain", false, "lines without times")
	return c
}

// pause waits, and reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool { return wait.For(ctx, d) == nil }
