package hub

import (
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"lanewarden/sync/hub/ledger"
)

// TestOpenAPI holds docs/openapi.yaml against the hub's routes, parameters and types.
func TestOpenAPI(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Required   []string
		Properties map[string]any
	}
	var doc struct {
		OpenAPI string `yaml:"openapi"`
		Paths   map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
		Components struct{ Schemas map[string]object }
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	h := &Hub{}
	h.metrics = newMetrics(h)
	mux := h.mux()
	for path, methods := range doc.Paths {
		for method := range methods {
			if _, pattern := mux.Handler(httptest.NewRequest(strings.ToUpper(method), path, nil)); pattern != strings.ToUpper(method)+" "+path {
				t.Errorf("%s %s is in the document; the code has %q", method, path, pattern)
			}
		}
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if _, ok := doc.Paths[path][strings.ToLower(method)]; !ok {
			t.Errorf("%s is not in the document", route)
		}
	}
	for path, want := range map[string][]string{"/v1/feed": feedParameters, "/v1/agents": agentParameters} {
		var params []string
		for _, p := range doc.Paths[path]["get"].Parameters {
			if p.In == "query" {
				params = append(params, p.Name)
			}
		}
		slices.Sort(params)
		if want := slices.Sorted(slices.Values(want)); !slices.Equal(params, want) {
			t.Errorf("parameters of %s: document %v, code %v", path, params, want)
		}
	}
	for name, typ := range map[string]reflect.Type{"CloudEvent": reflect.TypeFor[CloudEvent](), "AgentSummary": reflect.TypeFor[AgentSummary](), "ArtifactState": reflect.TypeFor[ledger.ArtifactState]()} {
		have := doc.Components.Schemas[name]
		for i := range typ.NumField() {
			field, opts, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if _, ok := have.Properties[field]; !ok {
				t.Errorf("%s.%s is not in the document", name, field)
			}
			if name == "CloudEvent" && (opts == "") != slices.Contains(have.Required, field) {
				t.Errorf("%s.%s: required in the document: %v", name, field, slices.Contains(have.Required, field))
			}
		}
		if len(have.Properties) != typ.NumField() {
			t.Errorf("%s has %d properties in the document, %d in the code", name, len(have.Properties), typ.NumField())
		}
	}
}
