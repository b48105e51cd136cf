// Package clitest tests programs of package cli: it takes a root command and reports what people could not read.
package clitest

import (
	"testing"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
)

// Help reports every text of a program's help that is not of the catalogue, or is the same in English and French. A
// text that is the same is right only where it names files or formats: those are told apart by having no blank.
func Help(t *testing.T, root *cobra.Command) {
	t.Helper()
	texts := cli.Texts(root)
	if len(texts) < 5 {
		t.Fatalf("%d texts", len(texts))
	}
	for what, code := range texts {
		if !message.Known(code) {
			t.Errorf("%s: %q is no code of the catalogue", what, code)
			continue
		}
		if m := message.New(code); m.In(message.English) == m.In(message.French) {
			t.Errorf("%s: %s is the same in both languages: %s", what, code, m.English())
		}
	}
}
