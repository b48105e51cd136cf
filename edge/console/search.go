package console

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/looks"
	"lanewarden/edge/journal"
)

const (
	searchRows = 20_000 // looked at for one answer
	searchRead = 500    // at a time
)

// search is a search of the journal for one page. It reads backwards from the page's end, as people
// want the newest.
type search struct {
	api.ObservationQuery
	console *Console
	user    api.User
	raw     []byte // what the text is in hexadecimal; nil when it is not
	first   int64  // rows before it arrived before From
	found   api.Found
}

// observations answers api.GetObservations: one page of matches, newest first, and the row where
// the next page begins. A page may have few matches, or none, when searchRows were looked at: rare
// matches are found over several pages.
func (c *Console) observations(r *api.Call, in api.ObservationQuery) (api.Found, error) {
	s, err := c.newSearch(r.User, in)
	if err != nil {
		return api.Found{}, err
	}
	if in.Text != "" {
		c.noteLook(r, message.New("look.search", message.Quoted("text", s.Text)))
	}
	if err := s.run(); err != nil {
		return api.Found{}, err
	}
	newestFirst(s.found.Observations)
	c.nameCandidates(r.Context(), s.found.Observations)
	return s.found, nil
}

// newSearch returns a search with its first and last row, which Journal.Arrived finds by times.
func (c *Console) newSearch(u api.User, in api.ObservationQuery) (s *search, err error) {
	in.Text = strings.ToLower(in.Text)
	s = &search{ObservationQuery: in, console: c, user: u, found: api.Found{Observations: []api.Line{}, Next: c.Journal.Size()}}
	s.raw, _ = hex.DecodeString(in.Text)
	if !in.From.IsZero() {
		if s.first, err = c.Journal.Arrived(in.From.Add(-slack)); err != nil {
			return nil, err
		}
	}
	if !in.To.IsZero() {
		if s.found.Next, err = c.Journal.Arrived(in.To.Add(slack)); err != nil {
			return nil, err
		}
	}
	if in.Before != nil {
		s.found.Next = min(s.found.Next, *in.Before)
	}
	return s, nil
}

// run looks at rows until the page is full, the rows end, or searchRows were looked at.
func (s *search) run() error {
	for looked := 0; s.found.Next > 0 && !s.full() && looked < searchRows; looked += searchRead {
		rows, err := s.console.Journal.ReadBack(s.found.Next, searchRead)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			s.found.Next = 0
			return nil
		}
		if err := s.add(rows); err != nil {
			return err
		}
	}
	return nil
}

// full reports whether the page has as many matches as were asked for.
func (s *search) full() bool { return len(s.found.Observations) >= s.Limit }

// add adds the rows that match, which come newest first, and moves the position of the next page.
func (s *search) add(rows []journal.Row) error {
	for i := range rows {
		switch {
		case rows[i].Idx < s.first:
			s.found.Next = 0
			return nil
		case s.full():
			s.found.Next = rows[i].Idx + 1 // this one is on the next page
			return nil
		}
		s.found.Next = rows[i].Idx
		ok, err := s.match(&rows[i])
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		line, hidden, err := s.console.concealedLine(&rows[i], s.user)
		if err != nil {
			return err
		}
		if hidden && s.Text != "" {
			continue // what is found would tell what is hidden
		}
		s.found.Observations = append(s.found.Observations, line)
	}
	return nil
}

// newestFirst sorts a page by the time that is shown: devices report late, and the journal's order
// is that of arrival.
func newestFirst(lines []api.Line) {
	slices.SortStableFunc(lines, func(a, b api.Line) int { return b.Shown().Compare(a.Shown()) })
}

// slack is how far an observation's time may lie from its arrival: devices report late, and clocks
// are set.
const slack = time.Hour

// match reports whether a row is searched for. Only a row that fits otherwise is decoded for its
// time.
func (s *search) match(row *journal.Row) (bool, error) {
	if !s.selects(row) || !s.mentions(row) {
		return false, nil
	}
	if s.From.IsZero() && s.To.IsZero() {
		return true, nil
	}
	o, err := row.Observation()
	if err != nil {
		return false, err
	}
	at := s.console.shown(o)
	return !at.Before(s.From) && (s.To.IsZero() || !at.After(s.To)), nil
}

// selects reports whether a row is of the class, the device and the kind; a family of kinds selects
// all of them.
func (s *search) selects(row *journal.Row) bool {
	kind := row.Kind.Name()
	return (s.Class == "" || row.Class.Name() == s.Class) && (s.Device == "" || row.Device == s.Device) &&
		(s.Kind == "" || kind == s.Kind || strings.HasPrefix(kind, s.Kind+"."))
}

// mentions reports whether a row has the text in its device, its kind, or its body: in an encoded
// body, texts stand as they are, so it need not be decoded. A text of hexadecimal digits is looked
// for as bytes as well: hashes, EPCs. Rows that say who searched for it do not count: each search
// would find itself.
func (s *search) mentions(row *journal.Row) bool {
	if s.Text == "" {
		return true
	}
	return !isLook(row) && (strings.Contains(strings.ToLower(row.Device), s.Text) ||
		strings.Contains(row.Kind.Name(), s.Text) || bytes.Contains(bytes.ToLower(row.Body), []byte(s.Text)) ||
		len(s.raw) >= minRaw && bytes.Contains(row.Body, s.raw))
}

// isLook reports whether a row says that somebody looked at something, or searched.
func isLook(row *journal.Row) bool {
	if row.Kind != observation.Kind_KIND_AGENT_ACCESS {
		return false
	}
	o, err := row.Observation()
	return err == nil && o.Body.GetAgentAccess().GetAction() == looks.Action
}

// minRaw is the least number of bytes of a hexadecimal search text: fewer are found in almost every
// row.
const minRaw = 4
