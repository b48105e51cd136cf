package main

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/tokens"
)

// defaultTokens is the tokens file of an installed hub.
const defaultTokens = "/etc/lanewarden/tokens"

// holderList is the tokens file.
var holderList = cli.NamedList[tokens.Holder]{
	Read: tokens.Read, Write: tokens.Write, Name: func(h tokens.Holder) string { return h.Name },
	None: func(file, name string) error {
		return message.Errorf("lanehub.no-token", message.String("file", file), message.Quoted("name", name))
	},
}

// tokenCommand groups the commands that edit the tokens file. A running hub reads the file again
// when it changes.
func tokenCommand() *cobra.Command {
	var file string
	c := &cobra.Command{Use: "token", Short: "help.token", Long: "help.token.long"}
	c.PersistentFlags().StringVar(&file, "file", defaultTokens, "help.flag.token-file")
	c.AddCommand(addTokenCommand(&file), holderList.RemoveCommand(&file, "help.token-remove"), listTokensCommand(&file))
	return c
}

// addTokenCommand adds a holder, or replaces the one of that name, and prints the new token. It is
// shown once: the file has only its hash.
func addTokenCommand(file *string) *cobra.Command {
	var scopes []string
	var certificate bool
	c := &cobra.Command{
		Use: "add NAME", Short: "help.token-add", Long: "help.token-add.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub token add risk-system --scope feed --scope artifacts",
		RunE: func(cmd *cobra.Command, args []string) error {
			h := tokens.Holder{Name: args[0]}
			for _, s := range scopes {
				h.Scopes = append(h.Scopes, api.Scope(s))
			}
			if err := h.Check(); err != nil {
				return cli.Usage(err)
			}
			var token string
			if !certificate {
				token, h.Hash = tokens.New()
			}
			err := holderList.Put(*file, h)
			if err == nil && token != "" {
				fmt.Fprintln(cmd.OutOrStdout(), token)
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&scopes, "scope", nil, "help.flag.scope")
	c.Flags().BoolVar(&certificate, "certificate", false, "help.flag.token-certificate")
	return c
}

// listTokensCommand prints each holder's name, scopes, and whether a token or a client certificate
// stands for it.
func listTokensCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "help.token-list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := tokens.Read(*file)
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			w := p.Table("lanehub.table-tokens")
			for _, h := range all {
				by := p.Phrase("lanehub.by-token")
				if h.Hash == [sha256.Size]byte{} {
					by = p.Phrase("lanehub.by-certificate")
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", h.Name, strings.Trim(fmt.Sprint(h.Scopes), "[]"), by)
			}
			return w.Flush()
		},
	}
}
