package cli

import (
	"time"

	"github.com/spf13/cobra"

	"lanewarden/drivers/message"
)

// Erasure is what personal data a command is to erase, as its flags say it.
type Erasure struct{ name, before string }

// Flags adds the flags.
func (e *Erasure) Flags(c *cobra.Command) {
	c.Flags().StringVar(&e.name, "name", "", "help.flag.erase.name")
	c.Flags().StringVar(&e.before, "before", "", "help.flag.erase.before")
}

// Asked returns the name, or the beginning of the day in this machine's zone, of which exactly one is given.
func (e *Erasure) Asked() (name string, before time.Time, err error) {
	if (e.name == "") == (e.before == "") {
		return "", before, Usagef("cli.one-flag", message.String("flags", "--name, --before"))
	}
	if e.before == "" {
		return e.name, before, nil
	}
	if before, err = time.ParseInLocation(time.DateOnly, e.before, time.Local); err != nil {
		return "", before, Usagef("cli.date", message.Quoted("value", e.before))
	}
	return "", before, nil
}
