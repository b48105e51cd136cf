package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api/passwords"
	"lanewarden/sync/hub/people"
)

// defaultPeople is the accounts file of an installed hub.
const defaultPeople = "/etc/lanewarden/hub-accounts"

// personList is the accounts file.
var personList = cli.NamedList[people.Person]{
	Read: people.Read, Write: people.Write, Name: func(p people.Person) string { return p.Name },
	None: func(file, name string) error {
		return message.Errorf("lanehub.no-account", message.String("file", file), message.String("account", name))
	},
}

// accountCommand groups the commands that edit the file of those who sign in on the pages. A running hub reads it again
// when it changes.
func accountCommand() *cobra.Command {
	var file string
	c := &cobra.Command{Use: "account", Short: "help.hub-account", Long: "help.hub-account.long"}
	c.PersistentFlags().StringVar(&file, "file", defaultPeople, "help.flag.file")
	c.AddCommand(setPersonCommand(&file), personList.RemoveCommand(&file, "help.hub-account-remove"), listPeopleCommand(&file))
	return c
}

// setPersonCommand adds an account, or replaces the one of that name.
func setPersonCommand(file *string) *cobra.Command {
	var roles, sites []string
	c := &cobra.Command{
		Use: "set NAME", Short: "help.hub-account-set", Long: "help.account-set.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub account set mtremblay --role officer --role expert --site emerson-east",
		RunE: func(cmd *cobra.Command, args []string) error {
			p := people.Person{Name: args[0], Sites: sites}
			for _, r := range roles {
				p.Roles = append(p.Roles, people.Role(r))
			}
			if err := p.Check(); err != nil {
				return cli.Usage(err)
			}
			password, err := cli.NewPassword(cmd)
			if err != nil {
				return err
			}
			if p.Hash, err = passwords.Hash(password); err != nil {
				return err
			}
			return personList.Put(*file, p)
		},
	}
	c.Flags().StringSliceVar(&roles, "role", []string{string(people.Viewer)}, "help.flag.hub-role")
	c.Flags().StringSliceVar(&sites, "site", nil, "help.flag.hub-site")
	return c
}

// listPeopleCommand prints each account's name, roles and sites.
func listPeopleCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "help.hub-account-list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := people.Read(*file)
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			w := p.Table("lanehub.table-accounts")
			for _, one := range all {
				by := "lanehub.by-password"
				if one.Hash == "" {
					by = "lanehub.by-nothing"
				}
				sites := cmp.Or(strings.Join(one.Sites, ","), p.Phrase("lanehub.all-sites"))
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.Name, one.RoleNames(), sites, p.Phrase(by))
			}
			return w.Flush()
		},
	}
}
