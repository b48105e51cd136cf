package reports

import (
	"maps"
	"slices"
	"strconv"

	"lanewarden/edge/cases"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/views"
)

// mostOpen bounds the open cases that a report names.
const mostOpen = 100

// adjudication adds up cases. The zero adjudication is of none.
type adjudication struct {
	opened, open, withdrawn, disputed int64
	codes                             map[string]int64
	images, swabs                     map[string]int64
	taken, decided, second            []int64 // seconds
}

func (a *adjudication) add(c *views.CaseSummary) {
	a.opened++
	switch {
	case c.Open:
		a.open++
	case c.State == string(cases.Withdrawn):
		a.withdrawn++
	}
	if c.Disputed {
		a.disputed++
	}
	if c.Code > 0 {
		increase(&a.codes, strconv.FormatInt(c.Code, 10), 1)
	}
	if c.Image != "" {
		increase(&a.images, c.Image, 1)
	}
	if c.Swab != "" {
		increase(&a.swabs, c.Swab, 1)
	}
	for to, seconds := range map[*[]int64]int64{&a.taken: c.Taken, &a.decided: c.Decided, &a.second: c.Second} {
		if seconds >= 0 {
			*to = append(*to, seconds)
		}
	}
}

// figures returns the sums as they are told. Rates of groups are among the verdicts with a code.
func (a *adjudication) figures() hubapi.CaseFigures {
	groups, coded := map[string]int64{}, int64(0)
	for text, n := range a.codes {
		code, _ := strconv.ParseUint(text, 10, 32)
		groups[cases.Group(uint32(code))] += n
		coded += n
	}
	out := hubapi.CaseFigures{
		Opened: a.opened, Open: a.open, Withdrawn: a.withdrawn, Disputed: rateOf(a.disputed, a.opened), Codes: present(a.codes),
		Groups: map[string]hubapi.Rate{}, Images: present(a.images), Swabs: present(a.swabs),
		Taken: exactSpread(a.taken), Decided: exactSpread(a.decided), Second: exactSpread(a.second),
	}
	for group, n := range groups {
		out.Groups[group] = rateOf(n, coded)
	}
	return out
}

// exactSpread returns the median and the 95th percentile by rank.
func exactSpread(seconds []int64) hubapi.Spread {
	out := hubapi.Spread{N: int64(len(seconds))}
	if len(seconds) == 0 {
		return out
	}
	slices.Sort(seconds)
	rank := func(percent int) *float64 {
		v := float64(seconds[(len(seconds)*percent+99)/100-1])
		return &v
	}
	out.Median, out.P95 = rank(50), rank(95)
	return out
}

// addCase adds a case that was opened in the time.
func (b *builder) addCase(c *views.CaseSummary) {
	if !b.isAsked(c) {
		return
	}
	b.cases.add(c)
	k := laneKey{c.Sender, c.Lane}
	if b.caseLanes[k] == nil {
		b.caseLanes[k] = &adjudication{}
	}
	b.caseLanes[k].add(c)
}

// isAsked reports whether a case is among what is asked for. Devices have no cases.
func (b *builder) isAsked(c *views.CaseSummary) bool {
	return b.q.Device == "" && b.sees(c.Site) && is(b.q.Site, c.Site) && is(b.q.Agent, c.Agent) && is(b.q.Lane, c.Lane)
}

// addOpen names a case that is not settled.
func (b *builder) addOpen(c *views.CaseSummary) {
	if !b.isAsked(c) {
		return
	}
	if b.openCases++; len(b.handOver) < mostOpen {
		b.handOver = append(b.handOver, hubapi.OpenCase{Site: c.Site, Agent: c.Agent, Lane: c.Lane, ID: c.ID, State: c.State,
			Severity: int(c.Severity), Opened: c.Opened, Called: cases.State(c.State).Message().Text()})
	}
}

// tellCases writes what is known of cases into a report.
func (b *builder) tellCases(r *hubapi.Report) {
	r.Cases, r.CaseLanes = b.cases.figures(), []hubapi.LaneCases{}
	for _, k := range slices.SortedFunc(maps.Keys(b.caseLanes), compareLanes) {
		r.CaseLanes = append(r.CaseLanes, hubapi.LaneCases{Site: k.Site, Agent: k.Agent, Lane: k.name, CaseFigures: b.caseLanes[k].figures()})
	}
	r.OpenCases, r.Unsettled = append([]hubapi.OpenCase{}, b.handOver...), b.openCases
}
