// Command lanehub is the central receiver: a broker for the agents, the ledger of all their journals, and its feed.
package main

import (
	"math"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/lane"
	"lanewarden/edge/web"
	"lanewarden/sync/hub"
	"lanewarden/sync/wire"
)

func main() { cli.Main(program()) }

// program returns the root command.
func program() *cobra.Command {
	root := &cobra.Command{
		Use:   "lanehub",
		Short: "help.lanehub",
		Long:  "help.lanehub.long",
	}
	root.AddCommand(
		runCommand(), tokenCommand(), accountCommand(), caCommand(), brokerRulesCommand(), agentCommand(), carryCommand(),
		backupCommand(), restoreCommand(), eraseCommand(), migrateCommand(), rebuildCommand(), passagesCommand(), reportCommand(), whyCommand(), listsCommand(), ordersCommand(), rolloutCommand(), commandCommand(),
		notifyCommand(),
	)
	return root
}

// runCommand runs the hub until SIGTERM. By default it listens on this machine alone, where neither
// TLS nor files of agents and tokens are needed; hub.Run refuses to open a port to other machines
// without them. --broker or --nats replaces the embedded MQTT broker.
func runCommand() *cobra.Command {
	var o hub.Options
	var external wire.Broker
	var verbose bool
	var personalDays int
	var servers []string
	c := &cobra.Command{
		Use: "run", Short: "help.hub-run", Args: cobra.NoArgs,
		Example: `  lanehub run --dir /var/lib/lanehub
  lanehub run --dir /var/lib/lanehub --broker mqtt://127.0.0.1:1883
  lanehub run --dir /var/lib/lanehub --ledger postgres://lanehub@db.example/lanewarden`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log, o.Pages, o.Software = cli.Log(verbose), web.Handler(web.Fleet), cli.Version()
			o.Personal = time.Duration(personalDays) * 24 * time.Hour
			clock := &lane.Clock{}
			o.ClockTrusted = func() bool { return clock.State().Synchronised }
			switch {
			case external.URL != "" && len(servers) > 0:
				return cli.Usagef("hub.nats-and-broker")
			case external.URL != "":
				o.External = &external
			case len(servers) > 0:
				o.NATS = &hub.NATS{Servers: servers, Login: external}
			}
			return hub.Run(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Dir, "dir", "/var/lib/lanehub", "help.flag.run.dir")
	f.StringVar(&o.OrdersDir, "orders-dir", "", "help.flag.run.orders-dir")
	f.StringVar(&o.Ledger, "ledger", "", "help.flag.ledger")
	f.StringVar(&o.HTTP, "http", "127.0.0.1:8490", "help.flag.http")
	f.StringSliceVar(&o.HTTPNames, "http-name", nil, "help.flag.http-name")
	f.StringVar(&o.HTTPCert, "http-cert", "", "help.flag.http-cert")
	f.StringVar(&o.HTTPKey, "http-key", "", "help.flag.http-key")
	f.StringVar(&o.HTTPTokens, "http-tokens", "", "help.flag.http-tokens")
	f.StringVar(&o.HTTPAccounts, "http-accounts", "", "help.flag.http-accounts")
	f.StringVar(&o.OIDC, "oidc", "", "help.flag.oidc")
	f.StringVar(&o.HTTPClientCA, "http-client-ca", "", "help.flag.http-client-ca")
	f.StringVar(&o.Notify, "notify", "", "help.flag.notify")
	f.StringVar(&o.MQTT, "mqtt", "127.0.0.1:1883", "help.flag.mqtt")
	f.StringVar(&o.TLSCert, "mqtt-cert", "", "help.flag.mqtt-cert")
	f.StringVar(&o.TLSKey, "mqtt-key", "", "help.flag.mqtt-key")
	f.StringVar(&o.MQTTClientCA, "mqtt-client-ca", "", "help.flag.mqtt-client-ca")
	f.BoolVar(&o.JSON, "mqtt-json", false, "help.flag.mqtt-json")
	f.StringVar(&o.ReadersFile, "mqtt-readers", "", "help.flag.mqtt-readers")
	f.StringVar(&o.AgentsFile, "agents", "", "help.flag.agents")
	f.StringVar(&o.CADir, "ca-dir", "", "help.flag.run.ca-dir")
	o.CertificateLife = hub.DefaultCertificateLife
	cli.Duration(f, &o.CertificateLife, "certificate-life", time.Minute, "help.flag.certificate-life")
	cli.Int(f, &personalDays, "personal-days", "", 0, math.MaxUint16, "help.flag.personal-days")
	f.StringVar(&external.URL, "broker", "", "help.flag.broker")
	f.StringSliceVar(&servers, "nats", nil, "help.flag.nats")
	f.StringVar(&external.Username, "broker-user", "", "help.flag.broker-user")
	f.StringVar(&external.PasswordFile, "broker-password-file", "", "help.flag.broker-password-file")
	f.StringVar(&external.CAFile, "broker-ca", "", "help.flag.broker-ca")
	f.StringVar(&external.CertFile, "broker-cert", "", "help.flag.broker-cert")
	f.StringVar(&external.KeyFile, "broker-key", "", "help.flag.broker-key")
	external.KeepAlive = 20 * time.Second
	cli.Duration(f, &external.KeepAlive, "broker-keep-alive", time.Second, "help.flag.broker-keep-alive")
	f.BoolVarP(&verbose, "verbose", "v", false, "help.flag.verbose")
	return c
}
