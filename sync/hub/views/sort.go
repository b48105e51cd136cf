package views

import (
	"cmp"
	"maps"
	"slices"
)

// sorted returns texts in order.
func sorted(all []string) []string {
	slices.Sort(all)
	return all
}

// sortedKeys returns the keys of a map in order: tables are written in the same order whenever they are folded.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// sortedFunc returns the keys of a map in the order of a comparison.
func sortedFunc[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}
