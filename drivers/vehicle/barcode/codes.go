package barcode

import (
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// Prefix tells a kind of code by its beginning, as a carrier or a programme prints it on its own cards.
type Prefix struct {
	Type   string `yaml:"type" required:"true" enum:"driver-card,carrier-card,seal,cargo-control-number,conveyance-reference-number,driver-number,trip-number"`
	Prefix string `yaml:"prefix" required:"true" example:"FAST-"`
}

// maxAlternatives bounds what is told of a code beside its best reading.
const maxAlternatives = 16

// Classify determines the type of a code: by the prefixes of the settings first, then by its form. What it can be too
// is in the alternatives. Driving licences and travel documents keep neither text nor value.
func Classify(text string, prefixes []Prefix) *observation.VehicleCode {
	scanned := identifier.Unwrap(text)
	readings := identifier.Readings(text)
	if r, ok := byPrefix(scanned.Text, prefixes); ok && !readings[0].Kind.Personal() {
		readings = []identifier.Reading{r} // the settings are sure
	}
	best := readings[0]
	c := &observation.VehicleCode{
		Text: text, Type: string(best.Kind), Value: best.Value, Carrier: best.Issuer,
		CheckFailed: best.Check == identifier.CheckWrong,
		Role:        best.Kind.Role(), Symbology: scanned.Symbology, Entry: "scan", Check: string(best.Check),
		Note: best.Why,
	}
	if best.Kind.Personal() {
		c.Text = ""
	}
	for _, r := range readings[1:min(len(readings), maxAlternatives+1)] {
		c.Alternatives = append(c.Alternatives, &observation.CodeReading{
			Type: string(r.Kind), Value: r.Value, Carrier: r.Issuer, Role: r.Kind.Role(), Check: string(r.Check),
			Note: r.Why,
		})
	}
	return c
}

// byPrefix finds a code's type in the settings by its prefix. The prefix is no part of the value.
func byPrefix(text string, prefixes []Prefix) (identifier.Reading, bool) {
	text = strings.ToUpper(text)
	for _, p := range prefixes {
		rest, ok := strings.CutPrefix(text, strings.ToUpper(p.Prefix))
		if !ok || rest == "" {
			continue
		}
		r := identifier.Reading{Kind: identifier.Kind(p.Type), Value: rest, Check: identifier.CheckNone}
		switch r.Kind {
		case identifier.CargoControl, identifier.Conveyance:
			r.Issuer = rest[:min(4, len(rest))]
		case identifier.Seal:
			r.Value = identifier.NormalSeal(rest)
		}
		return r, true
	}
	return identifier.Reading{}, false
}
