package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/notify"
)

// defaultNotify is the file of rules of an installed hub.
const defaultNotify = "/etc/lanewarden/notify.yaml"

// notifyCommand groups the commands about telling people and programs outside.
func notifyCommand() *cobra.Command {
	c := &cobra.Command{Use: "notify", Short: "help.notify", Long: "help.notify.long"}
	c.AddCommand(notifyCheckCommand(), notifyTestCommand(), notifyStatusCommand())
	return c
}

// notifyCheckCommand checks a file of rules.
func notifyCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "help.notify-check", Args: cobra.ExactArgs(1),
		Example: "  lanehub notify check /etc/lanewarden/notify.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := notify.Read(args[0])
			if err != nil {
				return err
			}
			cli.Print(cmd).Say("lanehub.notify-checked", message.String("file", args[0]), message.Int("rules", len(rules.Rules)),
				message.Int("receivers", len(rules.Receivers)))
			return nil
		},
	}
}

// notifyTestCommand sends a test to the receivers of a rule, from here and without the hub.
func notifyTestCommand() *cobra.Command {
	file := defaultNotify
	c := &cobra.Command{
		Use: "test RULE", Short: "help.notify-test", Long: "help.notify-test.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub notify test alarms-at-night",
	}
	c.Flags().StringVar(&file, "file", file, "help.flag.notify-file")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		rules, err := notify.Read(file)
		if err != nil {
			return err
		}
		p, failed := cli.Print(cmd), false
		err = notify.Test(cmd.Context(), rules, args[0], func(receiver string, err error) {
			if err != nil {
				failed = true
				p.Say("lanehub.notify-failed", message.String("receiver", receiver), message.CausedBy(err))
				return
			}
			p.Say("lanehub.notify-sent", message.String("receiver", receiver))
		})
		if err == nil && failed {
			err = message.Errorf("lanehub.notify-not-all")
		}
		return err
	}
	return c
}

// notifyStatusCommand prints how far a running hub is with telling each receiver.
func notifyStatusCommand() *cobra.Command {
	var hub remote
	c := &cobra.Command{Use: "status", Short: "help.notify-status", Args: cobra.NoArgs, Example: "  lanehub notify status"}
	hub.flags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := hub.client()
		if err != nil {
			return err
		}
		answer, err := hubapi.GetSenders.Ask(cmd.Context(), client, api.None{})
		if err != nil {
			return err
		}
		p := cli.Print(cmd)
		if answer.Problem != nil {
			p.Say("lanehub.notify-file-wrong", message.String("file", answer.File),
				message.String("cause", answer.Problem.In(p.Language)))
		}
		all := answer.Senders
		if len(all) == 0 {
			p.Say("lanehub.notify-none")
			return nil
		}
		t := p.Table("lanehub.notify-table")
		for i := range all {
			s := &all[i]
			state, last, wrong, waiting := p.Phrase("lanehub.notify-ok"), p.Phrase("lanehub.notify-never"), "", strconv.FormatInt(s.Waiting, 10)
			if s.Error != nil {
				state, wrong = p.Phrase("lanehub.notify-failing"), cli.Plain(s.Error.In(p.Language))
			}
			if s.LastSent != nil {
				last = s.LastSent.Local().Format(time.DateTime)
			}
			if s.More {
				waiting += "+"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", s.Rule, s.Receiver, s.Way, state, s.Sent, s.Summed, waiting, last, wrong)
		}
		return t.Flush()
	}
	return c
}
