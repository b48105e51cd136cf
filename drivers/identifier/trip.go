package identifier

const (
	maxTrip     = 25 // characters of a trip number, as the manifest's QR code holds it
	maxShipment = 16 // characters of a shipment control number
)

// ParseSCAC reads a Standard Carrier Alpha Code: 2 to 4 letters. Whether a carrier has it only a list can tell.
func ParseSCAC(text string) (Reading, error) {
	code := upper(text)
	switch {
	case len(code) < 2 || len(code) > 4:
		return Reading{}, wrong(SCAC, "length", "%s, must be 2 to 4", counted(len(code), "character"))
	case !letters(code):
		return Reading{}, wrong(SCAC, "code", "%q, must be letters", code)
	}
	return Reading{Kind: SCAC, Value: code, Issuer: code, Check: CheckNone}, nil
}

// ParseTripNumber reads a number of a carrier to the United States: a SCAC of 2 to 4 letters and a number of its own
// that begins with a digit. A trip number has at most 25 characters; up to 16 it can be a shipment control number too
// (SCN, as on PAPS labels).
func ParseTripNumber(text string) (Reading, error) {
	number := upper(text)
	n := min(leadingLetters(number), 4)
	switch {
	case len(number) > maxTrip:
		return Reading{}, wrong(TripNumber, "length", "%s, must be at most %d",
			counted(len(number), "character"), maxTrip)
	case n < 2:
		return Reading{}, wrong(TripNumber, "SCAC", "%q begins with %s, must be 2 to 4", number, counted(n, "letter"))
	case len(number) == n:
		return Reading{}, wrong(TripNumber, "number", "nothing behind the SCAC %q", number)
	}
	if err := codeField(TripNumber, "number", number); err != nil {
		return Reading{}, err
	}
	r := Reading{Kind: TripNumber, Value: number, Issuer: number[:n], Check: CheckNone}
	if len(number) > maxShipment {
		r.Why = "longer than 16 characters: no shipment control number"
	}
	return r, nil
}
