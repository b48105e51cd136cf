package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api/passwords"
	"lanewarden/sync/hub/people"
)

// defaultPeople is the accounts file of an installed hub.
const defaultPeople = "/etc/lanewarden/hub-accounts"

// accountCommand groups the commands that edit the file of those who sign in on the pages. A running hub reads it again
// when it changes.
func accountCommand() *cobra.Command {
	var file string
	c := &cobra.Command{Use: "account", Short: "help.hub-account", Long: "help.hub-account.long"}
	c.PersistentFlags().StringVar(&file, "file", defaultPeople, "help.flag.file")
	c.AddCommand(setPersonCommand(&file), removePersonCommand(&file), listPeopleCommand(&file))
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
			return editPeople(*file, func(all []people.Person) ([]people.Person, error) {
				return append(withoutPerson(all, p.Name), p), nil
			})
		},
	}
	c.Flags().StringSliceVar(&roles, "role", []string{string(people.Viewer)}, "help.flag.hub-role")
	c.Flags().StringSliceVar(&sites, "site", nil, "help.flag.hub-site")
	return c
}

// removePersonCommand deletes an account. A name that the file does not have is an error.
func removePersonCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "help.hub-account-remove", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return editPeople(*file, func(all []people.Person) ([]people.Person, error) {
				left := withoutPerson(all, args[0])
				if len(left) == len(all) {
					return nil, message.Errorf("lanehub.no-account", message.String("file", *file), message.String("account", args[0]))
				}
				return left, nil
			})
		},
	}
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

func withoutPerson(all []people.Person, name string) []people.Person {
	return slices.DeleteFunc(slices.Clone(all), func(p people.Person) bool { return p.Name == name })
}

// editPeople reads the file, has change make the new list of it, and writes that; nothing is written after an error.
func editPeople(file string, change func([]people.Person) ([]people.Person, error)) error {
	all, err := people.Read(file)
	if err != nil {
		return err
	}
	if all, err = change(all); err != nil {
		return err
	}
	return people.Write(file, all)
}
