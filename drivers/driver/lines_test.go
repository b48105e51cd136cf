package driver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// cut feeds parts and returns what came out: lines with their offsets, and the beginnings of those that are too long.
func cut(l *Lines, parts ...string) (out []string) {
	for _, p := range parts {
		l.Feed([]byte(p),
			func(text []byte, offset int64) { out = append(out, fmt.Sprintf("%d %s", offset, text)) },
			func(text []byte, offset int64) { out = append(out, fmt.Sprintf("%d %s…", offset, text)) })
	}
	return out
}

// TestLines: ends, offsets, and lines that are too long.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []string
		want  []string
		idle  bool
	}{
		{"LF and CR LF", []string{"ab\ncd\r\n"}, []string{"0 ab", "3 cd"}, true},
		{"in parts", []string{"a", "b\r", "\nc", "d\n"}, []string{"0 ab", "4 cd"}, true},
		{"empty lines", []string{"\n\r\nab\n"}, []string{"3 ab"}, true},
		{"too long, then a good one", []string{"abcdefghij\nkl\n"}, []string{"0 abcdefgh…", "11 kl"}, true},
		{"too long in parts", []string{"abcdef", "ghij", "kl\nm\n"}, []string{"0 abcdefgh…", "13 m"}, true},
		{"under way", []string{"ab\ncd"}, []string{"0 ab"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Lines{Max: 8}
			if got := cut(l, c.parts...); !slices.Equal(got, c.want) || l.Idle() != c.idle {
				t.Errorf("%q, idle %v; want %q, %v", got, l.Idle(), c.want, c.idle)
			}
		})
	}
}

// TestLinesInAnyParts: however a stream is cut into parts, the lines are the same, and memory is bounded.
func TestLinesInAnyParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.StringMatching(`[ab\r\n]{0,12}`)).Draw(t, "parts")
		whole, l := &Lines{Max: 8}, &Lines{Max: 8}
		want, got := cut(whole, strings.Join(parts, "")), cut(l, parts...)
		if !slices.Equal(got, want) {
			t.Fatalf("%q in parts, %q at once", got, want)
		}
		if len(l.partial) > l.Max {
			t.Fatalf("%d bytes are kept", len(l.partial))
		}
	})
}
