package fleet

import (
	"math"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/wire"
)

// sitePattern is what the names of sites may begin with: with a number behind it, it is an id of a lane file.
var sitePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,27}$`)

// Bounds of flags.
const (
	maxAgents = 20_000 // as many as a hub keeps (docs/wire.md)
	maxRate   = 1e6    // observations/s
	minTime   = time.Second
)

// Command returns the command that runs a fleet.
func Command() *cobra.Command {
	o := Options{
		Broker: wire.Broker{KeepAlive: 20 * time.Second}, Site: "fleet", Agents: 2000, Duration: time.Minute,
		Grace: time.Minute, TelemetryDelay: time.Minute, Seed: 1, Software: "lanesim " + cli.Version(),
	}
	var total float64
	var day string
	c := &cobra.Command{
		Use: "fleet", Short: "help.fleet", Long: "help.fleet.long", Args: cobra.NoArgs,
		Example: "  lanesim fleet --broker mqtt://127.0.0.1:1883 --agents 2000 --total 10000 --duration 5m --storm 2m\n" +
			"  lanesim fleet --broker mqtts://hub.example:8883 --ca-file ca.pem --username {site}/{agent} \\\n" +
			"    --password-file passwords/{site}/{agent}",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cmd.Flags().Changed("total") {
				if cmd.Flags().Changed("rate") {
					return cli.Usagef("fleet.rate-and-total")
				}
				o.Rate = total / float64(o.Agents)
			}
			if o.Scenario, err = load(day); err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return cli.Usage(err)
			}
			return Run(cmd.Context(), o, cli.Print(cmd))
		},
	}
	f := c.Flags()
	f.StringVar(&o.Broker.URL, "broker", "mqtt://127.0.0.1:1883", "help.flag.fleet.broker")
	f.StringVar(&o.Broker.Username, "username", "", "help.flag.fleet.username")
	f.StringVar(&o.Broker.PasswordFile, "password-file", "", "help.flag.fleet.password-file")
	f.StringVar(&o.Broker.CAFile, "ca-file", "", "help.flag.fleet.ca-file")
	f.StringVar(&o.Broker.CertFile, "cert-file", "", "help.flag.fleet.cert-file")
	f.StringVar(&o.Broker.KeyFile, "key-file", "", "help.flag.fleet.key-file")
	cli.Duration(f, &o.Broker.KeepAlive, "keep-alive", 5*time.Second, "help.flag.fleet.keep-alive")
	f.StringVar(&o.Site, "site", o.Site, "help.flag.fleet.site")
	cli.Int(f, &o.Agents, "agents", "", 1, maxAgents, "help.flag.fleet.agents")
	cli.Float(f, &o.Rate, "rate", 1e-3, maxRate, "help.flag.fleet.rate")
	cli.Float(f, &total, "total", 1e-3, math.Inf(1), "help.flag.fleet.total")
	cli.Duration(f, &o.Duration, "duration", minTime, "help.flag.fleet.duration")
	cli.Duration(f, &o.Storm, "storm", 0, "help.flag.fleet.storm")
	cli.Duration(f, &o.Grace, "grace", minTime, "help.flag.fleet.grace")
	cli.Duration(f, &o.TelemetryDelay, "telemetry-delay", time.Millisecond, "help.flag.fleet.telemetry-delay")
	f.StringVar(&day, "scenario", "busy-lane", "help.flag.lane.scenario")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "help.flag.fleet.seed")
	f.StringVar(&o.Journals, "journals", "", "help.flag.fleet.journals")
	return c
}

// load returns a scenario: a built-in one by its name, or a file by its path.
func load(name string) (*scenario.Scenario, error) {
	var day driver.Ref[scenario.Scenario]
	if err := firmwareconfig.LoadDocument(&day, firmwareconfig.Scenarios, name); err != nil {
		return nil, cli.Usage(err)
	}
	return day.Value, nil
}

// check returns what is wrong with options that come from a command line.
func (o *Options) check() error {
	if o.Storm >= o.Duration {
		return message.Errorf("fleet.storm-late", message.Duration("storm", o.Storm),
			message.Duration("duration", o.Duration))
	}
	if !sitePattern.MatchString(o.Site) {
		return message.Errorf("fleet.site", message.Quoted("site", o.Site))
	}
	_, err := numbered(o, 0).broker(o.Broker).Options("lanesim") // reads its files
	return err
}
