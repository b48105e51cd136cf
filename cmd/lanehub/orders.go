package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/backupcli"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/listbook"
)

// ordersCommand groups the commands that publish what lanes take: lists, configuration, firmware. They work on the
// repository's folder; a running hub sees what they change.
func ordersCommand() *cobra.Command {
	var at place
	c := &cobra.Command{Use: "orders", Short: "help.orders", Long: "help.orders.long"}
	c.PersistentFlags().StringVar(&at.dir, "orders-dir", filepath.Join("/var/lib/lanehub", orders.Dir),
		"help.flag.orders-dir")
	c.AddCommand(
		ordersInitCommand(&at), ordersPublishCommand(&at), ordersWithdrawCommand(&at), ordersSignCommand(&at),
		ordersRenewCommand(&at), ordersSiteCommand(&at), ordersRotateCommand(&at), ordersStatusCommand(&at),
		ordersExportCommand(&at), ordersListCommand(&at),
		ordersSecretKeyCommand(), ordersSecretsCommand(&at), ordersRevealCommand(&at), caseKeyCommand(&at),
	)
	return c
}

// place is where the repository is.
type place struct{ dir string }

func (p *place) repository() *orders.Repository { return orders.At(p.dir) }

// signing are the flags of commands that sign.
type signing struct {
	files      []string
	passphrase *string
}

// flags adds --key and --passphrase-file.
func (s *signing) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.files, "key", nil, "help.flag.orders-key")
	s.passphrase = backupcli.Passphrase(c)
}

// keys reads the keys. One passphrase is asked for, and again where it does not open a key.
func (s *signing) keys(cmd *cobra.Command) (keys []orders.Key, err error) {
	for _, file := range s.files {
		k, err := orders.ReadKey(file, func() (string, error) {
			cli.PrintErr(cmd).Say("lanehub.orders-opening", message.String("file", file))
			return backupcli.Ask(cmd, "lanehub.orders-passphrase", *s.passphrase, false)
		})
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// fresh makes a key of a name and writes it, sealed, into a folder.
func (s *signing) fresh(cmd *cobra.Command, name, dir string) (k orders.Key, err error) {
	word, err := s.newPassphrase(cmd)
	if err != nil {
		return k, err
	}
	if k, err = orders.NewKey(name); err != nil {
		return k, err
	}
	file, err := k.Write(dir, word)
	if err == nil {
		cli.Print(cmd).Say("lanehub.orders-key", message.String("file", file))
	}
	return k, err
}

// newKeyIn makes a key of a name and writes it, sealed with a passphrase, into a folder.
func newKeyIn(name, dir, word string) (k orders.Key, err error) {
	if k, err = orders.NewKey(name); err == nil {
		_, err = k.Write(dir, word)
	}
	return k, err
}

func (s *signing) newPassphrase(cmd *cobra.Command) (string, error) {
	word, err := backupcli.Ask(cmd, "lanehub.orders-passphrase", *s.passphrase, true)
	if err == nil && len(word) < keyfile.MinPassphrase {
		err = message.Errorf("orders.short-passphrase", message.Int("least", keyfile.MinPassphrase))
	}
	return word, err
}

// tell says whether a change is in force, or waits for somebody else's signature.
func tell(cmd *cobra.Command, done bool, err error) error {
	if err != nil {
		return err
	}
	if done {
		cli.Print(cmd).Say("lanehub.orders-done")
	} else {
		cli.Print(cmd).Say("lanehub.orders-waits")
	}
	return nil
}

// change returns the body of a command that changes what is published: do gets the keys that sign, and returns whether the
// change is in force.
func (s *signing) change(do func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error)) func(
	*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		keys, err := s.keys(cmd)
		if err != nil {
			return err
		}
		done, err := do(cmd, args, keys)
		return tell(cmd, done, err)
	}
}

func ordersInitCommand(at *place) *cobra.Command {
	var s signing
	c := &cobra.Command{Use: "init KEYS_DIR", Short: "help.orders-init", Long: "help.orders-init.long",
		Args:    cobra.ExactArgs(1),
		Example: "  lanehub orders init /mnt/keys"}
	s.passphrase = backupcli.Passphrase(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		word, err := s.newPassphrase(cmd)
		if err != nil {
			return err
		}
		files, root, err := at.repository().Init(args[0], word)
		if err != nil {
			return err
		}
		p := cli.Print(cmd)
		for _, f := range files {
			p.Say("lanehub.orders-key", message.String("file", f))
		}
		p.Say("lanehub.orders-root", message.String("file", root))
		p.Say("lanehub.orders-root-note")
		return nil
	}
	return c
}

func ordersPublishCommand(at *place) *cobra.Command {
	var s signing
	var site string
	c := &cobra.Command{Use: "publish FILE PATH", Short: "help.orders-publish", Long: "help.orders-publish.long",
		Args: cobra.ExactArgs(2),
		Example: "  lanehub orders publish targets.csv lists/targets/full-12.csv --key /mnt/keys/lists.key\n" +
			"  lanehub orders publish lane-4.tar.zst bundles/emerson-east/lane-4/config-7 --key /mnt/a/targets-1.key"}
	s.flags(c)
	c.Flags().StringVar(&site, "site", "", "help.flag.orders-site")
	c.RunE = s.change(func(_ *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		return at.repository().Publish([]orders.File{{Path: args[1], Site: site, From: args[0]}}, nil, keys)
	})
	return c
}

func ordersListCommand(at *place) *cobra.Command {
	var s signing
	var site string
	c := &cobra.Command{Use: "list LIST", Short: "help.orders-list", Long: "help.orders-list.long",
		Args:    cobra.ExactArgs(1),
		Example: "  lanehub orders list targets --key /mnt/keys/lists.key"}
	s.flags(c)
	dir := bookDir(c)
	c.Flags().StringVar(&site, "site", "", "help.flag.orders-site")
	c.RunE = s.change(func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		if f := cmd.Flags(); f.Changed("dir") && !f.Changed("orders-dir") {
			at.dir = filepath.Join(*dir, orders.Dir) // another hub than this machine's has its repository with it
		}
		number, done, err := at.repository().PublishList(listbook.Open(*dir), lists.Kind(args[0]), site, keys)
		if err == nil {
			cli.Print(cmd).Say("lanehub.orders-list", message.String("list", args[0]), message.Int("number", number))
		}
		return done, err
	})
	return c
}

func ordersWithdrawCommand(at *place) *cobra.Command {
	var s signing
	var site string
	c := &cobra.Command{Use: "withdraw PATH...", Short: "help.orders-withdraw", Long: "help.orders-withdraw.long",
		Args: cobra.MinimumNArgs(1)}
	s.flags(c)
	c.Flags().StringVar(&site, "site", "", "help.flag.orders-site")
	c.RunE = s.change(func(_ *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		return at.repository().Withdraw(args, site, keys)
	})
	return c
}

func ordersSignCommand(at *place) *cobra.Command {
	var s signing
	c := &cobra.Command{Use: "sign", Short: "help.orders-sign", Long: "help.orders-sign.long",
		Args:    cobra.NoArgs,
		Example: "  lanehub orders sign --key /mnt/keys/targets-2.key"}
	s.flags(c)
	c.RunE = s.change(func(_ *cobra.Command, _ []string, keys []orders.Key) (done bool, err error) {
		return at.repository().Sign(keys)
	})
	return c
}

func ordersRenewCommand(at *place) *cobra.Command {
	var s signing
	c := &cobra.Command{Use: "renew ROLE", Short: "help.orders-renew", Long: "help.orders-renew.long",
		Args:    cobra.ExactArgs(1),
		Example: "  lanehub orders renew root --key /mnt/a/root-1.key --key /mnt/b/root-2.key"}
	s.flags(c)
	c.RunE = s.change(func(_ *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		return at.repository().Renew(args[0], keys)
	})
	return c
}

func ordersSiteCommand(at *place) *cobra.Command {
	var s signing
	c := &cobra.Command{Use: "site SITE KEYS_DIR", Short: "help.orders-addsite", Long: "help.orders-addsite.long",
		Args:    cobra.ExactArgs(2),
		Example: "  lanehub orders site emerson-east /mnt/keys --key /mnt/a/targets-1.key --key /mnt/b/targets-2.key"}
	s.flags(c)
	c.RunE = s.change(func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		k, err := s.fresh(cmd, "site-"+args[0], args[1])
		if err != nil {
			return false, err
		}
		return at.repository().AddSite(args[0], k, keys)
	})
	return c
}

func ordersRotateCommand(at *place) *cobra.Command {
	var s signing
	c := &cobra.Command{Use: "rotate ROLE OLD_ID NEW_NAME KEYS_DIR", Short: "help.orders-rotate", Long: "help.orders-rotate.long",
		Args:    cobra.ExactArgs(4),
		Example: "  lanehub orders rotate root 5f0c… root-4 /mnt/keys --key /mnt/a/root-2.key --key /mnt/b/root-3.key"}
	s.flags(c)
	c.RunE = s.change(func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		role, old, name := args[0], args[1], args[2]
		var k orders.Key
		if role == "snapshot" || role == "timestamp" { // the hub keeps it
			k, err = orders.NewKey(role + "-" + strings.TrimPrefix(name, role+"-"))
		} else {
			k, err = s.fresh(cmd, name, args[3])
		}
		if err != nil {
			return false, err
		}
		return at.repository().Rotate(role, old, k, keys)
	})
	return c
}

func ordersExportCommand(at *place) *cobra.Command {
	var site string
	c := &cobra.Command{Use: "export DIR", Short: "help.orders-export", Long: "help.orders-export.long",
		Args:    cobra.ExactArgs(1),
		Example: "  lanehub orders export /mnt/usb/orders --site emerson-east"}
	c.Flags().StringVar(&site, "site", "", "help.flag.orders-export-site")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := at.repository().Export(args[0], site)
		if err == nil {
			cli.Print(cmd).Say("lanehub.orders-exported", message.Count("n", n), message.String("dir", args[0]))
		}
		return err
	}
	return c
}
