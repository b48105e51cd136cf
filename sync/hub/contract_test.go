package hub

import (
	"slices"
	"testing"

	"lanewarden/sync/hub/hubapi"
)

// TestEveryRouteIsServed holds what the hub serves against its table.
func TestEveryRouteIsServed(t *testing.T) {
	var served, table []string
	for _, b := range (&httpServer{}).operations() {
		served = append(served, b.Pattern)
	}
	for _, o := range hubapi.Operations() {
		route, _, _ := o.Describe()
		table = append(table, route.Pattern)
	}
	slices.Sort(served)
	slices.Sort(table)
	if !slices.Equal(served, table) {
		t.Errorf("served %v\nin the table %v", served, table)
	}
}
