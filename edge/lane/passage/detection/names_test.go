package detection

import (
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
)

func names(kind string, values ...string) (out []kinds.Name) {
	for _, v := range values {
		out = append(out, kinds.Name{Kind: kind, Value: v, Shown: v, Sure: 1})
	}
	return out
}

// TestCompare: what two names say of two vehicles being one.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b kinds.Name
		low  float64 // the log-likelihood ratio is at least this
		high float64 // and at most this
	}{
		{"the same plate", names("plate", "ABC123")[0], names("plate", "ABC123")[0], 8, 11},
		{"the same short plate says less", names("plate", "A1")[0], names("plate", "A1")[0], 1, 4},
		{"one character differs", names("plate", "ABC123")[0], names("plate", "ABC128")[0], 3, 7},
		{"two differ", names("plate", "ABC123")[0], names("plate", "ABD128")[0], 0, 2},
		{"another plate", names("plate", "ABC123")[0], names("plate", "XYZ987")[0], -8, -5},
		{"another plate, badly read", names("plate", "ABC123")[0], kinds.Name{Kind: "plate", Value: "XYZ987", Sure: 0.2}, -2, -0.5},
		{"another tag: a vehicle may have two", names("tag", "urn:1")[0], names("tag", "urn:2")[0], -2, -1},
		{"another container", names("container", "CSQU3054383")[0], names("container", "MSKU1234565")[0], -4, -2},
		{"a container with one character wrong", names("container", "CSQU3054383")[0], names("container", "CSQU3054388")[0], 2, 4},
		{"of another kind", names("plate", "ABC123")[0], names("tag", "ABC123")[0], 0, 0},
		{"a carrier has many vehicles", names("party", "8080")[0], names("party", "8080")[0], 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, got := range []float64{Compare(&c.a, &c.b), Compare(&c.b, &c.a)} {
				if got < c.low || got > c.high {
					t.Errorf("%.2f is not between %.1f and %.1f", got, c.low, c.high)
				}
			}
		})
	}
}

// TestCompareWorked: what names count, in full: a short one less, another plate less when one of the two was badly
// read.
func TestCompareWorked(t *testing.T) {
	plate := func(text string, sure float64) kinds.Name { return kinds.Name{Kind: "plate", Value: text, Sure: sure} }
	for _, c := range []struct {
		a, b kinds.Name
		want float64
	}{
		{plate("A1", 1), plate("A1", 0.1), 3}, {plate("A123", 1), plate("A123", 1), 8},
		{plate("AB123", 1), plate("AB123", 1), 10.5}, {plate("AB1234", 1), plate("AB1234", 1), 11},
		{plate("ABC123", 0.5), plate("ABC124", 1), 5}, {plate("ABC123", 1), plate("ABD124", 1), 1},
		{plate("ABC123", 0.5), plate("ABD134", 0.25), -1.625},
		{names("tag", "urn:1")[0], names("tag", "urn:2")[0], -1.5},
		{names("container", "CSQU3054383")[0], names("container", "CSQU3054388")[0], 3},
		{names("container", "CSQU3054383")[0], names("container", "CSQU3054398")[0], -3},
		{names("code", "X1")[0], names("code", "X2")[0], -3},
	} {
		if got := Compare(&c.a, &c.b); got != c.want {
			t.Errorf("%s and %s: %g, not %g", c.a.Value, c.b.Value, got, c.want)
		}
	}
}

// TestStronger: what speaks for one vehicle most counts before all that speaks against it, else what speaks against it
// most.
func TestStronger(t *testing.T) {
	for _, c := range []struct{ a, b, want float64 }{
		{0, 1, 1}, {1, 0, 1}, {1, 2, 2}, {2, 1, 2}, {1, -9, 1}, {-9, 1, 1}, {-1, -2, -2}, {-2, -1, -2}, {0, -1, -1},
		{-1, 0, -1}, {0.5, 0.6, 0.6},
	} {
		if got := (IdentityScore{Score: c.a}).Stronger(IdentityScore{Score: c.b}); got.Score != c.want {
			t.Errorf("of %g and %g: %g, not %g", c.a, c.b, got.Score, c.want)
		}
	}
}

// TestLike: one name that fits counts before others that do not, and of several that do not the worst.
func TestLike(t *testing.T) {
	both := append(names("plate", "ABC123"), names("tag", "urn:1")...)
	if got := CompareNames(both, append(names("plate", "ABC123"), names("tag", "urn:2")...)); got.Score < 8 ||
		got.B.Value != "ABC123" {
		t.Errorf("%+v", got)
	}
	if got := CompareNames(both, append(names("plate", "XYZ987"), names("tag", "urn:2")...)); got.Score > -5 ||
		got.A.Kind != "plate" {
		t.Errorf("%+v", got)
	}
	if got := CompareNames(both, nil); got.Score != 0 || got.A != nil {
		t.Errorf("%+v", got)
	}
}

// TestCodes: what scanned codes name.
func TestCodes(t *testing.T) {
	for kind, want := range map[string]string{
		"carrier-code": "party", "importer-bn15": "party", "scac": "party", "carrier-card": "party", "container": "container",
		"cargo-control-number": "code", "driver-number": "code", "unknown": "code",
	} {
		d := Of(1, observation.New(observation.Class_CLASS_EVENT, start, &observation.VehicleCode{Type: kind, Value: "X1"}), 0)
		if len(d.Names) != 1 || d.Names[0].Kind != want {
			t.Errorf("%s: %+v", kind, d.Names)
		}
	}
}

// TestGuess: a text that a person entered may be any name, but for a container number that is right; vehicles do not
// take over what is only a guess.
func TestGuess(t *testing.T) {
	image := func(text string) *Detection {
		return Of(1, observation.New(observation.Class_CLASS_EVENT, start, &observation.XrayImage{OoiId: text}), 0)
	}
	for _, c := range []struct {
		text  string
		fits  kinds.Name
		score float64 // at least
	}{
		{"abc-123", names("plate", "A8C123")[0], 8}, // B read as 8 has the same skeleton
		{"CSQU3054383", names("container", "CSQU3054383")[0], 8},
		{"urn:1", names("tag", "urn:1")[0], 8},
	} {
		d := image(c.text)
		c.fits.Value = map[bool]string{true: image("A8C123").skeleton(), false: c.fits.Value}[c.fits.Kind == "plate"]
		if got := CompareNames(d.Names, []kinds.Name{c.fits}); got.Score < c.score {
			t.Errorf("%s and %+v: %+v", c.text, c.fits, got)
		}
		if got := MergeNames(nil, d); len(got) != 0 {
			t.Errorf("%s is taken over: %+v", c.text, got)
		}
	}
	if d := image(""); len(d.Names) != 0 {
		t.Errorf("%+v", d.Names)
	}
}

// skeleton returns the plate of a detection, as plates are compared.
func (d *Detection) skeleton() string {
	for _, n := range d.Names {
		if n.Kind == "plate" {
			return n.Value
		}
	}
	return ""
}

// TestLearn: names are added once, never in place, and not without bound.
func TestLearn(t *testing.T) {
	first := names("plate", "A1")
	second := MergeNames(first, &Detection{Evidence: kinds.Evidence{Names: append(names("plate", "A1"),
		names("plate", "B2")...)}})
	third := MergeNames(first, &Detection{Evidence: kinds.Evidence{Names: names("plate", "C3")}})
	if len(first) != 1 || len(second) != 2 || second[1].Value != "B2" || len(third) != 2 || third[1].Value != "C3" {
		t.Errorf("%v, %v, %v", first, second, third)
	}
	var many []kinds.Name
	for i := range 100 {
		many = MergeNames(many, &Detection{Evidence: kinds.Evidence{Names: names("tag", string(rune('a'+i)))}})
	}
	if len(many) != 16 {
		t.Errorf("%d names", len(many))
	}
}
