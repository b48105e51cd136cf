package hub

import (
	"flag"
	"slices"
	"testing"

	"lanewarden/edge/api/openapi"
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

var update = flag.Bool("update", false, "write docs/openapi.yaml anew")

func TestOpenAPI(t *testing.T) {
	info := openapi.Info{
		Title: "Lanewarden hub", Server: "http://127.0.0.1:8490",
		Description: "The feed of the hub's ledger for the central risk system, and the state of the fleet.",
	}
	if err := openapi.Check("../../docs/openapi.yaml", info, hubapi.Operations(), "../..", *update); err != nil {
		t.Error(err)
	}
}
