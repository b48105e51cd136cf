package downlink

import (
	"encoding/json"
	"os"
	"sync"
	"time"

	"lanewarden/edge/api/linefile"
)

// trustedClock tells the time by which what comes down is judged: the latest of what was surely reached. The machine's
// clock counts while it is disciplined; one that was set to 1970, or back a year, changes nothing.
type trustedClock struct {
	path    string
	trusted func() bool      // whether the machine's clock is disciplined
	now     func() time.Time // the machine's clock, with its monotonic reading

	mu      sync.Mutex
	built   mark
	reached mark // by a disciplined clock, and what passed since on a running machine
	// signed is when the centre signed its newest statement. It counts for as long as the same keys sign: a stolen
	// key that signs a time far ahead is undone by exchanging it.
	signed  mark
	signers string
	written time.Time // what the file has, at least
}

// mark is a time that was reached, and when that was by the machine's monotonic clock: time has gone on since.
type mark struct{ at, since time.Time }

func (m mark) read(machine time.Time) time.Time {
	if m.at.IsZero() {
		return m.at
	}
	return m.at.Add(machine.Sub(m.since))
}

// keptTime is what is kept of the time.
type keptTime struct {
	Reached time.Time `json:"reached"`
	Signed  time.Time `json:"signed"`
	Signers string    `json:"signers"`
}

// keepEvery is how far the time must move on before it is written, which spares the flash card.
const keepEvery = time.Hour

// newTrustedClock reads what is kept. A file that cannot be read counts as none: time begins when the program was
// built.
func newTrustedClock(path string, built time.Time, trusted func() bool, now func() time.Time) *trustedClock {
	begun := now()
	c := &trustedClock{path: path, trusted: trusted, now: now, built: mark{built, begun}}
	var kept keptTime
	if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &kept) == nil {
		c.reached, c.signed, c.signers = mark{kept.Reached, begun}, mark{kept.Signed, begun}, kept.Signers
		c.written = c.read(begun)
	}
	return c
}

// Now returns the trusted time, UTC.
func (c *trustedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(c.now())
}

func (c *trustedClock) read(machine time.Time) time.Time {
	latest := c.built.read(machine)
	for _, t := range []time.Time{c.reached.read(machine), c.signed.read(machine)} {
		if t.After(latest) {
			latest = t
		}
	}
	if wall := machine.Round(0); c.trusted() && wall.After(latest) {
		latest = wall
	}
	return latest.UTC()
}

// note moves on to the time that the centre signed, and keeps what was reached when that is worth it. signers are the
// keys that sign for the centre now; "" changes nothing of that.
func (c *trustedClock) note(issued time.Time, signers string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	machine, news := c.now(), false
	if signers != "" && signers != c.signers {
		c.signed, c.signers, news = mark{}, signers, true
	}
	if issued.After(c.signed.read(machine)) {
		c.signed, news = mark{issued, machine}, true
	}
	if wall := machine.Round(0); c.trusted() && wall.After(c.reached.read(machine)) {
		c.reached = mark{wall, machine}
	}
	if at := c.read(machine); news || at.Sub(c.written) >= keepEvery {
		kept := keptTime{Reached: c.reached.read(machine).UTC(), Signed: c.signed.read(machine).UTC(), Signers: c.signers}
		text, err := json.Marshal(kept)
		if err == nil {
			err = linefile.Replace(c.path, text, 0o600)
		}
		if err != nil {
			return err
		}
		c.written = at
	}
	return nil
}
