package barcode

import (
	"strings"
	"time"
	"unicode"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// partialGap is the time within which the next part of a manifest must come: readers send a code at once.
const partialGap = 300 * time.Millisecond

// manifestDelimiters is the number of delimiters of a manifest with two plates.
const manifestDelimiters = 4

// partial is a truck manifest that broke at a line end inside its data: some issuers' QR codes have one. It waits for
// its rest.
type partial struct {
	text string
	at   time.Time
}

func (p *partial) over(at time.Time) bool { return p.text != "" && at.Sub(p.at) > partialGap }

// startsManifest reports whether a line can be the beginning of a truck manifest: a version, a delimiter, not all
// fields.
func startsManifest(line string) bool {
	line = identifier.Unwrap(line).Text
	n := 0
	for n < len(line) && line[n] >= '0' && line[n] <= '9' {
		n++
	}
	if n < 3 || n > 6 || n == len(line) || !strings.ContainsRune("|^~;", rune(line[n])) {
		return false
	}
	if trip := strings.TrimLeft(line[n+1:], " "); trip != "" && !unicode.IsLetter(rune(trip[0])) {
		return false // a trip number begins with a SCAC
	}
	return strings.Count(line, line[n:n+1]) < manifestDelimiters
}

func isManifest(line string) bool {
	_, err := identifier.ParseTruckManifest(identifier.Unwrap(line).Text, "")
	return err == nil
}

// joined is scan for lines of which some are parts of one code. What waits is put before the line when the line has a
// delimiter, so is a part too, or when only both together are a manifest.
func (d *decoder) joined(at time.Time, line string) (out []*observation.Observation) {
	if p := d.partial; p.text != "" {
		whole := p.text + line
		part := strings.ContainsAny(line, "|^~;") && !startsManifest(line)
		switch {
		case isManifest(whole) && !startsManifest(whole) && (part || !isManifest(p.text)):
			d.partial = partial{}
			return d.scan(p.at, whole)
		case startsManifest(whole) && (part || isManifest(whole) && !isManifest(p.text)):
			line, at = whole, p.at
		default:
			out = d.release()
		}
	}
	if startsManifest(line) {
		d.partial = partial{line, at}
		return out
	}
	return append(out, d.scan(at, line)...)
}

// release scans what waited for its rest in vain.
func (d *decoder) release() []*observation.Observation {
	p := d.partial
	if d.partial = (partial{}); p.text == "" {
		return nil
	}
	return d.scan(p.at, p.text)
}
