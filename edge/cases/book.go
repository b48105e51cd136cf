package cases

import (
	"cmp"
	"slices"
)

// Book keeps cases in memory: all that are open, and the last ones that are settled. Not for concurrent use. A Case that
// it has given away does not change any more.
type Book struct {
	keep    int // settled ones
	events  map[string][]Event
	cases   map[string]*Case
	settled []string // ids in the order in which they were settled
}

// maxOpen bounds the open cases of a book. A lane with more has stopped adjudicating: the oldest ones are read from the
// journal when somebody asks for them.
const maxOpen = 4096

// NewBook returns a book that keeps so many settled cases.
func NewBook(keep int) *Book {
	return &Book{keep: keep, events: map[string][]Event{}, cases: map[string]*Case{}}
}

// Take adds an event, and returns its case; nil while the event that opens it has not come. An event that is there
// already changes nothing.
func (b *Book) Take(e Event) *Case {
	id := e.Case()
	if slices.ContainsFunc(b.events[id], func(o Event) bool { return o.Ref == e.Ref }) {
		return b.cases[id]
	}
	b.events[id] = append(b.events[id], e)
	c := Fold(b.events[id])
	if c == nil {
		b.bound()
		return nil
	}
	b.cases[id] = c
	b.settled = slices.DeleteFunc(b.settled, func(s string) bool { return s == id })
	if c.State.Settled() {
		b.settled = append(b.settled, id)
	}
	b.bound()
	return c
}

// bound lets the oldest cases go.
func (b *Book) bound() {
	for len(b.settled) > b.keep {
		b.drop(b.settled[0])
		b.settled = b.settled[1:]
	}
	for len(b.events)-len(b.settled) > maxOpen {
		oldest, found := "", false
		for id, events := range b.events {
			if !slices.Contains(b.settled, id) && (!found || events[0].Time.Before(b.events[oldest][0].Time)) {
				oldest, found = id, true
			}
		}
		b.drop(oldest)
	}
}

func (b *Book) drop(id string) {
	delete(b.events, id)
	delete(b.cases, id)
}

// Case returns a case; nil for one that is not kept.
func (b *Book) Case(id string) *Case { return b.cases[id] }

// Cases returns the cases that are kept: open ones first, the worst and then the oldest of them first; then those that are
// settled, the newest first.
func (b *Book) Cases() []*Case {
	out := make([]*Case, 0, len(b.cases))
	for _, c := range b.cases {
		out = append(out, c)
	}
	slices.SortFunc(out, Compare)
	return out
}

// Compare orders cases as people work on them.
func Compare(a, b *Case) int {
	rank := func(c *Case) int {
		if c.State.Settled() {
			return 1
		}
		return 0
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if a.State.Settled() {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(b.Severity()-a.Severity(), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
}
