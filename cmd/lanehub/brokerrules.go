package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/hub"
	"lanewarden/sync/hub/brokerrules"
)

// brokerRulesCommand prints the settings by which a broker of others keeps agents to their own topics, or writes them.
func brokerRulesCommand() *cobra.Command {
	o := brokerrules.Options{Hub: "lanehub", Dir: "/etc/mosquitto/lanewarden"}
	broker, out := brokerrules.Brokers()[0], ""
	c := &cobra.Command{
		Use: "broker-rules", Short: "help.broker-rules", Long: "help.broker-rules.long", Args: cobra.NoArgs,
		Example: "  lanehub broker-rules --for mosquitto --out /etc/mosquitto/lanewarden\n" +
			"  lanehub broker-rules --for nats --agents /etc/lanewarden/agents --out /etc/nats",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.File != "" {
				if o.Agents, err = hub.ReadAgents(o.File); err != nil {
					return err
				}
			}
			files, err := brokerrules.For(broker, o)
			if err != nil {
				return err
			}
			for _, f := range files {
				if out == "" {
					fmt.Fprintf(cmd.OutOrStdout(), "==> %s <==\n%s\n", f.Name, f.Text)
					continue
				}
				if err := os.MkdirAll(out, 0o755); err != nil {
					return err
				}
				path := filepath.Join(out, f.Name)
				if err := linefile.Replace(path, []byte(f.Text), 0o644); err != nil {
					return err
				}
				cli.Print(cmd).Say("rules.written", message.String("file", path))
			}
			return nil
		},
	}
	cli.Choice(c.Flags(), &broker, "for", "help.flag.rules-for", brokerrules.Brokers()...)
	c.Flags().StringVar(&o.Hub, "hub-name", o.Hub, "help.flag.rules-hub")
	c.Flags().StringSliceVar(&o.Readers, "reader", nil, "help.flag.rules-reader")
	c.Flags().StringVar(&o.File, "agents", "", "help.flag.rules-agents")
	c.Flags().StringVar(&o.Dir, "dir", o.Dir, "help.flag.rules-dir")
	c.Flags().StringVar(&out, "out", "", "help.flag.rules-out")
	return c
}
