package firmwareconfig

import (
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
)

// Problem is one thing wrong with a file, for the person who edits it.
type Problem struct {
	File         string // as it was named to Decode
	Line, Column int    // from 1; 0 when the problem is of the file as a whole
	Message      message.Message
}

// Placed returns the message behind its place, as compilers write theirs, so that editors jump to it:
// file:line:column: message. The place is the same in all languages.
func (p Problem) Placed() message.Message {
	place := p.File + ":"
	if p.Line != 0 {
		place = fmt.Sprintf("%s:%d:%d:", p.File, p.Line, p.Column)
	}
	return message.Join(" ", message.Verbatim(place), p.Message)
}

// String returns the problem with its place on one line, in English.
func (p Problem) String() string { return p.Placed().English() }

// Problems is the error of a file that cannot be used: all that is wrong, in the order of the lines.
type Problems []Problem

// Error returns the problems in English, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem as an error, so that message.Of says all of them in the reader's language.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, one := range p {
		all[i] = &message.Error{Message: one.Placed()}
	}
	return all
}

// suggest adds to a message the nearest of the names that were possible, or all of them when none is near.
func suggest(m message.Message, got string, names []string) message.Message {
	if near := nearest(got, names); !near.IsZero() {
		return message.Join("; ", m, near)
	}
	sorted := slices.Sorted(slices.Values(names))
	return message.Join("; ", m, message.New("config.known", message.String("names", strings.Join(sorted, ", "))))
}

// nearest asks whether the most similar of the names was meant; the zero Message when none is similar: one differs by
// fewer than three characters, or by less than half of a longer name.
func nearest(got string, names []string) message.Message {
	best, distance := "", max(3, len(got)/2+1)
	for _, n := range names {
		if d := identifier.Distance(strings.ToLower(got), strings.ToLower(n)); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return message.Message{}
	}
	return message.New("config.meant", message.Quoted("name", best))
}
