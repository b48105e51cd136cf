package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lanewarden/sync/hub/hubapi"
)

// TestRates: Wilson's interval, with the figures that docs/reports.md names.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  string
	}{
		{7, 2140, "0.33 0.16 0.67"},
		{0, 1000, "0.00 0.00 0.38"},
		{1000, 1000, "100.00 99.62 100.00"},
		{1, 2, "50.00 9.45 90.55"},
		{0, 0, "-"},
		{3, 2, "-"}, // a device that says more alarms than it counts vehicles
	} {
		r, got := rateOf(c.n, c.of), "-"
		if r.Share != nil {
			got = fmt.Sprintf("%.2f %.2f %.2f", 100**r.Share, 100**r.Low, 100**r.High)
		}
		if got != c.want || r.N != c.n || r.Of != c.of {
			t.Errorf("%d of %d: %s, expected %s", c.n, c.of, got, c.want)
		}
	}
}

// TestTests: a report that is handed over has the tests of what was asked for, by device, and CSV counts them.
func TestTests(t *testing.T) {
	at := time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC)
	due := []hubapi.DueTest{
		{Site: "w", Agent: "a", Lane: "l", Device: "rpm-2", Test: "x", Since: at, Overdue: true},
		{Site: "e", Agent: "a", Lane: "l", Device: "rpm-1", Test: "x", Since: at.Add(time.Hour)},
		{Site: "w", Agent: "a", Lane: "k", Device: "ion-1", Test: "x", Since: at},
		{Site: "w", Agent: "a", Lane: "l", Device: "rpm-2", Test: "y", Since: at.Add(-time.Hour)},
	}
	for _, c := range []struct {
		r    hubapi.Report
		want string
	}{
		{hubapi.Report{Kind: Shift}, "e/rpm-1/x w/ion-1/x w/rpm-2/y w/rpm-2/x "},
		{hubapi.Report{Kind: Shift, Site: "w", Lane: "l"}, "w/rpm-2/y w/rpm-2/x "},
		{hubapi.Report{Kind: Device, Device: "ion-1"}, "w/ion-1/x "},
		{hubapi.Report{Kind: Month}, ""},
	} {
		got := ""
		TellTests(&c.r, due)
		for _, one := range c.r.Tests {
			got += one.Site + "/" + one.Device + "/" + one.Test + " "
		}
		if got != c.want || c.r.Tests == nil {
			t.Errorf("%+v: %s, expected %s", c.r, got, c.want)
		}
	}
	r := hubapi.Report{Kind: Shift, Total: hubapi.Figures{Classes: map[string]int64{"short": 4}}}
	TellTests(&r, due)
	var out strings.Builder
	if err := CSV(&out, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{",now,w,a,l,rpm-2,tests_due,2,", ",now,w,a,l,rpm-2,tests_overdue,1,", ",now,e,a,l,rpm-1,tests_due,1,",
		",now,w,a,k,ion-1,tests_overdue,0,", ",total,,,,,class.short,4,"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

// TestSpans: periods are of their zone, with its changes of the clock, and begin with whole hours of UTC.
func TestSpans(t *testing.T) {
	now := time.Date(2026, 11, 30, 14, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		q    hubapi.ReportQuery
		want string
	}{
		{hubapi.ReportQuery{Kind: Month, Period: "2026-11", Zone: "America/Toronto"}, "2026-11: 2026-11-01T04 to 2026-12-01T05, 30 parts"},
		{hubapi.ReportQuery{Kind: Day, Period: "2026-11-01", Zone: "America/Toronto"}, "2026-11-01: 2026-11-01T04 to 2026-11-02T05, 25 parts"},
		{hubapi.ReportQuery{Kind: Day, Period: "2026-11-02", Zone: "America/St_Johns"}, "2026-11-02: 2026-11-02T03 to 2026-11-03T03, 24 parts"},
		{hubapi.ReportQuery{Kind: Day}, "2026-11-30: 2026-11-30T00 to 2026-12-01T00, 24 parts"},
		{hubapi.ReportQuery{Kind: Shift, Hours: 8}, "2026-11-30T07: 2026-11-30T07 to 2026-11-30T15, 8 parts"},
		{hubapi.ReportQuery{Kind: Shift, Hours: 12, Period: "2026-11-29T18"}, "2026-11-29T18: 2026-11-29T18 to 2026-11-30T06, 12 parts"},
		{hubapi.ReportQuery{Kind: Device, Period: "2026-02"}, "2026-02: 2026-02-01T00 to 2026-03-01T00, 28 parts"},
	} {
		s, err := spanOf(c.q, now)
		if err != nil {
			t.Fatal(err)
		}
		const form = "2006-01-02T15"
		got := fmt.Sprintf("%s: %s to %s, %d parts", s.name, s.from.Format(form), s.to.Format(form), len(s.starts))
		if got != c.want {
			t.Errorf("%+v: %s, expected %s", c.q, got, c.want)
		}
		if n := len(s.numbers()); n != int(s.to.Sub(s.from).Hours()) {
			t.Errorf("%+v: %d hours have a part", c.q, n)
		}
	}
}
