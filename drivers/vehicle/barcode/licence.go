package barcode

import (
	"strings"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

const (
	// licenceGap is the time within which the next line of a licence must come. Scanners send a whole code at once.
	licenceGap = 2 * time.Second
	// maxLicence bounds what is kept of a licence until it is whole; the standard's symbols hold some 1,500 characters.
	maxLicence = 4096
)

// licence gathers the lines of a driving licence's data. They have line ends inside, so that each line would be a
// code of its own, with the name, the address and the day of birth of a person. Only what identifier.Licence holds
// leaves it.
type licence struct {
	open  bool
	text  strings.Builder
	begun time.Time
	last  time.Time
}

// feed takes a line and reports whether it belongs to a licence. The observation comes when the licence is over.
func (l *licence) feed(at time.Time, line string) (out []*observation.Observation, taken bool) {
	plain := strings.Trim(line, "\x00\x02\x03\x1c\x1d\x1e ")
	if aim := plain; len(aim) > 3 && aim[0] == ']' {
		plain = strings.TrimLeft(aim[3:], "\x1e\x1c ")
	}
	switch {
	case startsLicence(plain):
		out = l.end()
		l.open, l.begun, l.last = true, at, at
		l.text.WriteString(plain + "\n")
		return out, true
	case plain == "@" || plain == "" && strings.ContainsAny(line, "\x1c\x1e"):
		return nil, true // the first bytes of a licence, before the line ends in its header
	case !l.open:
		return nil, false
	case plain == "":
		return nil, true
	case identifier.IsLicenceLine(plain):
		if l.last = at; l.text.Len()+len(plain) < maxLicence {
			l.text.WriteString(plain + "\n")
		}
		return nil, true
	}
	return l.end(), false
}

// startsLicence reports whether a line is the header of a licence, or one line of its magnetic stripe.
func startsLicence(line string) bool {
	_, err := identifier.ParseLicence(line)
	return err == nil
}

// expire ends a licence of which nothing more can come.
func (l *licence) expire(at time.Time) []*observation.Observation {
	if !l.open || at.Sub(l.last) <= licenceGap {
		return nil
	}
	return l.end()
}

// end returns what may be kept of a licence that is over.
func (l *licence) end() []*observation.Observation {
	if !l.open {
		return nil
	}
	c := Classify(l.text.String(), nil)
	at := l.begun
	*l = licence{}
	return []*observation.Observation{observe(at, c)}
}
