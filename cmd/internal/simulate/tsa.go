package simulate

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/drivers/transport/wait"
)

// trafficFlags adds the flags of a portal's traffic: how often trucks come and what they carry.
func trafficFlags(c *cobra.Command, cfg *sim.Config) {
	f := c.Flags()
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "help.flag.traffic.seed")
	cli.Duration(f, &cfg.TruckEvery, "truck-every", time.Millisecond, "help.flag.truck-every")
	cli.Share(f, &cfg.InnocentShare, "innocent", "help.flag.innocent")
	cli.Share(f, &cfg.SourceShare, "source", "help.flag.traffic.source")
	cli.Share(f, &cfg.NeutronShare, "neutron", "help.flag.neutron")
	cli.Float(f, &cfg.GammaRate, "background", 0, math.Inf(1), "help.flag.background")
}

// tsaCommand simulates a TSA portal monitor on a TCP port. --speed runs its clock faster, for tests
// of long times.
func tsaCommand() *cobra.Command {
	cfg := sim.Defaults()
	var listen string
	speed := 1.0
	c := &cobra.Command{
		Use: "tsa", Short: "help.tsa", Args: cobra.NoArgs,
		Long: "help.tsa.long",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return err
			}
			cli.PrintErr(cmd).Say("sim.portal-on", message.String("address", l.Addr().String()))
			s := &sim.Server{Portal: sim.New(cfg), Speed: speed}
			go orders(os.Stdin, s, cli.PrintErr(cmd)) // ends with the process: a read of the terminal cannot be called off
			return s.Serve(cmd.Context(), l)
		},
	}
	trafficFlags(c, &cfg)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:1601", "help.flag.tsa.listen")
	cli.Float(c.Flags(), &speed, "speed", 0.001, 1000, "help.flag.speed")
	return c
}

// orders carries out words on standard input: a truck, a source of N counts a second, tampering,
// another gain, a cable that is pulled. A word that it does not know prints those that it knows.
func orders(in io.Reader, s *sim.Server, p cli.Printer) {
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
			p.Say("sim.orders", message.String("known", "truck, source N, tamper, clear, gain X, unplug"))
		}
	}
}

// recordCommand writes a file of what a portal would say within a span, faster than real time, for
// tests of decoders.
func recordCommand() *cobra.Command {
	cfg := sim.Defaults()
	var span time.Duration
	var begin string
	var plain bool
	c := &cobra.Command{
		Use: "record FILE", Short: "help.record", Args: cobra.ExactArgs(1),
		Example: "  lanesim record --span 24h --date 2026-11-24 portal-2026-11-24.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, begin)
			if err != nil {
				return cli.Usagef("sim.date", message.Quoted("value", begin))
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
			cli.Print(cmd).Say("sim.recorded", message.String("file", args[0]),
				message.Nested("vehicles", message.New("sim.vehicles", message.Count("n", len(truths)))),
				message.Nested("alarms", message.New("sim.gamma-alarms", message.Count("n", alarms))))
			return nil
		},
	}
	trafficFlags(c, &cfg)
	span = 24 * time.Hour
	cli.Duration(c.Flags(), &span, "span", time.Second, "help.flag.span")
	c.Flags().StringVar(&begin, "date", time.Now().UTC().Format(time.DateOnly), "help.flag.date")
	c.Flags().BoolVar(&plain, "plain", false, "help.flag.plain")
	return c
}

// pause waits for d, and reports whether it did so to the end: it is false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool { return wait.For(ctx, d) == nil }
