package cases

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/observation"
)

// columns of the export. Codes are those of docs/cases.md; times are RFC 3339 in UTC, durations in seconds.
var columns = []string{
	"case", "site", "agent", "lane", "opened", "state", "severity", "alarms", "neutrons", "group", "code", "image", "swab",
	"source",
	"nuclides", "quantity", "unit", "taken_s", "decided_s", "decided_by", "second_s", "second_by", "verdict_by",
	"disputed", "rows",
}

// CSV writes cases as comma separated values (RFC 4180), a line each, under a heading.
type CSV struct {
	w           *csv.Writer
	Site, Agent string
}

// NewCSV returns a writer of the cases of an agent, and writes the heading.
func NewCSV(w io.Writer, site, agent string) (*CSV, error) {
	c := &CSV{w: csv.NewWriter(w), Site: site, Agent: agent}
	return c, c.w.Write(columns)
}

// Write writes a case.
func (c *CSV) Write(one *Case) error {
	t := timesOf(one)
	v := one.Verdict()
	if v == nil {
		v = &Verdict{CaseVerdict: &observation.CaseVerdict{}}
	}
	code, quantity := "", ""
	if v.Code > 0 {
		code = strconv.FormatUint(uint64(v.Code), 10)
	}
	if v.Quantity > 0 {
		quantity = strconv.FormatFloat(v.Quantity, 'g', -1, 64)
	}
	return c.w.Write([]string{
		one.ID, c.Site, c.Agent, one.Lane, one.Opened.UTC().Format(time.RFC3339), string(one.State), strconv.Itoa(one.Severity()),
		strconv.Itoa(len(one.Alarms)), strconv.FormatBool(one.Neutrons()), Group(v.Code), code, v.Image, v.Swab, SafeCell(v.Source),
		strings.Join(v.Nuclides, " "), quantity, v.Unit, t.seconds(one, t.taken), t.seconds(one, t.decided), SafeCell(t.decidedBy),
		t.seconds(one, t.second), SafeCell(t.secondBy), SafeCell(v.By), strconv.FormatBool(t.disputed), strconv.Itoa(one.Revision()),
	})
}

// Flush writes what is buffered.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// times are when the first things of each kind happened.
type times struct {
	taken, decided, second time.Time
	decidedBy, secondBy    string
	disputed               bool
}

func timesOf(c *Case) (t times) {
	for i := range c.History {
		e := &c.History[i]
		t.disputed = t.disputed || e.State == Disputed
		switch a := e.Act.GetAction(); {
		case e.Act == nil || !e.Refusal.IsZero():
		case a == take && t.taken.IsZero():
			t.taken = e.Time
		case a == decide && t.decided.IsZero():
			t.decided, t.decidedBy = e.Time, e.Act.By
		case (a == confirm || a == overrule) && t.second.IsZero():
			t.second, t.secondBy = e.Time, e.Act.By
		}
	}
	return t
}

// seconds is how long after the opening something happened; "" for never.
func (times) seconds(c *Case, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(int64(at.Sub(c.Opened).Seconds()), 10)
}

// SafeCell keeps a text that people or agents gave from being a formula in a spreadsheet.
func SafeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
