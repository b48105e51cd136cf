//go:build race

package draw

// The race detector makes each draw ten times slower; make bench has all of them.
func init() { presentations = 200_000 }
