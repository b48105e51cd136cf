package agent

import (
	"log/slog"
	"time"

	"lanewarden/edge/journal"
)

// knownRows is the number of newest rows among which the last time that is known is looked for.
const knownRows = 2000

// lastKnown returns the latest time that surely was: when the program was built, or when the newest row came that was
// journalled with a disciplined clock. Rows of a clock that nothing kept right do not count: one that was years ahead
// would make all certificates expire.
func lastKnown(j *journal.Journal, built time.Time, log *slog.Logger) time.Time {
	rows, err := j.Newest(knownRows, 0, "")
	if err != nil {
		log.Warn("the newest rows cannot be read: certificates are held against the clock alone", "err", err)
	}
	known := built
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil || o.Body.ClockUnsynchronised {
			continue
		}
		if at := time.Unix(0, o.TimeNs+o.Body.AgentDelayNs); at.After(known) {
			known = at
		}
	}
	return known
}

// trustedTime returns the clock by which certificates are judged: now, or where that is behind what is known to have
// been, as on a box that begins in 1970, the time known and what has passed since.
func trustedTime(known time.Time, now func() time.Time) func() time.Time {
	begun := time.Now()
	return func() time.Time {
		at, least := now(), known.Add(time.Since(begun))
		if at.Before(least) {
			return least
		}
		return at
	}
}
