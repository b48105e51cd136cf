package passage

import (
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// TestCodesThatNameNoVehicle holds that carriers and importers say nothing for or against two vehicles being one, that cargo and containers
// do, and that a driving licence names nothing.
func TestCodesThatNameNoVehicle(t *testing.T) {
	scan := func(kind, value string) *event {
		o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1000, 0), &observation.VehicleCode{Type: kind, Value: value})
		return eventOf(Row{1, o}, &Station{}, time.Unix(1000, 0))
	}
	for _, c := range []struct {
		kind, value, identity string
		same                  float64
	}{
		{"carrier-code", "8080", "party", 0}, {"importer-bn15", "123456782RM0001", "party", 0}, {"scac", "ABCD", "party", 0},
		{"carrier-card", "17", "party", 0}, {"container", "CSQU3054383", "container", sameID}, {"cargo-control-number", "80801", "code", sameID},
		{"driver-number", "FN1", "code", sameID}, {"unknown", "X1", "code", sameID},
	} {
		e := scan(c.kind, c.value)
		if len(e.ids) != 1 || e.ids[0].kind != c.identity {
			t.Errorf("%s: %+v", c.kind, e.ids)
			continue
		}
		if got := compare(&e.ids[0], &e.ids[0]); got != c.same {
			t.Errorf("%s twice: %g, want %g", c.kind, got, c.same)
		}
		other := e.ids[0]
		other.value = "another"
		if got := compare(&e.ids[0], &other); c.identity == "party" && got != 0 {
			t.Errorf("%s beside another: %g", c.kind, got)
		}
	}
	if e := scan("driving-licence", ""); len(e.ids) != 0 {
		t.Errorf("%+v", e.ids)
	}
}
