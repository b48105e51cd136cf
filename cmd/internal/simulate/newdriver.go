package simulate

import (
	"fmt"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/newdriver"
	"lanewarden/drivers/message"
)

// NewDriver returns the command that writes the folder of a new driver, and prints what to do next.
func NewDriver() *cobra.Command {
	var d newdriver.Driver
	var root string
	c := &cobra.Command{
		Use: "new-driver NAME", Short: "help.new-driver", Args: cobra.ExactArgs(1),
		Long:    "help.new-driver.long",
		Example: `  lanesim new-driver tyre-strip --title "Tyre temperature strip" --title-fr "Bande de température des pneus"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d.Name = args[0]
			written, err := d.Write(root)
			for _, f := range written {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			if err != nil {
				return err
			}
			p := cli.Print(cmd)
			fmt.Fprintln(p.Writer)
			p.Say("sim.next")
			for _, step := range [][2]string{
				{"go test ./" + d.Folder() + "/...", "sim.next-test"},
				{"go test ./cmd/internal/repository -run Settings -update", "sim.next-settings"},
				{"docs/drivers.md", "sim.next-guide"},
			} {
				fmt.Fprintf(p.Writer, "  %-56s %s\n", step[0], p.In(message.New(step[1])))
			}
			return nil
		},
	}
	c.Flags().StringVar(&d.Title, "title", "", "help.flag.title")
	c.Flags().StringVar(&d.TitleFR, "title-fr", "", "help.flag.title-fr")
	c.Flags().StringVar(&d.Group, "group", "vehicle", "help.flag.group")
	c.Flags().StringVar(&root, "root", ".", "help.flag.root")
	cli.Need(c, "title")
	return c
}
