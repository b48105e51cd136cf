package reports

import (
	"cmp"
	"slices"

	"lanewarden/sync/hub/hubapi"
)

// TellTests writes into a report, of those kinds that are handed over, the tests that are due of what was asked for.
func TellTests(r *hubapi.Report, due []hubapi.DueTest) {
	r.Tests = []hubapi.DueTest{}
	if r.Kind != Shift && r.Kind != Device {
		return
	}
	for _, t := range due {
		if is(r.Site, t.Site) && is(r.Agent, t.Agent) && is(r.Lane, t.Lane) && is(r.Device, t.Device) {
			r.Tests = append(r.Tests, t)
		}
	}
	slices.SortStableFunc(r.Tests, func(a, b hubapi.DueTest) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Device, b.Device), a.Since.Compare(b.Since))
	})
}
