package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
)

// rebuildCommand drops the views of a ledger and folds them again.
func rebuildCommand() *cobra.Command {
	var o ledger.Options
	c := &cobra.Command{
		Use: "rebuild", Short: "help.hub-rebuild", Long: "help.hub-rebuild.long", Args: cobra.NoArgs,
		Example: "  lanehub rebuild --dir /var/lib/lanehub",
	}
	c.Flags().StringVar(&o.Dir, "dir", "/var/lib/lanehub", "help.flag.run.dir")
	c.Flags().StringVar(&o.URL, "ledger", "", "help.flag.ledger")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.URL == "" {
			unlock, err := journal.Lock(o.Dir, "lanehub")
			if err != nil {
				return err
			}
			defer unlock()
		}
		p, err := rebuild(cmd.Context(), o)
		if err != nil {
			return err
		}
		out := cli.Print(cmd)
		out.Say("lanehub.rebuilt", message.Count("n", p.Seq))
		if p.Unread > 0 {
			out.Say("views.unread", message.Count("n", p.Unread), message.String("why", p.Why))
		}
		return nil
	}
	return c
}

// rebuild folds the views of a ledger again, and returns how far they are.
func rebuild(ctx context.Context, o ledger.Options) (p views.Progress, err error) {
	l, err := ledger.OpenWith(ctx, o)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	v := views.New(l, func(_ context.Context, m ledger.Message) error {
		_, err := l.Apply([]ledger.Message{m})
		return err
	}, cli.Log(false))
	if err := v.Rebuild(ctx); err != nil {
		return p, err
	}
	if err := v.CatchUp(ctx); err != nil {
		return p, err
	}
	return v.Progress()
}
