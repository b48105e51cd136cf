package barcode

import (
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

func TestConforms(t *testing.T) {
	in := []byte("CSQU3054383\r\nABCD1234567890\r\nABCD1234567890\r\nFAST-4711\n")
	drivertest.Stream{
		Spec: Spec, Input: in, Cut: 20, Normal: func(*observation.Observation) {},
		Settings: func(address string) any {
			return &Config{Link: transport.Link{Address: address}, Repeat: 3 * time.Second, Prefixes: []Prefix{{"driver-card", "FAST-"}}}
		},
	}.Run(t)
}

func TestClassify(t *testing.T) {
	prefixes := []Prefix{{"driver-card", "fast-"}, {"seal", "SEAL"}}
	for text, want := range map[string]struct {
		kind, value, carrier string
		bad                  bool
	}{
		"CSQU3054383":                {"container", "CSQU3054383", "CSQ", false}, // ISO 6346's own example
		"csqu 305438 3":              {"container", "CSQU3054383", "CSQ", false},
		"CSQU3054384":                {"container", "CSQU3054384", "CSQ", true},
		"TOLU473478722G1":            {"container", "TOLU4734787", "TOL", false},
		"MSKU6011672":                {"container", "MSKU6011672", "MSK", false},
		"ABCD1234567890":             {"cargo-control-number", "ABCD1234567890", "ABCD", false},
		"ABCD-PARS-00012":            {"cargo-control-number", "ABCD-PARS-00012", "ABCD", false},
		"ABCDEFGH":                   {"unknown", "ABCDEFGH", "", false},
		"ABCD1234567890123456789012": {"unknown", "ABCD1234567890123456789012", "", false},
		"FAST-4711":                  {"driver-card", "4711", "", false},
		"SEAL0099":                   {"seal", "0099", "", false},
		"x":                          {"unknown", "X", "", false},
	} {
		c := Classify(text, prefixes)
		if c.Type != want.kind || c.Value != want.value || c.Carrier != want.carrier || c.CheckFailed != want.bad || c.Text != text {
			t.Errorf("%s is %v", text, c)
		}
	}
}

func TestRepeats(t *testing.T) {
	d := &decoder{Config: Config{Repeat: 3 * time.Second}, faults: &driver.Faults{}}
	at := time.Unix(1000, 0)
	n := 0
	for _, s := range []float64{0, 1, 2, 10} {
		n += len(d.Feed(at.Add(time.Duration(s*float64(time.Second))), []byte("ABCD12345\r")))
	}
	if n != 2 {
		t.Errorf("%d scans", n)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("CSQU3054383\r\nTOLU473478722G1\r"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &decoder{faults: &driver.Faults{}}
		for i := 0; i < len(data); i += 5 {
			for _, o := range d.Feed(time.Unix(int64(i), 0), data[i:min(i+5, len(data))]) {
				if o.Body.GetVehicleCode().Type == "" {
					t.Error(o)
				}
			}
		}
		if d.Break(time.Unix(1e6, 0)); len(d.buf) > 0 {
			t.Error("something is kept")
		}
	})
}
