package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/backupcli"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders"
)

// secretKey is the flag that names the key from which a site's daily secrets follow.
type secretKey struct {
	signing
	file string
}

func (s *secretKey) flags(c *cobra.Command) {
	s.signing.flags(c)
	c.Flags().StringVar(&s.file, "secret-key", "", "help.flag.orders-secret-key")
	_ = c.MarkFlagRequired("secret-key") // it is defined above
}

// master reads the key.
func (s *secretKey) master(cmd *cobra.Command) (orders.Key, error) {
	one := signing{files: []string{s.file}, passphrase: s.passphrase}
	keys, err := one.keys(cmd)
	if err != nil {
		return orders.Key{}, err
	}
	return keys[0], nil
}

func ordersSecretKeyCommand() *cobra.Command {
	var s signing
	c := &cobra.Command{
		Use: "secret-key SITE KEYS_DIR", Short: "help.orders-secret-key", Long: "help.orders-secret-key.long",
		Args:    cobra.ExactArgs(2),
		Example: "  lanehub orders secret-key emerson-east /mnt/keys",
	}
	s.passphrase = backupcli.Passphrase(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		_, err := s.fresh(cmd, "secrets-"+args[0], args[1])
		return err
	}
	return c
}

// secretDays is for how many days secrets are published where nothing else is said: a lane without a link for two weeks
// still draws with the centre's.
const secretDays = 14

func ordersSecretsCommand(at *place) *cobra.Command {
	var s secretKey
	var hub remote
	var recipients []string
	days := secretDays
	c := &cobra.Command{
		Use: "secrets SITE", Short: "help.orders-secrets", Long: "help.orders-secrets.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub orders secrets emerson-east --secret-key /mnt/keys/secrets-emerson-east.key " +
			"--key /mnt/keys/site-emerson-east.key",
	}
	s.flags(c)
	hub.flags(c)
	cli.Int(c.Flags(), &days, "days", "", 1, orders.MostSecretDays, "help.flag.orders-secret-days")
	c.Flags().StringArrayVar(&recipients, "recipient", nil, "help.flag.orders-recipient")
	c.RunE = s.change(func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		to := recipients
		if len(to) == 0 {
			if to, err = hub.recipients(cmd, args[0]); err != nil {
				return false, err
			}
		}
		master, err := s.master(cmd)
		if err != nil {
			return false, err
		}
		sealed, done, err := at.repository().PublishSecrets(args[0], master, to, days, keys)
		if err == nil {
			cli.Print(cmd).Say("lanehub.orders-secrets", message.Count("n", len(sealed)), message.Int("agents", len(to)))
		}
		return done, err
	})
	return c
}

func ordersRevealCommand(at *place) *cobra.Command {
	var s secretKey
	c := &cobra.Command{
		Use: "reveal SITE [DAY...]", Short: "help.orders-reveal", Long: "help.orders-reveal.long",
		Args: cobra.MinimumNArgs(1),
		Example: "  lanehub orders reveal emerson-east " +
			"--secret-key /mnt/keys/secrets-emerson-east.key --key /mnt/keys/site-emerson-east.key",
	}
	s.flags(c)
	c.RunE = s.change(func(cmd *cobra.Command, args []string, keys []orders.Key) (done bool, err error) {
		master, err := s.master(cmd)
		if err != nil {
			return false, err
		}
		return at.repository().RevealSecrets(args[0], master, args[1:], keys)
	})
	return c
}

// recipients asks the hub for the keys of a site's agents, as each has said its own last, and prints them: who signs sees
// for whom.
func (h *remote) recipients(cmd *cobra.Command, site string) (keys []string, err error) {
	client, err := h.client()
	if err != nil {
		return nil, err
	}
	byAgent := map[string]string{}
	query := hubapi.FeedQuery{After: "0", Limit: 1000, Site: site, Kind: observation.Kind_KIND_ORDERS_CHECKED.Name()}
	for more := true; more; {
		if more, err = readRecipients(cmd.Context(), client, &query, byAgent); err != nil {
			return nil, err
		}
	}
	for _, agent := range slices.Sorted(maps.Keys(byAgent)) {
		keys = append(keys, byAgent[agent])
		cli.Print(cmd).Say("lanehub.orders-recipient", message.String("agent", agent), message.String("key", byAgent[agent]))
	}
	if len(keys) == 0 {
		return nil, message.Errorf("lanehub.no-recipients", message.String("site", site))
	}
	return keys, nil
}

// readRecipients reads a page of the feed, and moves the query on; more is false at the end.
func readRecipients(ctx context.Context, client *api.Client, query *hubapi.FeedQuery, byAgent map[string]string) (
	more bool, err error) {
	page, err := hubapi.GetFeed.Open(ctx, client, *query)
	if err != nil {
		return false, err
	}
	defer page.Close()
	for d := json.NewDecoder(page); ; more = true {
		var e hubapi.CloudEvent
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return more, nil
		} else if err != nil {
			return false, err
		}
		var data struct {
			Checked struct {
				Recipient string `json:"recipient"`
			} `json:"ordersChecked"`
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, err
		}
		query.After = e.Cursor
		if data.Checked.Recipient != "" {
			byAgent[e.Source] = data.Checked.Recipient
		}
	}
}
