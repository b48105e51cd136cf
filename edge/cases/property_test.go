package cases

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
)

// history draws what two ends do that hear of each other now and then: each does what is allowed by what it knows. once:
// the link is lost once, and does not come back.
func history(t *rapid.T, once bool) []Event {
	var all []Event
	known := map[string][]Event{}
	next := map[string]int64{}
	at := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	skew := map[string]time.Duration{lane: 0, centre: time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "skew")) * time.Second}
	add := func(end string, e Event) {
		next[end]++
		at = at.Add(time.Second)
		e.Ref, e.Time = Ref{end, next[end]}, at.Add(skew[end])
		all = append(all, e)
		known[end] = append(known[end], e)
	}
	alarm := func(idx int64) *observation.CaseAlarm {
		return &observation.CaseAlarm{Idx: idx, Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY)}
	}
	rules := DefaultRules()
	rules.SecondBlind = rapid.Bool().Draw(t, "blind")
	add(lane, Event{Opened: &observation.CaseOpened{Id: "p", Alarms: []*observation.CaseAlarm{alarm(1)}, Rules: rules}})
	steps, lost := rapid.IntRange(1, 25).Draw(t, "steps"), rapid.IntRange(0, 15).Draw(t, "lost")
	for i := range steps {
		if once && i < lost || !once && rapid.IntRange(0, 3).Draw(t, "hear") == 0 {
			known[lane], known[centre] = slices.Clone(all), slices.Clone(all)
		}
		end := rapid.SampledFrom([]string{lane, centre}).Draw(t, "end")
		c := Fold(known[end])
		if c == nil {
			continue
		}
		if end == lane && rapid.IntRange(0, 5).Draw(t, "alarms") == 0 {
			n := rapid.IntRange(0, 3).Draw(t, "n")
			revised := &observation.CaseAlarms{Id: "p"}
			for i := range n {
				revised.Alarms = append(revised.Alarms, alarm(int64(i+1)))
			}
			add(end, Event{Alarms: revised})
			continue
		}
		act := &observation.CaseEvent{
			Id: "p", By: rapid.SampledFrom([]string{"Ana", "Bob", "Max", "Sue"}).Draw(t, "by"), Role: "expert", Centre: end == centre,
			Action: observation.CaseEvent_Action(rapid.IntRange(int(take), int(reopen)).Draw(t, "action")),
		}
		if slices.Contains([]observation.CaseEvent_Action{decide, overrule}, act.Action) {
			act.Verdict = &observation.CaseVerdict{Code: rapid.SampledFrom([]uint32{1, 4, 6}).Draw(t, "code")}
		}
		if c.Allows(Event{Act: act}) == nil {
			add(end, Event{Act: act})
		}
	}
	return all
}

// TestFoldProperties: the case depends on neither order nor repetition of arrival; nothing is lost; what is settled has
// one verdict.
func TestFoldProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := history(t, false)
		c := Fold(all)
		shuffled := rapid.Permutation(append(slices.Clone(all), all[len(all)/2:]...)).Draw(t, "arrival")
		if d := Fold(shuffled); !equal(c, d) {
			t.Fatalf("%s in one order, %s in another", c.State, d.State)
		}
		if len(c.History) != len(all) {
			t.Fatalf("%d rows of %d", len(c.History), len(all))
		}
		if c.State.Settled() && c.State != Withdrawn && len(c.Verdicts) == 0 {
			t.Fatalf("%s without a verdict", c.State)
		}
		for _, v := range c.Verdicts {
			if c.State != Disputed && c.State != SecondaryRequested && !alike(v.CaseVerdict, c.Verdicts[0].CaseVerdict) {
				t.Fatalf("%s, and verdicts differ", c.State)
			}
		}
		for i := range all { // no beginning of it is too short
			Fold(all[i:])
		}
	})
}

// TestDisputeIsNoMatterOfClocks: what is a dispute is never settled because somebody's clock was ahead.
func TestDisputeIsNoMatterOfClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := history(t, true)
		c := Fold(all)
		moved := slices.Clone(all)
		by := time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "by")) * time.Second
		for i := range moved {
			if moved[i].Journal == centre {
				moved[i].Time = moved[i].Time.Add(by)
			}
		}
		d := Fold(moved)
		if d.State == Disputed && c.State.Settled() || c.State == Disputed && d.State.Settled() {
			t.Fatalf("%s, with another clock %s", c.State, d.State)
		}
	})
}

func equal(a, b *Case) bool {
	if a.State != b.State || !a.Since.Equal(b.Since) || len(a.History) != len(b.History) || len(a.Verdicts) != len(b.Verdicts) {
		return false
	}
	for i := range a.History {
		if a.History[i].Ref != b.History[i].Ref || a.History[i].State != b.History[i].State {
			return false
		}
	}
	return true
}
