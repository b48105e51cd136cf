package transport

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Error is a failure of a line or a connection, as a code and named values. This package does not word it: message.Of
// finds the sentence of the code in the catalogue by the methods MessageCode and MessageArgs, in the reader's
// language.
type Error struct {
	Code string // "serial.busy"
	Args []Arg  // what stands in the sentence
	Err  error  // what led to it, nil for nothing
}

// Arg is a named value of an Error: a string, an int (one named n counts things), a time.Duration, or an error.
type Arg struct {
	Name  string
	Value any
}

// newError returns an error of a code in the catalogue; args are the values that its sentence names.
func newError(code string, args ...Arg) *Error { return &Error{Code: code, Args: args} }

func arg[V string | int | time.Duration | *Error](name string, v V) Arg { return Arg{name, v} }

// because returns the error as one that another led to.
func (e *Error) because(err error) *Error { return &Error{e.Code, e.Args, err} }

// Error returns code, values and cause for logs and programmers: "serial.busy port=/dev/ttyS0: Serial port busy".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	for _, a := range e.Args {
		fmt.Fprintf(&b, " %s=%v", a.Name, a.Value)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns what led to the error, or else its value "cause"; nil for none.
func (e *Error) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	for _, a := range e.Args {
		if err, ok := a.Value.(error); ok && a.Name == "cause" {
			return err
		}
	}
	return nil
}

// MessageCode returns the code of the sentence.
func (e *Error) MessageCode() string { return e.Code }

// MessageArgs returns the names and values that stand in the sentence.
func (e *Error) MessageArgs() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, a := range e.Args {
			if !yield(a.Name, a.Value) {
				return
			}
		}
	}
}
