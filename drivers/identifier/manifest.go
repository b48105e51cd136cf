package identifier

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
)

// Manifest is the truck manifest of CBP as a QR code or an RFID tag's user memory holds it.
type Manifest struct {
	Version string // 3 digits
	Trip    Reading
	Date    time.Time // of the expected arrival, a day in no zone
	Plates  []ManifestPlate
	Repairs []string // what was malformed and how it was read
}

// ManifestPlate is a plate of a manifest: the tractor's, then the trailer's.
type ManifestPlate struct{ Country, State, Number string }

// Widths of the manifest's fields, characters.
const (
	versionWidth = 3
	tripWidth    = 25
	dateWidth    = 8
	plateWidth   = 12 // country 2, state 3, number 7
	maxPlates    = 2
)

// delimiters that are tried when none is set, in this order.
const delimiters = "|^~;,\t" + gs

// ParseTruckManifest reads a truck manifest. delimiter is what stands between the fields; "" tries the usual ones,
// and columns of fixed width. Malformed ones that are in the field are repaired, and Repairs says so: a plus for a
// blank, line ends inside, stray digits around version and date.
func ParseTruckManifest(text, delimiter string) (Manifest, error) {
	m := Manifest{}
	clean := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}, strings.ToUpper(text))
	if clean != strings.ToUpper(text) {
		m.Repairs = append(m.Repairs, "line end inside")
	}
	if strings.Contains(clean, "+") && delimiter != "+" {
		clean = strings.ReplaceAll(clean, "+", " ")
		m.Repairs = append(m.Repairs, "plus for blank")
	}
	fields := manifestFields(clean, delimiter)
	if len(fields) < 3 || len(fields) > 3+maxPlates {
		return Manifest{}, wrong(TruckManifest, "fields", "%d, must be version, trip, date and up to %d plates",
			len(fields), maxPlates)
	}
	if err := m.head(fields[0], fields[1], fields[2]); err != nil {
		return Manifest{}, err
	}
	for i, f := range fields[3:] {
		p, err := manifestPlate(f)
		if err != nil {
			return Manifest{}, wrong(TruckManifest, fmt.Sprintf("plate %d", i+1), "%v", err)
		}
		if p.Number != "" {
			m.Plates = append(m.Plates, p)
		}
	}
	return m, nil
}

func manifestFields(text, delimiter string) []string {
	if delimiter != "" {
		return trimmed(strings.Split(text, delimiter))
	}
	for _, d := range delimiters {
		if strings.Count(text, string(d)) >= 2 {
			return trimmed(strings.Split(text, string(d)))
		}
	}
	const plates = versionWidth + tripWidth + dateWidth
	if len(text) < plates || len(text) > plates+maxPlates*plateWidth {
		return nil
	}
	fields := []string{text[:versionWidth], text[versionWidth : versionWidth+tripWidth],
		text[versionWidth+tripWidth : plates]}
	for rest := text[plates:]; rest != ""; {
		n := min(plateWidth, len(rest))
		fields, rest = append(fields, rest[:n]), rest[n:]
	}
	return trimmed(fields)
}

func trimmed(fields []string) []string {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if n := len(fields); n > 3 && fields[n-1] == "" { // a delimiter at the end
		fields = fields[:n-1]
	}
	return fields
}

func (m *Manifest) head(version, trip, date string) error {
	if !digits(version) || version == "" || len(version) > versionWidth+3 {
		return wrong(TruckManifest, "version", "%q, must be %d digits", version, versionWidth)
	}
	if len(version) != versionWidth {
		m.Repairs = append(m.Repairs, fmt.Sprintf("version %q of %d %s",
			version, len(version), english.PluralWord(len(version), "digit", "")))
	}
	m.Version = version[max(0, len(version)-versionWidth):]
	if len(trip) > tripWidth {
		return wrong(TruckManifest, "trip", "%s, must be at most %d", counted(len(trip), "character"), tripWidth)
	}
	var err error
	if m.Trip, err = ParseTripNumber(strings.ReplaceAll(trip, " ", "")); err != nil {
		return wrong(TruckManifest, "trip", "%v", err)
	}
	if len(date) < dateWidth || len(date) > dateWidth+3 || !digits(date) {
		return wrong(TruckManifest, "date", "%q, must be a day as yyyymmdd", date)
	}
	if m.Date, err = time.Parse("20060102", date[:dateWidth]); err != nil {
		return wrong(TruckManifest, "date", "%q is no day (yyyymmdd)", date[:dateWidth])
	}
	if len(date) > dateWidth {
		m.Repairs = append(m.Repairs, fmt.Sprintf("stray digits %q behind the date", date[dateWidth:]))
	}
	return nil
}

// manifestPlate reads "USMI 1AB234": country of 2 letters, state of 3 with blanks behind, number of up to 7.
func manifestPlate(text string) (ManifestPlate, error) {
	if text == "" {
		return ManifestPlate{}, nil
	}
	if len(text) > plateWidth {
		return ManifestPlate{}, fmt.Errorf("%q has %s, at most %d", text, counted(len(text), "character"), plateWidth)
	}
	if len(text) < 6 || !letters(text[:2]) {
		return ManifestPlate{}, fmt.Errorf("%q, must be country (2), state (3) and number", text)
	}
	state, number := strings.TrimSpace(text[2:5]), NormalPlate(text[5:])
	if !alnum(state) || number == "" {
		return ManifestPlate{}, fmt.Errorf("%q, must be country (2), state (3) and number", text)
	}
	return ManifestPlate{text[:2], state, number}, nil
}

// Reading is the manifest as one thing that a code can be: its trip number.
func (m Manifest) Reading() Reading {
	return Reading{Kind: TruckManifest, Value: m.Trip.Value, Issuer: m.Trip.Issuer, Check: CheckNone,
		Why: strings.Join(m.Repairs, "; ")}
}
