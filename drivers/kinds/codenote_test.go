package kinds

import (
	"testing"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// What package identifier says of a check is worded; what it does not say stays beside the sentence, as it is.
func TestCodeNotes(t *testing.T) {
	weak, err := identifier.ParseContainer("JGIU1709630")
	if err != nil {
		t.Fatal(err)
	}
	for note, want := range map[string]Text{
		weak.Why:                                       {FR: "Conteneur X, le reste 10 s’écrit 0, comme le reste 0"},
		identifier.WhyWithheld:                         {FR: "Conteneur X, données personnelles non conservées"},
		"check digit is 3, the rest asks for 7":        {FR: "Conteneur X, le chiffre est 3, le reste demande 7"},
		"check digit is 3, the rest asks for 7; tared": {FR: "Conteneur X", Words: "check digit is 3, the rest asks for 7; tared"},
		"expires 2027-01-01":                           {FR: "Conteneur X", Words: "expires 2027-01-01"},
		"":                                             {FR: "Conteneur X"},
	} {
		got := vehicleCode(&observation.VehicleCode{Type: string(identifier.Container), Value: "X", Note: note})
		if got.FR != want.FR || got.Words != want.Words {
			t.Errorf("%q: %q, %q", note, got.FR, got.Words)
		}
	}
}
