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
	t := one.Times()
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
		strings.Join(v.Nuclides, " "), quantity, v.Unit, secondsText(one, t.Taken), secondsText(one, t.Decided), SafeCell(t.DecidedBy),
		secondsText(one, t.Second), SafeCell(t.SecondBy), SafeCell(v.By), strconv.FormatBool(t.Disputed), strconv.Itoa(one.Revision()),
	})
}

// Flush writes what is buffered.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// Times are when the first things of each kind happened; zero for never.
type Times struct {
	Taken, Decided, Second time.Time
	DecidedBy, SecondBy    string
	Disputed               bool // it was, at some time
}

// Times returns when a case was first taken, decided, and confirmed or overruled.
func (c *Case) Times() (t Times) {
	for i := range c.History {
		e := &c.History[i]
		t.Disputed = t.Disputed || e.State == Disputed
		switch a := e.Act.GetAction(); {
		case e.Act == nil || !e.Refusal.IsZero():
		case a == take && t.Taken.IsZero():
			t.Taken = e.Time
		case a == decide && t.Decided.IsZero():
			t.Decided, t.DecidedBy = e.Time, e.Act.By
		case (a == confirm || a == overrule) && t.Second.IsZero():
			t.Second, t.SecondBy = e.Time, e.Act.By
		}
	}
	return t
}

// Seconds is how long after the opening something happened; -1 for never.
func (c *Case) Seconds(at time.Time) int64 {
	if at.IsZero() {
		return -1
	}
	return int64(at.Sub(c.Opened).Seconds())
}

// secondsText is Seconds as a cell, empty for never.
func secondsText(c *Case, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(c.Seconds(at), 10)
}

// SafeCell keeps a text that people or agents gave from being a formula in a spreadsheet.
func SafeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
