package identifier

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
)

// ParseRailCar reads the number of a North American rail car: reporting mark of 2 to 4 letters, 1 to 6 digits. The
// value has no blanks and no leading zeros: CSX 012345 and CSX12345 are one car. It has no check digit.
func ParseRailCar(text string) (Reading, error) {
	number := compact(text, "-")
	n := leadingLetters(number)
	serial := number[n:]
	switch {
	case n < 2 || n > 4:
		return Reading{}, wrong(RailCar, "reporting mark", "%q begins with %s, must be 2 to 4",
			number, counted(n, "letter"))
	case len(serial) < 1 || len(serial) > 6:
		return Reading{}, wrong(RailCar, "number", "%s behind the mark, must be 1 to 6",
			counted(len(serial), "character"))
	case !digits(serial):
		return Reading{}, wrong(RailCar, "number", "%q, must be digits", serial)
	}
	if serial = strings.TrimLeft(serial, "0"); serial == "" {
		return Reading{}, wrong(RailCar, "number", "nothing but zeros")
	}
	return Reading{Kind: RailCar, Value: number[:n] + serial, Issuer: number[:n], Check: CheckNone}, nil
}

// AEITag is the content of a tag of Automatic Equipment Identification (AAR S-918). A car carries two, left and right:
// both have the same Car.
type AEITag struct {
	Read           time.Time // by the reader's clock, without zone: UTC is written; zero when it has none
	Sequence       string    // of the reader
	EquipmentGroup string    // 19 is a rail car
	Car            Reading
	Side           string // left or right
	LengthDm       int    // decimetres
	Axles          int
	Bearing        string
	Platform       string
}

const aeiFields = 12

// ParseAEILine reads a line of an AEI reader:
//
//	01/16/2006 10:58,0003,"51","1","19","CSX ","987654","Right","193","6","1","0"
//
// time, sequence, two fields of the reader's own, equipment group, reporting mark, number, side, length, axles,
// bearing, platform.
func ParseAEILine(text string) (AEITag, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimSpace(text)))
	r.TrimLeadingSpace = true
	f, err := r.Read()
	if err != nil {
		return AEITag{}, wrong(RailCar, "line", "%v", err)
	}
	if len(f) != aeiFields {
		return AEITag{}, wrong(RailCar, "line", "%s, must be %d", counted(len(f), "field"), aeiFields)
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	t := AEITag{Sequence: f[1], EquipmentGroup: f[4], Side: strings.ToLower(f[7]), Bearing: f[10], Platform: f[11]}
	if t.Read, err = time.Parse("01/02/2006 15:04", f[0]); err != nil {
		if t.Read, err = time.Parse("01/02/2006 15:04:05", f[0]); err != nil {
			return AEITag{}, wrong(RailCar, "time", "%q, must be MM/DD/YYYY HH:MM", f[0])
		}
	}
	if t.Car, err = ParseRailCar(f[5] + f[6]); err != nil {
		return AEITag{}, err
	}
	switch {
	case t.Side == "l":
		t.Side = "left"
	case t.Side == "r":
		t.Side = "right"
	case t.Side != "left" && t.Side != "right":
		return AEITag{}, wrong(RailCar, "side", "%q, must be Left or Right", f[7])
	}
	if t.LengthDm, err = strconv.Atoi(f[8]); err != nil || t.LengthDm < 0 {
		return AEITag{}, wrong(RailCar, "length", "%q, must be decimetres", f[8])
	}
	if t.Axles, err = strconv.Atoi(f[9]); err != nil || t.Axles < 0 {
		return AEITag{}, wrong(RailCar, "axles", "%q, must be a number", f[9])
	}
	t.Car.Why = fmt.Sprintf("AEI tag, %s side, %.1f m, %d %s",
		t.Side, float64(t.LengthDm)/10, t.Axles, english.PluralWord(t.Axles, "axle", ""))
	return t, nil
}

// ParseUICWagon reads a wagon's number of UIC leaflet 438-2: 12 digits, the last one Luhn's check digit; the third
// and fourth are the country of registration.
func ParseUICWagon(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 12:
		return Reading{}, wrong(UICWagon, "length", "%s, must be 12", counted(len(number), "character"))
	case !digits(number):
		return Reading{}, wrong(UICWagon, "number", "%q, must be digits", number)
	}
	return verified(Reading{Kind: UICWagon, Value: number, Issuer: number[2:4]}, number[11], luhn(number[:11])), nil
}
