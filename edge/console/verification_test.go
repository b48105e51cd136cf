package console

import (
	"testing"

	"lanewarden/drivers/observation/coded"
)

// TestFindings: what a verification found comes with its code and in both languages.
func TestFindings(t *testing.T) {
	got := findings([]error{coded.New("evidence.tile-missing", coded.Number("tile", 3), coded.Number("first", 768),
		coded.Number("last", 1023))})
	if len(got) != 1 || got[0].Code != "evidence.tile-missing" ||
		got[0].EN != "tile 0/3, the hashes of rows 768 to 1023, is missing" ||
		got[0].FR != "le bloc 0/3, empreintes des lignes 768 à 1023, manque" {
		t.Errorf("%+v", got)
	}
}
