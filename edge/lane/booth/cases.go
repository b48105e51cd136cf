package booth

import (
	"slices"
	"strconv"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/lane/clearance"
)

// keptCases is how many settled cases a booth remembers: those of vehicles that may still be on their way to it.
const keptCases = 64

// takeCase processes a row about a case. It reports whether the row is one.
func (b *Booth) takeCase(r Row) bool {
	e, ok := cases.EventOf(b.lane.Journal, r.Idx, time.Unix(0, r.TimeNs).UTC(), r.Body.Typed())
	if ok {
		b.cases.Take(e)
	}
	return ok
}

// casesOf returns the cases of a vehicle: that of its passage, those of alarms that are its own for certain, and those
// that are settled of alarms that may be its own.
func (b *Booth) casesOf(v *clearance.Vehicle) (out []clearance.Case) {
	for _, c := range b.cases.Cases() {
		mine := c.ID == v.Passage && v.Passage != ""
		for _, a := range v.Alarms {
			has := slices.ContainsFunc(c.Alarms, func(x *observation.CaseAlarm) bool { return x.Idx == a.Row })
			mine = mine || has && (!a.Possible || c.State.Settled())
		}
		if mine {
			out = append(out, clearanceCases(c)...)
		}
	}
	return out
}

// clearanceCases returns what a case is to clearance. A settled one has up to three verdicts: of radiation and whatever has
// no word of its own by its code, of images and of swabs by their words.
func clearanceCases(c *cases.Case) []clearance.Case {
	one := clearance.Case{ID: c.ID, Open: !c.State.Settled(), Row: c.History[len(c.History)-1].Row}
	v := c.Verdict()
	switch {
	case c.State == cases.Withdrawn:
		return nil
	case one.Open || v == nil:
		one.Alarms = rowsWhere(c, func(*observation.CaseAlarm) bool { return true })
		return []clearance.Case{one}
	}
	coded, image, swab := one, one, one
	image.Result, image.Alarms = v.Image, rowsWhere(c, cases.IsImage)
	swab.Result, swab.Alarms = v.Swab, rowsWhere(c, cases.IsSwab)
	coded.Result = strconv.FormatUint(uint64(v.Code), 10)
	coded.Alarms = rowsWhere(c, func(a *observation.CaseAlarm) bool {
		return !(v.Image != "" && cases.IsImage(a)) && !(v.Swab != "" && cases.IsSwab(a))
	})
	var out []clearance.Case
	for _, x := range []clearance.Case{coded, image, swab} {
		if x.Result != "" && x.Result != "0" {
			out = append(out, x)
		}
	}
	return out
}

// rowsWhere returns the rows of the alarms of a case for which something holds.
func rowsWhere(c *cases.Case, holds func(*observation.CaseAlarm) bool) (rows []int64) {
	for _, a := range c.Alarms {
		if holds(a) {
			rows = append(rows, a.Idx)
		}
	}
	return rows
}
