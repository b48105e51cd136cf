package plc

import "testing"

// TestOutputValues: a value for an output is taken whole or refused; "12 bar" is not 12.
func TestOutputValues(t *testing.T) {
	register, coil := &Output{Table: "holding", Max: 100}, &Output{Table: "coil"}
	for _, c := range []struct {
		o     *Output
		text  string
		value uint16
		ok    bool
	}{
		{register, "on", 1, true}, {register, "off", 0, true}, {register, "12", 12, true}, {register, "1e2", 100, true},
		{register, "101", 0, false}, {register, "-1", 0, false}, {register, "1.5", 0, false},
		{register, "NaN", 0, false}, {register, "", 0, false}, {register, "12 bar", 0, false},
		{register, "12x", 0, false}, {coil, "on", 1, true}, {coil, "1", 0, false},
	} {
		v, err := c.o.parse(c.text)
		if v != c.value || (err == nil) != c.ok {
			t.Errorf("%s %q: %d, %v", c.o.Table, c.text, v, err)
		}
	}
}
