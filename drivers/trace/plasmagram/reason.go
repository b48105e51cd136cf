package plasmagram

import (
	"fmt"
	"strings"
)

// Reason is one reason for a verdict: a code of the catalogue of messages with named arguments. Programs say it in a
// person's language; this package needs no catalogue.
type Reason struct {
	Code string
	Args []Arg
}

// Arg is a named argument of a Reason: a string, an int, a Measure, or a Reason that stands in it. "n" is what is
// counted.
type Arg struct {
	Name  string
	Value any
}

// Measure is a number with so many decimals at most, or exactly so many when Fixed, and its unit, empty for none.
type Measure struct {
	Value    float64
	Decimals int
	Fixed    bool
	Unit     string
}

// NewReason returns a reason. The catalogue has its code, with exactly these arguments.
func NewReason(code string, args ...Arg) Reason { return Reason{code, args} }

// String returns the code with its arguments, for logs and tests.
func (r Reason) String() string {
	words := []string{r.Code}
	for _, a := range r.Args {
		words = append(words, fmt.Sprintf("%s=%v", a.Name, a.Value))
	}
	return strings.Join(words, " ")
}

// String returns the number as Go writes it, with its unit.
func (m Measure) String() string {
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", m.Decimals, m.Value, m.Unit))
}

func arg(name string, value any) Arg { return Arg{name, value} }

// exactly is a number that is written with exactly three decimals: mobilities in cm2/(V s), drift times in ms.
func exactly(v float64, unit string) Measure { return Measure{v, 3, true, unit} }

// atMost is a number with so many decimals at most.
func atMost(v float64, decimals int) Measure { return Measure{Value: v, Decimals: decimals} }

// peakReason says where a peak lies in an ion's window.
func (s Substance) peakReason(ion Ion, p Peak) Reason {
	return NewReason("verdict.peak", arg("substance", s.Name), arg("drift", exactly(p.DriftMs, "ms")),
		arg("k0", exactly(p.K0, "")), arg("adduct", ion.Adduct), arg("expected", exactly(ion.K0, "")),
		arg("window", exactly(ion.Window, "")))
}

// foundReason says that a peak satisfies an ion's rule.
func (s Substance) foundReason(ion Ion, p Peak) Reason {
	return NewReason("verdict.found", arg("peak", s.peakReason(ion, p)), arg("contrast", atMost(p.Contrast, 0)),
		arg("needed", atMost(ion.MinSNR, 3)), arg("n", p.Scans))
}

// shortReason returns what a peak lacks for an ion's rule, and false when the rule holds. reactant is the reactant ion
// peak's amplitude, 0 when not known.
func (s Substance) shortReason(ion Ion, p Peak, reactant float64) (Reason, bool) {
	peak := arg("peak", s.peakReason(ion, p))
	switch {
	case p.Contrast < ion.MinSNR:
		return NewReason("verdict.low-contrast", peak, arg("contrast", atMost(p.Contrast, 1)),
			arg("needed", atMost(ion.MinSNR, 3))), true
	case p.Scans < s.MinScans && p.Scans > 0:
		return NewReason("verdict.few-scans", peak, arg("n", p.Scans), arg("needed", s.MinScans)), true
	case ion.Threshold > 0 && p.Amplitude < ion.Threshold*reactant:
		return NewReason("verdict.weak", peak, arg("share", atMost(p.Amplitude/reactant, 4)),
			arg("needed", atMost(ion.Threshold, 4))), true
	case ion.Threshold > 0 && reactant == 0:
		return NewReason("verdict.no-reference", peak), true
	}
	return Reason{}, false
}
