//go:build !packaging

package cli

import "github.com/spf13/cobra"

// addGenerate adds nothing: the command is for the builders of packages alone.
func addGenerate(*cobra.Command) {}
