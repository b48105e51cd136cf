package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"crypto/ed25519"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// commandCommand groups the commands with which a person at the centre commands an agent.
func commandCommand() *cobra.Command {
	var hub remote
	c := &cobra.Command{Use: "command", Short: "help.hub-command", Long: "help.hub-command.long"}
	hub.flags(c)
	c.AddCommand(commandSendCommand(&hub), commandListCommand(&hub), commandKeyCommand())
	return c
}

// commandKeyCommand makes a commander's key, and prints the entry for commanders.json.
func commandKeyCommand() *cobra.Command {
	var s signing
	var kinds []string
	days := 365
	c := &cobra.Command{Use: "key NAME KEYS_DIR", Short: "help.command-key", Long: "help.command-key.long",
		Args:    cobra.ExactArgs(2),
		Example: "  lanehub command key duty-officer /mnt/keys --kind test --kind reboot >>commanders.json"}
	s.flags(c)
	c.Flags().StringSliceVar(&kinds, "kind", nil, "help.flag.command-kind")
	cli.Int(c.Flags(), &days, "days", "", 1, 3650, "help.flag.command-days")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		word, err := s.newPassphrase(cmd)
		if err != nil {
			return err
		}
		k, err := newKeyIn(args[0], args[1], word)
		if err != nil {
			return err
		}
		return printCommander(cmd, k, kinds, days)
	}
	return c
}

// printCommander prints the entry of a key for commanders.json.
func printCommander(cmd *cobra.Command, k orders.Key, kinds []string, days int) error {
	one := command.Commander{Name: k.Name, Key: k.Private.Public().(ed25519.PublicKey), Kinds: kinds,
		NotAfter: time.Now().AddDate(0, 0, days).UTC().Truncate(time.Second)}
	text, err := json.MarshalIndent(map[string]any{"commanders": command.Commanders{one}}, "", "  ")
	if err != nil {
		return err
	}
	if _, err := command.Parse(text); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return nil
}

// caseKeyCommand makes the key with which the hub tells lanes what is said in cases, and prints its entry.
func caseKeyCommand(at *place) *cobra.Command {
	days := 365
	c := &cobra.Command{Use: "case-key", Short: "help.case-key", Long: "help.case-key.long", Args: cobra.NoArgs,
		Example: "  lanehub orders case-key > commanders.json"}
	cli.Int(c.Flags(), &days, "days", "", 1, 3650, "help.flag.command-days")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		k, err := at.repository().NewCaseKey()
		if err != nil {
			return err
		}
		return printCommander(cmd, k, []string{command.Case}, days)
	}
	return c
}

// commandSendCommand signs an order with a commander's key and hands it to the hub.
func commandSendCommand(hub *remote) *cobra.Command {
	var s signing
	var o wire.Order
	var artifact, until string
	good := time.Hour
	c := &cobra.Command{Use: "send SITE/AGENT KIND", Short: "help.command-send", Long: "help.command-send.long",
		Args:    cobra.ExactArgs(2),
		Example: "  lanehub command send emerson-east/lane-4 reboot --device rpm-1 --key /mnt/keys/duty-officer.key"}
	s.flags(c)
	f := c.Flags()
	f.StringVar(&o.Device, "device", "", "help.flag.command-device")
	f.StringVar(&o.Test, "test", "", "help.flag.command-test")
	f.StringVar(&o.Vehicle, "vehicle", "", "help.flag.command-vehicle")
	f.StringVar(&o.Reason, "reason", "", "help.flag.command-reason")
	f.StringVar(&artifact, "artifact", "", "help.flag.command-artifact")
	f.StringVar(&until, "until", "", "help.flag.command-until")
	cli.Duration(f, &good, "for", time.Minute, "help.flag.command-for")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.Sha256, err = hex.DecodeString(artifact); err != nil {
			return cli.Usage(err)
		}
		o.Kind = args[1]
		if o.UntilNs, err = untilOf(o.Kind, until); err != nil {
			return err
		}
		o.Site, o.Agent, _ = strings.Cut(args[0], "/")
		client, err := hub.client()
		if err != nil {
			return err
		}
		if err := address(cmd, client, &o); err != nil {
			return err
		}
		now := time.Now()
		o.Sequence, o.IssuedNs, o.NotAfterNs = uint64(now.UnixMilli()), now.UnixNano(), now.Add(good).UnixNano()
		keys, err := s.keys(cmd)
		if err != nil {
			return err
		}
		if len(keys) != 1 {
			return cli.Usagef("lanehub.command-one-key")
		}
		signed, err := command.Sign(proto.Clone(&o).(*wire.Order), keys[0].Name, keys[0].Private)
		if err != nil {
			return err
		}
		state, err := hubapi.SendCommand.Do(cmd.Context(), client, hubapi.Command{
			Order:     base64.StdEncoding.EncodeToString(signed.Order),
			Signature: base64.StdEncoding.EncodeToString(signed.Signature), Key: signed.Key,
		})
		if err != nil {
			return err
		}
		cli.Print(cmd).Say("lanehub.command-sent", message.String("id", state.ID), message.Time("until", state.NotAfter))
		return nil
	}
	return c
}

// untilOf returns the time until which a device is to be in maintenance, ns since 1970; 0 where it is to end, and for
// other kinds of orders.
func untilOf(kind, until string) (int64, error) {
	if kind != command.Maintenance || until == "now" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return 0, cli.Usagef("lanehub.command-until", message.Quoted("value", until))
	}
	return t.UnixNano(), nil
}

// address fills in which journal and which run of the agent an order is for, as the hub knows them.
func address(cmd *cobra.Command, client *api.Client, o *wire.Order) error {
	agents, err := hubapi.GetAgents.Ask(cmd.Context(), client, hubapi.AgentsQuery{Limit: 1000})
	if err != nil {
		return err
	}
	for _, a := range agents { // newest hello first
		if a.Site != o.Site || a.Agent != o.Agent || a.ForkOf != "" {
			continue
		}
		if o.Journal, err = hex.DecodeString(a.Journal); err != nil {
			return err
		}
		if o.Run, err = strconv.ParseUint(a.Run, 16, 64); err != nil && command.Dangerous(o.Kind) {
			return message.Errorf("lanehub.command-no-run", message.String("agent", o.Site+"/"+o.Agent))
		}
		return nil
	}
	return message.Errorf("api.no-agent", message.String("site", o.Site), message.String("agent", o.Agent))
}

// commandListCommand prints what is outstanding.
func commandListCommand(hub *remote) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "help.command-list", Long: "help.command-list.long", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := hub.client()
			if err != nil {
				return err
			}
			all, err := hubapi.GetCommands.Ask(cmd.Context(), client, api.None{})
			if err != nil {
				return err
			}
			t := cli.Print(cmd).Table("lanehub.command-table")
			for _, one := range all {
				fmt.Fprintf(t, "%.12s\t%s/%s\t%s\t%s\t%s\n", one.ID, one.Site, one.Agent, one.Order, one.Key,
					one.NotAfter.Format(time.RFC3339))
			}
			return t.Flush()
		},
	}
}
