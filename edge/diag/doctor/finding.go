package doctor

import (
	"cmp"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// Finding is one thing that is wrong, as data: its code never changes, while its texts are in the
// catalogue.
type Finding struct {
	Subject []string        // devices, or one of the subjects below
	What    message.Message // its code is the cause, a word that stays the same: "port-closed"
	Seen    message.Message // the evidence; the zero Message for none
	host    string          // of a network finding: many devices there have one cause
}

// Subjects that are no devices.
const (
	agentSubject   = "agent"
	machineSubject = "machine"
	uplinkSubject  = "uplink"
)

// Severity returns how bad the finding is, as the catalogue declares it for its code.
func (f Finding) Severity() message.Severity {
	c, _ := message.CauseOf(f.What.Code)
	return c.Severity
}

// Shown is a finding in one language, as --json has it.
type Shown struct {
	Cause    string   `json:"cause"`    // a word that stays the same: "port-closed"
	Severity string   `json:"severity"` // fault, warning or info
	Subject  []string `json:"subject"`  // devices, "uplink", "agent", "machine"
	Text     string   `json:"text"`     // what is wrong
	Seen     string   `json:"seen,omitempty"`
	Do       string   `json:"do"`                // the cure
	Warning  bool     `json:"warning,omitempty"` // nothing fails because of it yet
}

// In returns the finding in a language, with what to do about it.
func (f Finding) In(l message.Language) Shown {
	severity := f.Severity()
	return Shown{
		Cause: f.What.Code, Severity: severity.String(), Subject: f.Subject, Text: f.What.In(l), Seen: f.Seen.In(l),
		Do: f.What.Do().In(l), Warning: severity != message.Fault,
	}
}

// merge makes one finding of those that several devices at one host share: one cable is one
// finding, however many devices are behind it.
func merge(in []Finding) (out []Finding) {
	for _, f := range in {
		i := slices.IndexFunc(out, func(o Finding) bool {
			return o.host != "" && o.host == f.host && o.What.Equal(f.What)
		})
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Subject = append(out[i].Subject, f.Subject...)
	}
	return out
}

// breadth ranks a finding by how much of the lane it concerns: 0 for the agent, without which
// nothing works, then the machine, devices, and the link, without which the lane goes on.
func (f Finding) breadth() int {
	i := slices.Index([]string{agentSubject, machineSubject, "", uplinkSubject}, f.Subject[0])
	if i < 0 {
		return 2 // a device
	}
	return i
}

// follows returns the length of the longest chain of other findings that lead to f, by the causes
// that the catalogue declares: 0 for a finding that none of them explains. The catalogue has no
// circles; its tests see to that.
func follows(f Finding, all []Finding) int {
	deepest := 0
	for _, o := range all {
		if message.Explains(o.What.Code, f.What.Code) {
			deepest = max(deepest, 1+follows(o, all))
		}
	}
	return deepest
}

// order sorts faults before warnings, of which nothing fails yet; then what explains others before
// what follows from it; of equals, what concerns more of the lane comes first. The order is the
// same each time.
func order(all []Finding) []Finding {
	depth := map[string]int{}
	for _, f := range all {
		depth[f.What.Code] = follows(f, all)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity(), a.Severity()),
			cmp.Compare(depth[a.What.Code], depth[b.What.Code]),
			cmp.Compare(a.breadth(), b.breadth()),
			cmp.Compare(len(b.Subject), len(a.Subject)),
			strings.Compare(strings.Join(a.Subject, " "), strings.Join(b.Subject, " ")))
	})
	return all
}
