package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

// driversCommand lists the drivers, or prints the reference of one: every setting with its unit,
// bounds and default.
func driversCommand() *cobra.Command {
	return &cobra.Command{
		Use: "drivers [NAME]", Short: "help.drivers", Args: cobra.MaximumNArgs(1),
		Long:    "help.drivers.long",
		Example: "  laned drivers\n  laned drivers scale",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				spec, err := firmwareconfig.FindDriver(args[0], drivers.Catalog)
				if err != nil {
					return err
				}
				return firmwareconfig.WriteReference(cmd.OutOrStdout(), spec, cli.LanguageOf(cmd))
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, spec := range drivers.Catalog {
				fmt.Fprintf(t, "%s\t%s\n", spec.Name, cli.Print(cmd).In(spec.Called()))
			}
			return t.Flush()
		},
	}
}
