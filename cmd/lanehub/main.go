// Command lanehub is the central receiver: a broker for the agents, the ledger of all their journals, and its feed.
package main

import (
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/web"
	"lanewarden/sync/hub"
	"lanewarden/sync/wire"
)

func main() {
	root := &cobra.Command{
		Use:   "lanehub",
		Short: "The central receiver: broker, ledger and feed",
		Long: `lanehub receives what lane agents send over MQTT, keeps it in its ledger exactly once, checks that it is what the
agents signed, and serves it as a feed of CloudEvents.

` + cli.ExitCodes,
	}
	root.AddCommand(runCommand())
	cli.Main(root)
}

func runCommand() *cobra.Command {
	var o hub.Options
	var external wire.Broker
	var verbose bool
	c := &cobra.Command{
		Use: "run", Short: "Run the hub until SIGINT or SIGTERM", Args: cobra.NoArgs,
		Example: `  lanehub run --dir /var/lib/lanehub
  lanehub run --dir /var/lib/lanehub --broker mqtt://127.0.0.1:1883`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log, o.Pages = cli.Log(verbose), web.Handler(web.Fleet)
			if external.URL != "" {
				o.External = &external
			}
			return hub.Run(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Dir, "dir", "/var/lib/lanehub", "directory of ledger and broker")
	f.StringVar(&o.HTTP, "http", "127.0.0.1:8490", "address of the feed, the fleet's state and metrics")
	f.StringSliceVar(&o.HTTPNames, "http-name", nil, "host name under which browsers reach --http, beside its address; may be given again")
	f.StringVar(&o.MQTT, "mqtt", "127.0.0.1:1883", "address of the embedded broker")
	f.StringVar(&o.TLSCert, "mqtt-cert", "", "TLS certificate chain of the embedded broker (PEM)")
	f.StringVar(&o.TLSKey, "mqtt-key", "", "TLS private key of the embedded broker (PEM)")
	f.StringVar(&o.AgentsFile, "agents", "", "file of lines SITE/AGENT:BCRYPT, who may connect to the embedded broker")
	f.StringVar(&external.URL, "broker", "", "read from this broker instead of embedding one: mqtt://HOST:PORT or mqtts://HOST:PORT")
	f.StringVar(&external.Username, "broker-user", "", "user name at that broker")
	f.StringVar(&external.PasswordFile, "broker-password-file", "", "file with the password at that broker")
	f.StringVar(&external.CAFile, "broker-ca", "", "certificates (PEM) that that broker's must descend from")
	external.KeepAlive = 20 * time.Second
	cli.Duration(f, &external.KeepAlive, "broker-keep-alive", time.Second, "MQTT keep-alive towards that broker")
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	return c
}
