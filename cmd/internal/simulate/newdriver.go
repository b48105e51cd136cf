package simulate

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/newdriver"
)

// NewDriver returns the command that writes the folder of a new driver.
func NewDriver() *cobra.Command {
	var d newdriver.Driver
	var root string
	c := &cobra.Command{
		Use: "new-driver NAME", Short: "Write the folder of a new driver, which compiles and passes its tests", Args: cobra.ExactArgs(1),
		Long: `Write the folder of a new driver in the source tree: driver, decoder, simulator, tests, texts in English and French, a page on
the protocol; and add it to the catalog. The driver is one of a made-up device that sends a line of JSON for each vehicle;
docs/drivers.md says how to make it that of a real one.`,
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
			fmt.Fprintf(cmd.OutOrStdout(), `
Next:
  go test ./%s/...                                     the test kit, the decoder, the simulator
  go test ./cmd/internal/repository -run Settings -update    writes its page of settings
  docs/drivers.md                                      how to go on
`, d.Folder())
			return nil
		},
	}
	c.Flags().StringVar(&d.Title, "title", "", "what the device is, for people")
	c.Flags().StringVar(&d.TitleFR, "title-fr", "", "the same in French")
	c.Flags().StringVar(&d.Group, "group", "vehicle", "folder below drivers: "+strings.Join(newdriver.Groups, ", "))
	c.Flags().StringVar(&root, "root", ".", "top of Lanewarden's source")
	cobra.CheckErr(c.MarkFlagRequired("title"))
	return c
}
