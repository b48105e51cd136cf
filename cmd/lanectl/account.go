package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api/passwords"
)

// defaultAccounts is the accounts file of an installed agent, as the packages set it up.
const defaultAccounts = "/etc/lanewarden/accounts"

// accountList is the accounts file.
var accountList = cli.NamedList[accounts.Account]{
	Read: accounts.Read, Write: accounts.Write, Name: func(a accounts.Account) string { return a.Name },
	None: func(file, name string) error {
		return message.Errorf("lanectl.no-account", message.String("file", file), message.String("account", name))
	},
}

// accountCommand groups the commands that edit the console's accounts file. They work on the file
// and need no running agent, which reads it again when it changes.
func accountCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "account", Short: "help.account",
		Long: "help.account.long",
	}
	c.PersistentFlags().StringVar(&file, "file", defaultAccounts, "help.flag.file")
	c.AddCommand(setAccountCommand(&file), accountList.RemoveCommand(&file, "help.account-remove"), listAccountsCommand(&file))
	return c
}

// setAccountCommand adds an account, or replaces the one of that name. The password comes from the
// terminal, without echo, or from standard input; never from the command line, where other users of
// the machine could read it.
func setAccountCommand(file *string) *cobra.Command {
	var role string
	var certificate bool
	c := &cobra.Command{
		Use: "set NAME", Short: "help.account-set", Args: cobra.ExactArgs(1),
		Long: "help.account-set.long",
		Example: "  lanectl account set mtremblay --role technician\n" +
			"  lanectl account set mtremblay --role technician < password.txt",
		RunE: func(cmd *cobra.Command, args []string) error {
			a := accounts.Account{Name: args[0]}
			err := accounts.CheckName(a.Name)
			if err == nil {
				a.Role, err = accounts.ParseRole(role)
			}
			if err != nil {
				return cli.Usage(err)
			}
			// An account without a hash can sign in by client certificate only.
			if !certificate {
				password, err := cli.NewPassword(cmd)
				if err != nil {
					return err
				}
				if a.Hash, err = passwords.Hash(password); err != nil {
					return err
				}
			}
			return accountList.Put(*file, a)
		},
	}
	c.Flags().StringVar(&role, "role", "viewer", "help.flag.role")
	c.Flags().BoolVar(&certificate, "certificate", false, "help.flag.certificate")
	return c
}

// listAccountsCommand prints each account's name, role, and whether it signs in by password or by
// client certificate.
func listAccountsCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "help.account-list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := accounts.Read(*file)
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			w := p.Table("lanectl.table-accounts")
			for _, a := range all {
				by := p.Phrase("lanectl.by-password")
				if a.Hash == "" {
					by = p.Phrase("lanectl.by-certificate")
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", a.Name, a.Role, by)
			}
			return w.Flush()
		},
	}
}
