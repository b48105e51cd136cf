package firmwareconfig

import (
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/identifier"
)

// Problem is one thing wrong with a file, for the person who edits it.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 when the problem is of the file as a whole
	Message      string
}

// String returns the problem on one line, as compilers write theirs, so that editors jump to it:
// file:line:column: message.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems is the error of a file that cannot be used: all that is wrong, in the order of the lines.
type Problems []Problem

// Error returns the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// suggest returns `, did you mean "x"?` for the nearest of the names, or the list of all when none is near.
func suggest(got string, names []string) string {
	best, distance := "", max(3, len(got)/2+1)
	for _, n := range names {
		if d := identifier.Distance(strings.ToLower(got), n); d < distance {
			best, distance = n, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	sorted := slices.Sorted(slices.Values(names))
	return "; known are " + strings.Join(sorted, ", ")
}
