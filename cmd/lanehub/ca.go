package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/sync/hub/authority"
)

// defaultCA is the authority's folder. The hub itself needs only ca.pem of it, so it may be on
// another machine.
const defaultCA = "/etc/lanewarden/ca"

// caCommand groups the commands of the small certificate authority, for sites that have none.
func caCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "ca", Short: "help.ca", Long: "help.ca.long"}
	c.PersistentFlags().StringVar(&dir, "ca-dir", defaultCA, "help.flag.ca-dir")
	c.AddCommand(initCACommand(&dir), issueCommand(&dir), inviteCommand(&dir))
	return c
}

// initCACommand creates the authority. There is none to be overwritten: authority.Create refuses.
func initCACommand(dir *string) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: "init", Short: "help.ca-init", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := authority.Create(*dir, name, time.Now()); err != nil {
				return err
			}
			cli.Print(cmd).Say("lanehub.ca-made", message.String("cert", filepath.Join(*dir, authority.CertFile)),
				message.String("key", filepath.Join(*dir, authority.KeyFile)))
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "Lanewarden", "help.flag.ca-name")
	return c
}

// issueCommand issues a certificate with a new key: a client's named NAME, or with --host a
// server's. The files are named after it, with _ for / in SITE/AGENT.
func issueCommand(dir *string) *cobra.Command {
	// 825 days is the longest that some clients accept of a server's certificate.
	r := authority.Request{Days: 825}
	var out string
	c := &cobra.Command{
		Use: "issue NAME", Short: "help.ca-issue", Long: "help.ca-issue.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub ca issue emerson-east/lane-4\n  lanehub ca issue hub --host hub.example --host 192.0.2.7",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := authority.Open(*dir)
			if err != nil {
				return err
			}
			r.Name = args[0]
			stem := filepath.Join(out, strings.ReplaceAll(r.Name, "/", "_"))
			if err := a.Issue(r, stem+".pem", stem+".key", time.Now()); err != nil {
				return err
			}
			cli.Print(cmd).Say("lanehub.issued", message.String("cert", stem+".pem"), message.String("key", stem+".key"))
			return nil
		},
	}
	c.Flags().StringSliceVar(&r.Hosts, "host", nil, "help.flag.ca-host")
	c.Flags().IntVar(&r.Days, "days", r.Days, "help.flag.ca-days")
	c.Flags().StringVar(&out, "out", ".", "help.flag.ca-out")
	return c
}

// inviteCommand makes the code of an invitation and prints it, with what to do with it. The code is kept nowhere.
func inviteCommand(dir *string) *cobra.Command {
	days := 7
	c := &cobra.Command{
		Use: "invite SITE/AGENT", Short: "help.ca-invite", Long: "help.ca-invite.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub ca invite emerson-east/lane-4",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := authority.Open(*dir)
			if err != nil {
				return err
			}
			valid := time.Duration(days) * 24 * time.Hour
			code, err := a.Invite(args[0], valid, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), code)
			cli.PrintErr(cmd).Say("lanehub.invited", message.String("agent", args[0]),
				message.Time("until", time.Now().Add(valid)), message.String("code", code.String()))
			return nil
		},
	}
	cli.Int(c.Flags(), &days, "days", "", 1, authority.MaxInvitationDays, "help.flag.invite-days")
	return c
}
