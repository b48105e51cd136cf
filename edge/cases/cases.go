// Package cases is how an alarm is adjudicated: the rows of lane and centre about one passage with an alarm go in; the
// case comes out, with its state, who has it, what was decided, and what is to be done about it. It is a pure function of
// the rows, whatever order they came in, so that lane and centre see the same case. docs/cases.md has the rules and their
// table.
package cases

import (
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// State is how far a case is.
type State string

// The states.
const (
	Open               State = "open" // nobody has it
	Taken              State = "taken"
	SecondaryRequested State = "secondary-requested"
	SecondaryDone      State = "secondary-done"
	Decided            State = "decided"
	SecondAsked        State = "second-opinion-asked"
	Confirmed          State = "confirmed"
	Overruled          State = "overruled"
	Reopened           State = "reopened"
	Disputed           State = "disputed"  // verdicts differ, and neither knew of the other: a third person decides
	Withdrawn          State = "withdrawn" // the passage has no alarm any more, and nobody had begun
)

// States returns all states.
func States() []State {
	return []State{
		Open, Taken, SecondaryRequested, SecondaryDone, Decided, SecondAsked, Confirmed, Overruled, Reopened, Disputed, Withdrawn,
	}
}

// Settled reports whether nothing is to be done any more.
func (s State) Settled() bool {
	return s == Decided || s == Confirmed || s == Overruled || s == Withdrawn
}

// Message returns what a state is called.
func (s State) Message() message.Message { return message.New("cases.state." + string(s)) }

// Hold is that somebody has a case.
type Hold struct {
	By, Role string
	Centre   bool
	At       time.Time
	row      Ref
}

// Verdict is what somebody decided.
type Verdict struct {
	*observation.CaseVerdict
	Action   observation.CaseEvent_Action // decide, confirm or overrule
	By, Role string
	Centre   bool
	At       time.Time
	row      Ref
}

// Secondary is an inspection that was asked for.
type Secondary struct {
	Station string // of the lane; empty when none was named
	Exams   []string
	By      string
	At      time.Time
	Done    time.Time // zero until its result is there
	Result  *observation.CaseVerdict
	row     Ref
	done    Ref // row with the result
}

// Attachment is an artifact that was added.
type Attachment struct {
	*observation.CaseAttachment
	By  string
	At  time.Time
	row Ref
}

// Entry is one row of a case, with what came of it.
type Entry struct {
	Event
	State State // afterwards
	// Refusal says why the row changed nothing: what it was about had changed at the other end. The zero Message is for a
	// row that counts.
	Refusal message.Message
	// Hidden: what the row says is left out (Case.Shown).
	Hidden bool
}

// Case is the adjudication of the alarms of one passage.
type Case struct {
	ID, Lane string // ID is that of the passage
	Opened   time.Time
	State    State
	Since    time.Time // of the state
	Alarms   []*observation.CaseAlarm
	Rules    *observation.CaseRules
	// Holders have the case. They are several when lane and centre took it and did not know of each other.
	Holders []Hold
	// Verdicts are in force. Several that differ are a dispute.
	Verdicts    []Verdict
	Secondary   *Secondary // the last one; nil for none
	Attachments []Attachment
	History     []Entry // in the order in which the rows count

	heads  map[string]int64 // last row of each journal
	stale  []Ref            // verdicts that did not know of all these rows do not count
	bare   Ref              // row that took its last alarm
	resume State            // after a secondary inspection
	again  bool             // it was reopened
}

// Revision counts the rows of a case: who decides says which revision they saw.
func (c *Case) Revision() int { return len(c.History) }

// Heads is what is known of a case at this moment: the last row of each journal. A new event carries it.
func (c *Case) Heads() []*observation.CaseSeen {
	var out []*observation.CaseSeen
	for j, idx := range c.heads {
		out = append(out, &observation.CaseSeen{Journal: []byte(j), Idx: idx})
	}
	slices.SortFunc(out, func(a, b *observation.CaseSeen) int { return strings.Compare(string(a.Journal), string(b.Journal)) })
	return out
}

// Neutrons reports whether a neutron alarm is among the alarms.
func (c *Case) Neutrons() bool {
	return slices.ContainsFunc(c.Alarms, func(a *observation.CaseAlarm) bool { return a.Neutron })
}

// NeedsSecond reports whether a verdict has to be confirmed by a second person.
func (c *Case) NeedsSecond(v *observation.CaseVerdict) bool {
	r := c.Rules
	return slices.Contains(r.GetSecondCodes(), v.GetCode()) || r.GetSecondNeutrons() && c.Neutrons() ||
		v.GetImage() != "" && slices.Contains(r.GetSecondWords(), v.GetImage()) ||
		v.GetSwab() != "" && slices.Contains(r.GetSecondWords(), v.GetSwab())
}

// Verdict returns the verdict in force; nil while there is none, or several that differ.
func (c *Case) Verdict() *Verdict {
	if len(c.Verdicts) == 0 || c.State == Disputed {
		return nil
	}
	return &c.Verdicts[len(c.Verdicts)-1]
}

// Changed returns the time of the last row.
func (c *Case) Changed() time.Time {
	last := c.Opened
	for i := range c.History {
		if c.History[i].Time.After(last) {
			last = c.History[i].Time
		}
	}
	return last
}

// Deadline returns until when something has to be done about a case: the lane's time from the opening on, or the
// expert's from the question for a second or third opinion on. It is zero for a settled one.
func (c *Case) Deadline() time.Time {
	switch {
	case c.State.Settled():
		return time.Time{}
	case c.State == SecondAsked || c.State == Disputed:
		return c.Since.Add(time.Duration(c.Rules.GetExpertS()) * time.Second)
	case c.again:
		return c.Since.Add(time.Duration(c.Rules.GetLaneS()) * time.Second)
	}
	return c.Opened.Add(time.Duration(c.Rules.GetLaneS()) * time.Second)
}

// Overdue reports whether the deadline is over.
func (c *Case) Overdue(now time.Time) bool {
	d := c.Deadline()
	return !d.IsZero() && now.After(d)
}

// MaxSeverity is the largest severity.
const MaxSeverity = 4

// Severity orders cases on pages, from 1 to MaxSeverity: neutrons, nuclides that are no natural ones or a threat, other
// alarms, natural nuclides only.
func (c *Case) Severity() int {
	most := 1
	for _, a := range c.Alarms {
		most = max(most, severity(a))
	}
	return most
}

func severity(a *observation.CaseAlarm) int {
	natural := len(a.Nuclides) > 0
	for _, n := range a.Nuclides {
		natural = natural && observation.NaturalNuclide(n.Name)
	}
	switch {
	case a.Neutron:
		return MaxSeverity
	case len(a.Found) > 0, len(a.Nuclides) > 0 && !natural:
		return 3
	case natural:
		return 1
	}
	return 2
}

// IsRadiation reports whether an alarm is of a radiation instrument.
func IsRadiation(a *observation.CaseAlarm) bool { return family(a) == "radiation" }

// IsImage reports whether an alarm is of an image.
func IsImage(a *observation.CaseAlarm) bool { return family(a) == "xray" }

// IsSwab reports whether an alarm is of a swab.
func IsSwab(a *observation.CaseAlarm) bool { return family(a) == "trace" }

func family(a *observation.CaseAlarm) string {
	name, _, _ := strings.Cut(observation.Kind(a.Kind).Name(), ".")
	return name
}
