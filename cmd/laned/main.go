// Command laned is the lane agent: it runs the devices of one or more lanes, journals what they observe, and sends it to
// the hub.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

func main() { cli.Main(program()) }

// program returns the root command.
func program() *cobra.Command {
	root := &cobra.Command{
		Use:   "laned",
		Short: "help.laned",
		Long:  "help.laned.long",
	}
	root.AddCommand(runCommand(), checkCommand(), schemaCommand(), driversCommand(), initCommand())
	return root
}

// runCommand runs the agent until SIGTERM. It tells systemd that the agent is ready only when the
// API answers.
func runCommand() *cobra.Command {
	var verbose bool
	var delay time.Duration
	c := &cobra.Command{
		Use: "run FILE", Short: "help.run", Args: cobra.ExactArgs(1),
		Example: "  laned run /etc/lanewarden/lane.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := firmwareconfig.Load(args[0], drivers.Catalog)
			if err != nil {
				return err
			}
			log := cli.Log(verbose)
			for _, w := range config.Warnings() {
				log.Warn(w.English())
			}
			// An agent that ends with an error ends the notifications, too.
			ctx, stop := context.WithCancel(cmd.Context())
			var told sync.WaitGroup
			told.Go(func() { notify(ctx, agent.Socket(config), log) })
			defer told.Wait()
			defer stop()
			return agent.Run(ctx, config, agent.Options{
				Software: cli.Version(), Built: cli.Built(), TelemetryDelay: delay, Log: log,
			})
		},
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "help.flag.verbose")
	cli.Duration(c.Flags(), &delay, "telemetry-delay", 0, "help.flag.telemetry-delay")
	return c
}

// checkCommand checks lane files and prints what laned would run, without connecting to anything.
func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE...", Short: "help.check", Args: cobra.MinimumNArgs(1),
		Example: "  laned check /etc/lanewarden/lane.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, path := range args {
				c, err := firmwareconfig.Load(path, drivers.Catalog)
				if err != nil {
					return err
				}
				c.Describe(cmd.OutOrStdout(), cli.LanguageOf(cmd))
				for _, w := range c.Warnings() {
					fmt.Fprintln(cmd.ErrOrStderr(), cli.PrintErr(cmd).In(w))
				}
			}
			return nil
		},
	}
}

// schemaCommand prints the JSON Schema of lane files, which editors use.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "help.schema", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := firmwareconfig.Schema(drivers.Catalog, cli.Print(cmd).Language)
			if err == nil {
				_, err = fmt.Fprintf(os.Stdout, "%s\n", text)
			}
			return err
		},
	}
}
