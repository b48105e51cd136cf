// Package coded is for packages that must not import the catalogue of messages and yet have something to tell people:
// codecs and verification. A code of the catalogue and values go in; message.Of says them in the reader's language.
// A Message has the sentence in the catalogue alone. A Text has it in English too, for who uses a codec by itself.
package coded

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Message is what to tell: the twin of message.Message for packages that stand alone. It is an error too. message.Of
// finds its sentence by the methods MessageCode and MessageArgs.
type Message struct {
	Code string // of the catalogue: "evidence.row"
	Args []Arg  // exactly those that the sentence has
}

// Arg is a named value of a Message: a string, an int, a time.Duration, a Measure, or an error, which may be a Message.
// An int named "n" is counted: it decides between the sentence's forms for one and for many.
type Arg struct {
	Name  string
	Value any
}

// Measure is a number with so many decimals at most, or exactly so many when Fixed, and its unit, empty for none.
type Measure struct {
	Value    float64
	Decimals int
	Fixed    bool
	Unit     string
}

// New returns a message. The catalogue has its code, with exactly these arguments; a test of the repository compares
// all calls with it.
func New(code string, args ...Arg) *Message { return &Message{code, args} }

// Value returns an argument that is no error.
func Value[V string | int | time.Duration | Measure](name string, v V) Arg { return Arg{name, v} }

// Number returns an argument that identifies something, a row or a line: it is written without marks between thousands.
func Number[N int | int64 | uint64](name string, n N) Arg { return Arg{name, fmt.Sprint(n)} }

// Nested returns an argument that is itself said in the reader's language.
func Nested(name string, err error) Arg { return Arg{name, err} }

// CausedBy returns an argument named "cause": the error that led to the message.
func CausedBy(err error) Arg { return Arg{"cause", err} }

// Error returns code, values and cause for logs and programmers: "evidence.row row=5 cause=EOF".
func (m *Message) Error() string {
	var b strings.Builder
	b.WriteString(m.Code)
	for _, a := range m.Args {
		fmt.Fprintf(&b, " %s=%v", a.Name, a.Value)
	}
	return b.String()
}

// Unwrap returns the first argument that is an error, nil for none.
func (m *Message) Unwrap() error {
	for _, a := range m.Args {
		if err, ok := a.Value.(error); ok {
			return err
		}
	}
	return nil
}

// MessageCode returns the code of the catalogue.
func (m *Message) MessageCode() string { return m.Code }

// MessageArgs returns the names and values that stand in the sentence.
func (m *Message) MessageArgs() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, a := range m.Args {
			if !yield(a.Name, a.Value) {
				return
			}
		}
	}
}

// Measure returns the parts of the number.
func (m Measure) Measure() (value float64, decimals int, fixed bool, unit string) {
	return m.Value, m.Decimals, m.Fixed, m.Unit
}

// String returns the number as Go writes it, with its unit.
func (m Measure) String() string {
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", m.Decimals, m.Value, m.Unit))
}
