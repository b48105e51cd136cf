package cases

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// The journals of the tests.
const (
	lane   = "lane"
	centre = "centre"
)

// roles of the persons of docs/cases.md.
var roles = map[string]string{
	"Ana": "officer", "Bob": "officer", "Tom": "technician", "Eve": "viewer", "Max": "expert", "Sue": "supervisor", "lane": LaneRole,
}

// situations are what stands under "before".
var situations = map[string]string{
	"open": "", "taken": "Ana take", "secondary": "Ana take, Ana ask secondary",
	"secondary done": "Ana take, Ana ask secondary, Ana result 6", "decided": "Ana take, Ana decide 6",
	"second asked": "Ana take, Ana decide 1", "confirmed": "Ana take, Ana decide 1, Bob confirm",
	"overruled": "Ana take, Ana decide 1, Bob overrule 6", "reopened": "Ana take, Ana decide 6, Ana reopen",
	"withdrawn": "lane no alarm",
}

// both is a case with its rows at both ends.
type both struct {
	*testing.T
	events []Event
	rules  *observation.CaseRules
	kind   observation.Kind
	next   map[string]int64
	now    time.Time
}

// newBoth opens a case under rules as the table writes them.
func newBoth(t *testing.T, rules string) *both {
	b := &both{T: t, rules: DefaultRules(), kind: observation.Kind_KIND_RADIATION_OCCUPANCY, next: map[string]int64{}}
	b.now = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	neutron := false
	for _, rule := range strings.Split(rules, ", ") {
		word, rest, _ := strings.Cut(rule, " ")
		switch {
		case rule == "":
		case rule == "neutron alarm":
			neutron = true
		case rule == "neutrons alone":
			b.rules.SecondNeutrons = false
		case rule == "image alarm":
			b.kind = observation.Kind_KIND_XRAY_THREAT_REPORT
		case rule == "swab alarm":
			b.kind = observation.Kind_KIND_TRACE_ANALYSIS
		case rule == "blind":
			b.rules.SecondBlind = true
		case rule == "no second":
			b.rules.SecondCodes = nil
		case strings.HasPrefix(rule, "decide by "):
			b.rules.Decide = []string{strings.TrimPrefix(rule, "decide by ")}
		case strings.HasPrefix(rule, "second by "):
			b.rules.Second = []string{strings.TrimPrefix(rule, "second by ")}
		case strings.HasPrefix(rule, "reopen by "):
			b.rules.Reopen = []string{strings.TrimPrefix(rule, "reopen by ")}
		case word == "second":
			if code, err := strconv.ParseUint(rest, 10, 32); err == nil {
				b.rules.SecondCodes = []uint32{uint32(code)}
			} else {
				b.rules.SecondWords = []string{rest}
			}
		default:
			t.Fatalf("rule %q", rule)
		}
	}
	b.add(lane, &observation.CaseOpened{Id: "p", Lane: "lane-1", Rules: b.rules, Alarms: []*observation.CaseAlarm{
		{Idx: 1, Device: "rpm-1", Kind: uint32(b.kind), Gamma: true, Neutron: neutron},
	}})
	return b
}

// before brings the case into the state that the table begins with.
func (b *both) before(text string) {
	b.Helper()
	first, rest, _ := strings.Cut(text, ", ")
	if first == "disputed" {
		b.apart("Ana decide 6", "Max decide 7")
	} else if steps, ok := situations[first]; ok {
		b.steps(steps)
	} else {
		b.Fatalf("no situation %q", first)
	}
	b.steps(rest)
}

// steps lets persons do things, each knowing all before.
func (b *both) steps(text string) {
	b.Helper()
	for _, step := range strings.Split(text, ", ") {
		if step == "" {
			continue
		}
		who, does, _ := strings.Cut(step, " ")
		if err := b.do(who, does, b.events); err != nil {
			b.Fatalf("%s: %v", step, err)
		}
	}
}

// apart lets things be done at both ends, which do not know of each other.
func (b *both) apart(atLane, atCentre string) {
	b.Helper()
	known, added := slices.Clone(b.events), []Event(nil)
	for end, steps := range map[string]string{lane: atLane, centre: atCentre} {
		b.events = slices.Clone(known)
		for _, step := range strings.Split(steps, ", ") {
			who, does, _ := strings.Cut(step, " ")
			if err := b.doAt(end, who, does, b.events); err != nil {
				b.Fatalf("%s: %v", step, err)
			}
		}
		added = append(added, b.events[len(known):]...)
	}
	b.events = append(known, added...)
}

// do lets somebody do something at their end of the line.
func (b *both) do(who, does string, known []Event) error {
	end := lane
	if slices.Contains([]string{"Max", "Sue"}, who) {
		end = centre
	}
	return b.doAt(end, who, does, known)
}

func (b *both) doAt(end, who, does string, known []Event) error {
	c := Fold(known)
	switch does {
	case "no alarm":
		b.add(end, &observation.CaseAlarms{Id: "p"})
		return nil
	case "alarm image":
		image := &observation.CaseAlarm{Idx: 2, Kind: uint32(observation.Kind_KIND_XRAY_THREAT_REPORT), Device: "xray-1"}
		b.add(end, &observation.CaseAlarms{Id: "p", Alarms: append(slices.Clone(c.Alarms), image)})
		return nil
	case "opens it again":
		b.add(end, &observation.CaseOpened{Id: "p", Lane: "lane-1"})
		return nil
	}
	act := b.parse(who, does)
	act.Centre = end == centre
	if err := c.Check(act); err != nil {
		return err
	}
	if err := c.Allows(Event{Act: act}); err != nil {
		return err
	}
	b.add(end, act)
	return nil
}

// parse reads what is done, as the tables write it.
func (b *both) parse(who, does string) *observation.CaseEvent {
	b.Helper()
	act := &observation.CaseEvent{Id: "p", By: who, Role: roles[who], Notes: "n", Reason: "r"}
	does, without, _ := strings.Cut(does, " without ")
	switch without {
	case "notes":
		act.Notes = ""
	case "reason":
		act.Reason = ""
	}
	verbs := map[string]observation.CaseEvent_Action{
		"take": take, "hand back": handBack, "comment": comment, "attach": attach, "ask secondary": askSecondary, "result": secondaryResult,
		"decide": decide, "ask second": askSecond, "confirm": confirm, "overrule": overrule, "reopen": reopen,
	}
	longest := ""
	for verb := range verbs {
		if strings.HasPrefix(does, verb) && len(verb) > len(longest) {
			longest = verb
		}
	}
	act.Action = verbs[longest]
	if act.Action == attach {
		act.Attachments = []*observation.CaseAttachment{{Sha256: make([]byte, 32)}}
	}
	words := strings.Fields(strings.TrimPrefix(does, longest))
	if slices.Contains([]observation.CaseEvent_Action{decide, overrule, secondaryResult}, act.Action) {
		act.Verdict = &observation.CaseVerdict{}
		for i, w := range words {
			code, err := strconv.ParseUint(w, 10, 32)
			switch {
			case err == nil:
				act.Verdict.Code = uint32(code)
			case w == "image":
				act.Verdict.Image = words[i+1]
			case w == "swab":
				act.Verdict.Swab = words[i+1]
			case act.Verdict.Code > 0:
				act.Verdict.Nuclides = append(act.Verdict.Nuclides, w)
			}
		}
	}
	return act
}

// add journals a row at one end.
func (b *both) add(end string, body proto.Message) {
	b.next[end]++
	b.now = b.now.Add(time.Second)
	e, _ := EventOf([]byte(end), b.next[end], b.now, body)
	b.events = append(b.events, e)
}

// page returns the rows of a table of docs/cases.md, behind a heading.
func page(t *testing.T, heading string, columns int) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cases.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## "+heading+"\n")
	if !found {
		t.Fatalf("docs/cases.md has no %q", heading)
	}
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if len(cells) != columns {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if _, err := strconv.Atoi(cells[0]); err == nil {
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestStateTable runs every row of the state table.
func TestStateTable(t *testing.T) {
	rows := page(t, "State table", 6)
	for i, r := range rows {
		t.Run(strings.Join(r[:4], " "), func(t *testing.T) {
			if r[0] != strconv.Itoa(i+1) {
				t.Errorf("row %d has the number %s", i+1, r[0])
			}
			b := newBoth(t, r[4])
			b.before(r[1])
			err := b.do(r[2], r[3], b.events)
			c := Fold(b.events)
			if sentence, refused := strings.CutPrefix(r[5], "refused: "); refused {
				if err == nil || message.Of(err).English() != sentence {
					t.Errorf("%v, want %q", err, sentence)
				}
				return
			}
			if err != nil || string(c.State) != r[5] {
				t.Errorf("state %q, error %v, want %q", c.State, err, r[5])
			}
		})
	}
	if len(rows) < 60 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestBothEnds runs every row of the table of both ends, in any order of arrival.
func TestBothEnds(t *testing.T) {
	for _, r := range page(t, "Table of both ends", 5) {
		t.Run(strings.Join(r[:4], " "), func(t *testing.T) {
			b := newBoth(t, "")
			b.before(r[1])
			b.apart(r[2], r[3])
			want, by, _ := strings.Cut(r[4], ", by ")
			for range 2 {
				c := Fold(b.events)
				if string(c.State) != want {
					t.Errorf("state %s, want %s", c.State, want)
				}
				if by != "" {
					checkHolders(t, c, strings.Split(by, " and "))
				}
				if len(c.History) != len(b.events) {
					t.Errorf("%d rows of %d", len(c.History), len(b.events))
				}
				slices.Reverse(b.events)
				b.events = append(b.events, b.events...)[:len(b.events)]
			}
		})
	}
}

func checkHolders(t *testing.T, c *Case, want []string) {
	t.Helper()
	var got []string
	for _, h := range c.Holders {
		got = append(got, h.By)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("held by %v, want %v", got, want)
	}
}
