package layout

import (
	"strconv"
	"strings"
	"time"
)

// Seen is a question of a lane in a Get: was a container at a site in a time? It stands in the name, which the answer
// repeats: seen/CONTAINER/SITE/FROM/BEFORE, times in ns UTC.
type Seen struct {
	Container, Site string
	From, Before    time.Time
}

const seenPrefix = "seen/"

// Name returns the question as a Get has it.
func (q Seen) Name() string {
	return seenPrefix + strings.Join([]string{q.Container, q.Site, strconv.FormatInt(q.From.UnixNano(), 10),
		strconv.FormatInt(q.Before.UnixNano(), 10)}, "/")
}

// ParseSeen is the inverse of Name; ok is false for any other name.
func ParseSeen(name string) (q Seen, ok bool) {
	rest, ok := strings.CutPrefix(name, seenPrefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 {
		return q, false
	}
	from, err1 := strconv.ParseInt(parts[2], 10, 64)
	before, err2 := strconv.ParseInt(parts[3], 10, 64)
	if err1 != nil || err2 != nil || parts[0] == "" || parts[1] == "" {
		return q, false
	}
	return Seen{Container: parts[0], Site: parts[1], From: time.Unix(0, from).UTC(), Before: time.Unix(0, before).UTC()}, true
}
