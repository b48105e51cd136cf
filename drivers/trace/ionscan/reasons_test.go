package ionscan

import (
	"strings"
	"testing"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/plasmagram"
)

// inFrench joins reasons as a reader of French sees them; a code that the catalogue does not have is empty.
func inFrench(reasons []*observation.Message) string {
	var out []string
	for _, r := range reasons {
		if m := driver.DecodeMessage(r, ""); message.Known(m.Code) {
			out = append(out, m.In(message.French))
		}
	}
	return strings.Join(out, "; ")
}

// Every reason for a verdict is a sentence in both languages, with its numbers as the language writes them, and comes
// through the journal as it was.
func TestReasons(t *testing.T) {
	rules := &plasmagram.Library{Substances: []plasmagram.Substance{{Name: "cocaine", Polarity: "positive", Require: 1,
		MinScans: 2, Peaks: []plasmagram.Ion{{Adduct: "[M+H]+", K0: 1.16, Window: 0.02, MinSNR: 6}}}}}
	for name, c := range map[string]struct {
		peak   plasmagram.Peak
		en, fr string
	}{
		"found": {plasmagram.Peak{DriftMs: 12.5, K0: 1.1611, Contrast: 24.2, Scans: 3},
			"cocaine: peak at 12.500\u00a0ms, K0 1.161 ([M+H]+ 1.160 ± 0.020), contrast 24 (needs 6), 3 scans in a row",
			"cocaine\u00a0: pic à 12,500\u00a0ms, K0 1,161 ([M+H]+ 1,160 ± 0,020), contraste 24 (minimum 6), " +
				"3 balayages de suite"},
		"too little contrast": {plasmagram.Peak{DriftMs: 12.5, K0: 1.1611, Contrast: 5.9, Scans: 3},
			"cocaine: peak at 12.500\u00a0ms, K0 1.161 ([M+H]+ 1.160 ± 0.020), but contrast 5.9 is under 6",
			"cocaine\u00a0: pic à 12,500\u00a0ms, K0 1,161 ([M+H]+ 1,160 ± 0,020), mais contraste de 5,9, inférieur à 6"},
		"in one scan": {plasmagram.Peak{DriftMs: 12.5, K0: 1.1611, Contrast: 9, Scans: 1},
			"cocaine: peak at 12.500\u00a0ms, K0 1.161 ([M+H]+ 1.160 ± 0.020), but it stands out in 1 scan in a row, under 2",
			"cocaine\u00a0: pic à 12,500\u00a0ms, K0 1,161 ([M+H]+ 1,160 ± 0,020), mais visible sur 1 balayage de suite " +
				"seulement, au lieu de 2"},
	} {
		decision := rules.Decide(plasmagram.Positive, []plasmagram.Peak{c.peak}, 1000)
		words, encoded := encodeReasons(reasonsOf(&plasmagram.Analysis{Decision: decision}))
		if len(words) != 1 || words[0] != c.en {
			t.Errorf("%s: %q, not %q", name, words, c.en)
		}
		if got := inFrench(encoded); got != c.fr {
			t.Errorf("%s: %q, not %q", name, got, c.fr)
		}
	}
}
