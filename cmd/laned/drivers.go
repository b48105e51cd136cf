package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

func driversCommand() *cobra.Command {
	return &cobra.Command{
		Use: "drivers [NAME]", Short: "List the drivers, or print the settings of one", Args: cobra.MaximumNArgs(1),
		Long: `List the drivers, or print what one is set with in a lane file: each setting with its purpose, unit, bounds, and what holds
when it is not given.`,
		Example: "  laned drivers\n  laned drivers scale",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				spec, err := firmwareconfig.FindDriver(args[0], drivers.Catalog)
				if err != nil {
					return err
				}
				return firmwareconfig.WriteReference(cmd.OutOrStdout(), spec)
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, spec := range drivers.Catalog {
				fmt.Fprintf(t, "%s\t%s\n", spec.Name, spec.Title)
			}
			return t.Flush()
		},
	}
}
