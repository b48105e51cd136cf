package cases

import (
	"bytes"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
)

// said is a word that the first reader uses wherever they can write one.
const said = "cigarettes"

// asked is a case that Ana has decided, with all that she could say, and that waits for a second reader.
func asked(t *testing.T) *both {
	b := newBoth(t, "blind, image alarm, second suspect")
	b.steps("Ana take")
	box := &observation.CaseBox{Label: said, X: []float32{1, 5}, Y: []float32{2, 6}}
	for _, act := range []*observation.CaseEvent{
		{Action: comment, Notes: said},
		{Action: decide, Notes: said, Verdict: &observation.CaseVerdict{Image: "suspect", Source: said}, Attachments: []*observation.CaseAttachment{
			{Sha256: make([]byte, 32), Boxes: []*observation.CaseBox{box}}}},
	} {
		act.Id, act.By, act.Role = "p", "Ana", "officer"
		if err := Fold(b.events).Admits(act, Fold(b.events).Revision()); err != nil {
			t.Fatal(err)
		}
		b.add(lane, act)
	}
	decided := b.events[len(b.events)-1].Ref
	b.add(lane, &observation.CaseEvent{Id: "p", Action: attach, By: LaneRole, Role: LaneRole, Key: ReportKey(decided), Attachments: []*observation.CaseAttachment{
		{Sha256: bytes.Repeat([]byte{7}, 32), MediaType: said}}})
	b.steps("Tom comment")
	return b
}

// text is all that a case tells, in words.
func text(t *testing.T, c *Case) string {
	var out bytes.Buffer
	w, err := NewCSV(&out, "site", "agent")
	if err == nil {
		err = w.Write(c)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.History {
		out.WriteString(observation.New(observation.Class_CLASS_EVENT, e.Time, e.Body()).String())
	}
	for _, a := range c.Attachments {
		out.WriteString(a.String())
	}
	for _, v := range c.Verdicts {
		out.WriteString(v.String())
	}
	return out.String()
}

// TestSecondReaderIsBlind: who is to give a second opinion learns nothing of the first until their own is on record. Who gave
// the first, supervisors and admins see it all the time.
func TestSecondReaderIsBlind(t *testing.T) {
	b := asked(t)
	c := Fold(b.events)
	if c.State != SecondAsked {
		t.Fatal(c.State)
	}
	for who, blind := range map[string]bool{"Bob": true, "Max": true, "Tom": true, "Eve": true, "": true, "Ana": false, "ana": false, "Sue": false} {
		r := Reader{who, []string{roles[who]}}
		got := text(t, c.Shown(r))
		if c.Blind(r) != blind || strings.Contains(got, said) == blind || strings.Contains(got, ",suspect,") == blind {
			t.Errorf("%s: blind %v: %s", who, c.Blind(r), got)
		}
		if n := len(c.Shown(r).History); n != len(c.History) {
			t.Errorf("%s sees %d rows", who, n)
		}
		for i := range b.events {
			if act, hidden := c.Conceal(b.events[i], r); hidden && !blind || blind && strings.Contains(act.String(), said) {
				t.Errorf("%s: row %d: hidden %v, %v", who, i, hidden, act)
			}
		}
	}
	if r := (Reader{"Max", []string{"expert", "supervisor"}}); c.Blind(r) {
		t.Error("who has the role of a supervisor too does not see")
	}
	newer := Event{Ref: Ref{centre, 99}, Act: &observation.CaseEvent{Id: "p", Action: decide, By: "Max", Role: "expert", Notes: said}}
	if act, hidden := c.Conceal(newer, Reader{"Bob", []string{"officer"}}); !hidden || act.Notes != "" {
		t.Error("a row that the case does not have yet is shown")
	}
	if !strings.Contains(text(t, c), said) {
		t.Error("the case itself was changed")
	}
	// Their own word is on record: everything is shown, to them and to whoever comes next.
	act := &observation.CaseEvent{Id: "p", Action: decide, By: "Bob", Role: "officer", Verdict: &observation.CaseVerdict{Image: "clear"}}
	if err := c.Admits(act, c.Revision()); err != nil || !act.Blind {
		t.Fatal(err, act.Blind)
	}
	b.add(lane, act)
	c = Fold(b.events)
	if c.State != Disputed || len(c.Verdicts) != 2 || c.Blind(Reader{"Bob", []string{"officer"}}) || c.Blind(Reader{"Eve", []string{"viewer"}}) {
		t.Errorf("%s, %d verdicts", c.State, len(c.Verdicts))
	}
}

// TestBlindAtBothEnds: second readers who do not know of each other all count, in any order of arrival.
func TestBlindAtBothEnds(t *testing.T) {
	for _, one := range [][3]string{
		{"Bob decide 1", "Max decide 1", "confirmed"}, {"Bob decide 6", "Max decide 6", "disputed"},
		{"Bob decide 1", "Max decide 6", "disputed"}, {"Bob decide 6", "Sue confirm", "disputed"}, {"Bob decide 1", "Sue confirm", "confirmed"},
		{"Bob decide 1", "Sue overrule 6", "disputed"}, {"Ana reopen", "Max decide 1", "reopened"},
	} {
		t.Run(one[0]+", "+one[1], func(t *testing.T) {
			b := newBoth(t, "blind")
			b.before("second asked")
			b.apart(one[0], one[1])
			for i := range b.events { // each rotation is another order
				c := Fold(append(b.events[i:len(b.events):len(b.events)], b.events[:i]...))
				if string(c.State) != one[2] {
					t.Errorf("%s, want %s", c.State, one[2])
				}
			}
		})
	}
}
