package reports

import (
	"cmp"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// The kinds of reports.
const (
	Shift        = "shift"
	Day          = "day"
	Month        = "month"
	Device       = "device"
	Adjudication = "adjudication"
)

// How periods are written.
const (
	monthForm = "2006-01"
	dayForm   = time.DateOnly
	hourForm  = "2006-01-02T15"
)

// span is the time of a report, in whole hours of UTC, and what it is divided into.
type span struct {
	name     string // as it was asked for
	zone     *time.Location
	from, to time.Time   // UTC
	starts   []time.Time // of its hours or days
}

// spanOf returns the time that a report is of.
func spanOf(q hubapi.ReportQuery, now time.Time) (s span, err error) {
	if s.zone, err = time.LoadLocation(cmp.Or(q.Zone, "UTC")); err != nil || s.zone == time.Local {
		return s, api.NewProblem(api.BadRequest, message.New("report.no-zone", message.Quoted("zone", q.Zone)))
	}
	from, form, err := begin(q, s.zone, now)
	if err != nil {
		return s, api.NewProblem(api.BadRequest, message.New("report.no-period", message.Quoted("period", q.Period)))
	}
	var to time.Time
	step := func(t time.Time) time.Time { return t.Add(time.Hour) }
	switch form {
	case hourForm:
		to = from.Add(time.Duration(q.Hours) * time.Hour)
	case dayForm:
		to = from.AddDate(0, 0, 1)
	default:
		to = from.AddDate(0, 1, 0)
		step = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	}
	s.name, s.from, s.to = from.Format(form), whole(from), whole(to)
	for t := from; t.Before(to); t = step(t) {
		s.starts = append(s.starts, whole(t))
	}
	return s, nil
}

// begin returns the beginning of the period that is asked for, in its zone, and how such periods are written.
func begin(q hubapi.ReportQuery, zone *time.Location, now time.Time) (from time.Time, form string, err error) {
	forms := map[string][]string{
		Shift: {hourForm}, Day: {dayForm}, Month: {monthForm}, Device: {monthForm, dayForm}, Adjudication: {monthForm, dayForm},
	}[q.Kind]
	if q.Period == "" {
		if q.Kind == Shift {
			now = now.Add(-time.Duration(q.Hours-1) * time.Hour) // the hour that has begun is its last
		}
		q.Period = now.In(zone).Format(forms[0])
	}
	for _, form = range forms {
		if from, err = time.ParseInLocation(form, q.Period, zone); err == nil {
			return from, form, nil
		}
	}
	return from, form, err
}

// whole returns the whole hour of UTC in which a time is.
func whole(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// numbers returns to which part each hour of the time belongs.
func (s *span) numbers() map[int64]int {
	out, part := map[int64]int{}, 0
	for t := s.from; t.Before(s.to); t = t.Add(time.Hour) {
		for part+1 < len(s.starts) && !t.Before(s.starts[part+1]) {
			part++
		}
		out[t.Unix()/3600] = part
	}
	return out
}

// passed returns how many hours between two times are over.
func (s *span) passed(from, to, now time.Time) float64 {
	if now.Before(to) {
		to = now
	}
	return max(0, to.Sub(from).Hours())
}
