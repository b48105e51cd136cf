//go:build race

package scenario

// With the race detector a second of the week, of which there are 604,800, takes ten times as long: one day shows the
// same. make scenarios has the week.
func init() { weekDays = 1 }
