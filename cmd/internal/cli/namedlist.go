package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

// NamedList is a file of those who may do something, each with a name, as commands edit it. A running program reads the
// file again when it changed. Two edits at the same time are not kept apart: the later one wins.
type NamedList[T any] struct {
	Read  func(file string) ([]T, error) // a file that is not there is an empty list
	Write func(file string, all []T) error
	Name  func(T) string
	// None is the error for a name that the file does not have: it is most likely misspelt.
	None func(file, name string) error
}

// Put adds one, in place of the one of that name. Nothing is written after an error.
func (l NamedList[T]) Put(file string, one T) error {
	all, err := l.Read(file)
	if err != nil {
		return err
	}
	return l.Write(file, append(l.without(all, l.Name(one)), one))
}

// Remove deletes the one of a name. Nothing is written after an error.
func (l NamedList[T]) Remove(file, name string) error {
	all, err := l.Read(file)
	if err != nil {
		return err
	}
	left := l.without(all, name)
	if len(left) == len(all) {
		return l.None(file, name)
	}
	return l.Write(file, left)
}

// RemoveCommand returns the command that deletes the one of a name from a file.
func (l NamedList[T]) RemoveCommand(file *string, short string) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return l.Remove(*file, args[0]) },
	}
}

// without returns a copy of all that lacks the one of a name.
func (l NamedList[T]) without(all []T, name string) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return l.Name(one) == name })
}
