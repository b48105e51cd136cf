//go:build packaging

package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// addGenerate adds a hidden command that writes man pages and shell completions into a folder, for .ci/release. Man pages
// have no date, so that the same source gives the same package. The programs themselves are built without it: what makes
// man pages would be a megabyte in the agent's memory.
func addGenerate(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use: "generate DIR", Short: "help.generate", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			man := filepath.Join(args[0], "man1")
			name := root.Name()
			root.DisableAutoGenTag = true
			err := os.MkdirAll(man, 0o755)
			for _, dir := range []string{"bash", "zsh", "fish"} {
				err = errors.Join(err, os.MkdirAll(filepath.Join(args[0], dir), 0o755))
			}
			if err != nil {
				return err
			}
			return errors.Join(
				doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Lanewarden", Manual: "Lanewarden"}, man),
				root.GenBashCompletionFileV2(filepath.Join(args[0], "bash", name), true),
				root.GenZshCompletionFile(filepath.Join(args[0], "zsh", "_"+name)),
				root.GenFishCompletionFile(filepath.Join(args[0], "fish", name+".fish"), true),
			)
		},
	})
}
