package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// String returns the place as parsePlace reads it.
func (p place) String() string { return fmt.Sprintf("%d-%s", p.rank, p.name) }

// parsePlace parses the place behind which a page begins, that before all lanes for "". What does not parse is the
// caller's error, 400.
func parsePlace(text string) (place, error) {
	if text == "" {
		return place{rank: -1}, nil
	}
	rank, name, found := strings.Cut(text, "-")
	n, err := strconv.Atoi(rank)
	if err != nil || !found || n < 0 || n >= len(ranks) {
		return place{}, api.NewProblem(api.BadRequest, message.New("api.no-place", message.Quoted("after", text)))
	}
	return place{n, name}, nil
}

// matches reports whether a lane is one of those that a query asks for.
func matches(l *hubapi.FleetLane, q *hubapi.FleetQuery) bool {
	return (q.Site == "" || l.Site == q.Site) && (q.Agent == "" || l.Agent == q.Agent) && (q.Level == "" || l.Level == q.Level) &&
		(q.Search == "" || mentions(l, strings.ToLower(q.Search)))
}

// mentions reports whether a text in lower case is in what a lane shows.
func mentions(l *hubapi.FleetLane, text string) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	if has(key(l)) || has(l.Title) || has(l.Software) {
		return true
	}
	for _, t := range l.Troubles {
		if has(t.Device) || has(t.Text.EN) || has(t.Text.FR) {
			return true
		}
	}
	return false
}
