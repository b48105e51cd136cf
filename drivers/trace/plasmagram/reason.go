package plasmagram

import (
	"lanewarden/drivers/observation/coded"
)

// exactly is a number that is written with exactly three decimals: mobilities in cm2/(V s), drift times in ms.
func exactly(v float64, unit string) coded.Measure {
	return coded.Measure{Value: v, Decimals: 3, Fixed: true, Unit: unit}
}

// atMost is a number with so many decimals at most.
func atMost(v float64, decimals int) coded.Measure {
	return coded.Measure{Value: v, Decimals: decimals}
}

// peakReason says where a peak lies in an ion's window.
func (s Substance) peakReason(ion Ion, p Peak) *coded.Message {
	return coded.New("verdict.peak", coded.Value("substance", s.Name), coded.Value("drift", exactly(p.DriftMs, "ms")),
		coded.Value("k0", exactly(p.K0, "")), coded.Value("adduct", ion.Adduct),
		coded.Value("expected", exactly(ion.K0, "")), coded.Value("window", exactly(ion.Window, "")))
}

// foundReason says that a peak satisfies an ion's rule.
func (s Substance) foundReason(ion Ion, p Peak) *coded.Message {
	return coded.New("verdict.found", coded.Nested("peak", s.peakReason(ion, p)),
		coded.Value("contrast", atMost(p.Contrast, 0)),
		coded.Value("needed", atMost(ion.MinSNR, 3)), coded.Value("n", p.Scans))
}

// shortReason returns what a peak lacks for an ion's rule, and false when the rule holds. reactant is the reactant ion
// peak's amplitude, 0 when not known.
func (s Substance) shortReason(ion Ion, p Peak, reactant float64) (*coded.Message, bool) {
	peak := coded.Nested("peak", s.peakReason(ion, p))
	switch {
	case p.Contrast < ion.MinSNR:
		return coded.New("verdict.low-contrast", peak, coded.Value("contrast", atMost(p.Contrast, 1)),
			coded.Value("needed", atMost(ion.MinSNR, 3))), true
	case p.Scans < s.MinScans && p.Scans > 0:
		return coded.New("verdict.few-scans", peak, coded.Value("n", p.Scans), coded.Value("needed", s.MinScans)), true
	case ion.Threshold > 0 && p.Amplitude < ion.Threshold*reactant:
		return coded.New("verdict.weak", peak, coded.Value("share", atMost(p.Amplitude/reactant, 4)),
			coded.Value("needed", atMost(ion.Threshold, 4))), true
	case ion.Threshold > 0 && reactant == 0:
		return coded.New("verdict.no-reference", peak), true
	}
	return nil, false
}
