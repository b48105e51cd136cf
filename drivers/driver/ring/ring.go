// Package ring keeps the last values of something. It imports none of ours.
package ring

// Buffer holds the last values that were added to it. The zero Buffer is empty and ready. Its copies share what it
// holds. Not for concurrent use.
type Buffer[T any] struct {
	values []T
	at     int // of the oldest, when the buffer is full
}

// Add adds a value, in place of the oldest one when there are size of them: always the same size, of 1 or more. It
// returns the value that had to go, and whether one had to.
func (b *Buffer[T]) Add(v T, size int) (oldest T, dropped bool) {
	if len(b.values) < size {
		b.values = append(b.values, v)
		return oldest, false
	}
	oldest, b.values[b.at] = b.values[b.at], v
	b.at = (b.at + 1) % size
	return oldest, true
}

// Len returns how many values there are.
func (b *Buffer[T]) Len() int { return len(b.values) }

// At returns a value by its age: 0 is the oldest, Len()-1 the newest.
func (b *Buffer[T]) At(i int) T { return b.values[(b.at+i)%len(b.values)] }

// Values returns the values themselves, in the order in which they are stored: for what does not depend on their order.
// They may be changed; they are valid until the next Add.
func (b *Buffer[T]) Values() []T { return b.values }

// Ordered returns a copy of the values, the oldest first.
func (b *Buffer[T]) Ordered() []T {
	out := make([]T, 0, len(b.values))
	return append(append(out, b.values[b.at:]...), b.values[:b.at]...)
}
