package reports

import (
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"lanewarden/edge/cases"
	"lanewarden/sync/hub/hubapi"
)

// columns of the export: of what, which figure, and the figure. of, low and high are of rates: how many were counted
// among, and Wilson's interval of the share.
var columns = []string{
	"report", "period", "zone", "from", "to", "part", "site", "agent", "lane", "device", "figure", "value", "of", "share", "low", "high",
}

// CSV writes a report as comma separated values (RFC 4180), a figure a line, under a heading. Times are RFC 3339 in UTC,
// durations in seconds.
func CSV(w io.Writer, r *hubapi.Report) error {
	t := table{w: csv.NewWriter(w), r: r}
	t.write(columns...)
	t.figures(place{part: "total"}, &r.Total)
	t.cases(place{part: "total"}, &r.Cases)
	for i := range r.Periods {
		t.figures(place{part: r.Periods[i].From.Format(time.RFC3339)}, &r.Periods[i].Figures)
	}
	for i := range r.Lanes {
		l := &r.Lanes[i]
		t.figures(place{part: "total", site: l.Site, agent: l.Agent, lane: l.Lane}, &l.Figures)
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		p := place{part: "total", site: d.Site, agent: d.Agent, device: d.Device}
		t.number(p, "detections", d.Detections)
		t.rate(p, "alarms", d.Alarms)
		t.numbers(p, "alarm.", d.AlarmKinds)
		if d.Known > 0 {
			t.line(p, "running_half_hours", strconv.FormatInt(d.Running, 10), strconv.FormatInt(d.Known, 10))
		}
	}
	t.tests(r.Tests)
	if p := r.Partial; p != nil { // the figures are of these rows alone
		t.line(place{part: "now"}, "rows_counted", strconv.FormatInt(p.Done, 10), strconv.FormatInt(p.All, 10))
	}
	for i := range r.CaseLanes {
		l := &r.CaseLanes[i]
		t.cases(place{part: "total", site: l.Site, agent: l.Agent, lane: l.Lane}, &l.CaseFigures)
	}
	t.w.Flush()
	return t.w.Error()
}

// tests writes how many tests of each device are due, and how many of these are overdue, in the order of the list.
func (t *table) tests(all []hubapi.DueTest) {
	for len(all) > 0 {
		first, n, overdue := &all[0], 0, int64(0)
		for n < len(all) && all[n].Site == first.Site && all[n].Agent == first.Agent && all[n].Device == first.Device {
			if all[n].Overdue {
				overdue++
			}
			n++
		}
		p := place{part: "now", site: first.Site, agent: first.Agent, lane: first.Lane, device: first.Device}
		t.number(p, "tests_due", int64(n))
		t.number(p, "tests_overdue", overdue)
		all = all[n:]
	}
}

// table writes lines. Its errors are the writer's, which keeps them.
type table struct {
	w *csv.Writer
	r *hubapi.Report
}

// place is what a figure is of.
type place struct{ part, site, agent, lane, device string }

func (t *table) write(cells ...string) { _ = t.w.Write(cells) }

func (t *table) line(p place, figure string, values ...string) {
	r := t.r
	cells := []string{
		r.Kind, r.Period, r.Zone, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), p.part, cases.SafeCell(p.site),
		cases.SafeCell(p.agent), cases.SafeCell(p.lane), cases.SafeCell(p.device), cases.SafeCell(figure),
	}
	cells = append(cells, values...)
	for len(cells) < len(columns) {
		cells = append(cells, "")
	}
	t.write(cells...)
}

func (t *table) figures(p place, f *hubapi.Figures) {
	t.number(p, "passages", f.Passages)
	t.line(p, "passages_per_hour", strconv.FormatFloat(f.PerHour, 'f', 2, 64))
	t.rate(p, "alarms", f.Alarms)
	t.rate(p, "blind", f.Blind)
	t.numbers(p, "outcome.", f.Outcomes)
	t.numbers(p, "class.", f.Classes)
	t.numbers(p, "alarm.", f.AlarmKinds)
	t.spread(p, "dwell", f.Dwell)
}

func (t *table) cases(p place, f *hubapi.CaseFigures) {
	t.number(p, "cases", f.Opened)
	t.number(p, "cases.open", f.Open)
	t.number(p, "cases.withdrawn", f.Withdrawn)
	t.rate(p, "cases.disputed", f.Disputed)
	t.numbers(p, "code.", f.Codes)
	for _, group := range slices.Sorted(maps.Keys(f.Groups)) {
		t.rate(p, "group."+group, f.Groups[group])
	}
	t.numbers(p, "image.", f.Images)
	t.numbers(p, "swab.", f.Swabs)
	t.spread(p, "taken", f.Taken)
	t.spread(p, "decided", f.Decided)
	t.spread(p, "second", f.Second)
}

func (t *table) number(p place, figure string, n int64) {
	t.line(p, figure, strconv.FormatInt(n, 10))
}

func (t *table) numbers(p place, prefix string, all map[string]int64) {
	for _, name := range sortedNames(all) {
		t.number(p, prefix+name, all[name])
	}
}

func (t *table) rate(p place, figure string, r hubapi.Rate) {
	t.line(p, figure, strconv.FormatInt(r.N, 10), strconv.FormatInt(r.Of, 10), decimal(r.Share, 6), decimal(r.Low, 6), decimal(r.High, 6))
}

func (t *table) spread(p place, figure string, s hubapi.Spread) {
	if s.N == 0 {
		return
	}
	t.line(p, figure+"_median_s", decimal(s.Median, 1), strconv.FormatInt(s.N, 10))
	t.line(p, figure+"_p95_s", decimal(s.P95, 1), strconv.FormatInt(s.N, 10))
}

// decimal returns a number with so many digits, "" for none.
func decimal(v *float64, digits int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', digits, 64)
}
