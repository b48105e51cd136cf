package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/rollout"
)

// rolloutCommand groups the commands that hand out bundles of configuration. They work on the repository's folder; a
// running hub does what they say.
func rolloutCommand() *cobra.Command {
	var at place
	c := &cobra.Command{Use: "rollout", Short: "help.rollout", Long: "help.rollout.long"}
	c.PersistentFlags().StringVar(&at.dir, "orders-dir", "/var/lib/lanehub/"+orders.Dir, "help.flag.orders-dir")
	c.AddCommand(rolloutStartCommand(&at), rolloutStatusCommand(&at), rolloutStopCommand(&at), rolloutGoOnCommand(&at))
	return c
}

// siteFlag adds --site, which is required.
func siteFlag(c *cobra.Command) *string {
	site := c.Flags().String("site", "", "help.flag.rollout-site")
	if err := c.MarkFlagRequired("site"); err != nil {
		panic(err) // there is no such flag: a mistake in this function
	}
	return site
}

func rolloutStartCommand(at *place) *cobra.Command {
	var percent []int
	soak := time.Hour
	c := &cobra.Command{
		Use: "start BUNDLE", Short: "help.rollout-start", Long: "help.rollout-start.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub rollout start config-7 --site emerson-east --percent 10,50,100"}
	site := siteFlag(c)
	c.Flags().IntSliceVar(&percent, "percent", []int{10, 50, 100}, "help.flag.rollout-percent")
	cli.Duration(c.Flags(), &soak, "soak", 0, "help.flag.rollout-soak")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := rollout.Start(at.dir, args[0], *site, percent, soak, whoIs()); err != nil {
			return err
		}
		cli.Print(cmd).Say("lanehub.rollout-started")
		return nil
	}
	return c
}

func rolloutStopCommand(at *place) *cobra.Command {
	c := &cobra.Command{
		Use: "stop BUNDLE", Short: "help.rollout-stop", Long: "help.rollout-stop.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub rollout stop config-7 --site emerson-east"}
	site := siteFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := rollout.Stop(at.dir, args[0], *site, whoIs()); err != nil {
			return err
		}
		cli.Print(cmd).Say("lanehub.rollout-stopped")
		return nil
	}
	return c
}

func rolloutGoOnCommand(at *place) *cobra.Command {
	var without []string
	c := &cobra.Command{
		Use: "go-on BUNDLE", Short: "help.rollout-go-on", Long: "help.rollout-go-on.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub rollout go-on config-7 --site emerson-east --without lane-3"}
	site := siteFlag(c)
	c.Flags().StringSliceVar(&without, "without", nil, "help.flag.rollout-without")
	cli.Need(c, "without")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := rollout.GoOn(at.dir, args[0], *site, without, whoIs()); err != nil {
			return err
		}
		cli.Print(cmd).Say("lanehub.rollout-goes-on")
		return nil
	}
	return c
}

// whoIs names who gives a command, for the hub's journal: their account on this machine.
func whoIs() string {
	u, err := user.Current()
	if err != nil {
		return strconv.Itoa(os.Getuid())
	}
	return u.Username
}

// turnText names the lanes whose turn it is, those that are not waited for in brackets.
func turnText(r *rollout.Rollout) string {
	var names []string
	for _, name := range r.Turn {
		if slices.Contains(r.Without, name) {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func rolloutStatusCommand(at *place) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "status", Short: "help.rollout-status", Long: "help.rollout-status.long", Args: cobra.NoArgs}
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		b, err := rollout.Read(at.dir)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(b)
		}
		printRollouts(cli.Print(cmd), b)
		return nil
	}
	return c
}

// stateWords are what the states of a rollout are called, stepWords the steps of an agent.
var (
	stateWords = map[string]string{
		rollout.Running: "lanehub.rollout-running", rollout.Done: "lanehub.rollout-done",
		rollout.Stopped: "lanehub.rollout-stopped",
	}
	stepWords = map[string]string{
		"staged": "bundle.is-staged", "refused": "bundle.is-refused", "switched": "bundle.is-switched",
		"healthy": "bundle.is-healthy", "reverted": "bundle.is-reverted",
	}
)

// printRollouts prints what is being handed out, and what each agent said last.
func printRollouts(p cli.Printer, b rollout.Book) {
	t := p.Table("lanehub.rollout-columns")
	for _, r := range b.Rollouts {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d %%\t%s\t%s\n", r.Site, r.Bundle, p.Phrase(stateWords[r.State]), r.Percent[r.Stage],
			turnText(r), r.Message.In(p.Language))
	}
	t.Flush()
	fmt.Fprintln(p.Writer)
	t = p.Table("lanehub.rollout-agents")
	for _, name := range slices.Sorted(maps.Keys(b.Agents)) {
		a := b.Agents[name]
		inForce := "-"
		if a.InForce != "" {
			inForce = path.Base(a.InForce)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", name, inForce, path.Base(a.Bundle),
			p.Phrase(cmp.Or(stepWords[a.Step], "bundle.is-staged")), a.Text.In(p.Language))
	}
	t.Flush()
}
