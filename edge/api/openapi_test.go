package api_test

import (
	"flag"
	"testing"

	"lanewarden/edge/api"
	"lanewarden/edge/api/openapi"
)

var update = flag.Bool("update", false, "write docs/agent-openapi.yaml anew")

func TestOpenAPI(t *testing.T) {
	info := openapi.Info{
		Title: "Lanewarden agent", Server: "http://127.0.0.1:8480",
		Description: "The local API of the agent at a lane: on its unix socket, and on console.listen for those who sign in. " +
			"docs/console.md says more.",
	}
	if err := openapi.Check("../../docs/agent-openapi.yaml", info, api.Agent(), "../..", *update); err != nil {
		t.Error(err)
	}
}
