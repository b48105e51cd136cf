package evidence

import (
	"fmt"
	"iter"
	"strings"
)

// Finding is one thing that verification finds wrong: a code of the catalogue of messages with its arguments. Programs
// say it in a person's language; this package needs no catalogue.
type Finding struct {
	Code string
	Args []Arg
}

// Arg is a named argument of a Finding: a string, an int, or an error.
type Arg struct {
	Name  string
	Value any
}

// Find makes a finding. An argument "n" is counted; other numbers are given as strings by Number.
func Find(code string, args ...Arg) *Finding { return &Finding{code, args} }

// Number is an argument that is the number of something, a row or a tile: it is written without marks.
func Number[N int | int64](name string, n N) Arg { return Arg{name, fmt.Sprint(n)} }

// Error implements error: the code and its arguments.
func (f *Finding) Error() string {
	words := []string{f.Code}
	for _, a := range f.Args {
		words = append(words, fmt.Sprintf("%s=%v", a.Name, a.Value))
	}
	return strings.Join(words, " ")
}

// Unwrap returns the error that is an argument, nil for none.
func (f *Finding) Unwrap() error {
	for _, a := range f.Args {
		if err, ok := a.Value.(error); ok {
			return err
		}
	}
	return nil
}

// MessageCode returns the code of the catalogue.
func (f *Finding) MessageCode() string { return f.Code }

// MessageArgs returns the arguments.
func (f *Finding) MessageArgs() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, a := range f.Args {
			if !yield(a.Name, a.Value) {
				return
			}
		}
	}
}
