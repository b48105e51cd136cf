package main

import (
	"testing"
	"unicode/utf8"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// The column of kinds in tail and replay has words of the language, and they fit; what a newer agent has is its code.
func TestKindColumn(t *testing.T) {
	for _, l := range message.Languages {
		p := cli.Printer{Language: l}
		for k := range observation.Kind_name {
			code := observation.Kind(k).Name()
			if k == 0 {
				continue // unspecified
			}
			if word := kindWord(p, code); word == code || utf8.RuneCountInString(word) > kindWidth {
				t.Errorf("%s: %s is shown as %q, at most %d characters", l, code, word, kindWidth)
			}
		}
		if word := kindWord(p, "of.tomorrow"); word != "of.tomorrow" {
			t.Errorf("%s: a kind that is not known is shown as %q", l, word)
		}
	}
}
