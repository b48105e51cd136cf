package api

import (
	"encoding/hex"
	"slices"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
)

// CasesQuery is the request of GET /v1/cases.
type CasesQuery struct {
	State string `query:"state" enum:"open"` // only cases that are not settled
}

// CaseQuery is the request of GET /v1/cases/{id}.
type CaseQuery struct {
	ID string `path:"id"` // of the case: that of its passage
}

// CaseList is the answer of GET /v1/cases.
type CaseList struct {
	// Cases are open ones first, the worst and then the oldest of them first, and then the last ones that are settled.
	Cases []Case `json:"cases"`
}

// Case is the adjudication of the alarms of a passage (docs/cases.md).
type Case struct {
	ID       string       `json:"id"` // that of its passage
	Lane     string       `json:"lane"`
	State    string       `json:"state"`
	Called   message.Text `json:"called"` // the state in words
	Open     bool         `json:"open"`   // it holds the vehicle
	Opened   time.Time    `json:"opened"`
	Since    time.Time    `json:"since"` // of the state
	Deadline time.Time    `json:"deadline,omitzero"`
	Overdue  bool         `json:"overdue"`
	Severity int          `json:"severity"` // 1 to 4
	Cause    kinds.Text   `json:"cause"`    // in one sentence
	// Revision is sent back by who decides, confirms, overrules or reopens: they saw this.
	Revision    int              `json:"revision"`
	Alarms      []CaseAlarm      `json:"alarms"`
	Holders     []CasePerson     `json:"holders"`  // several when lane and centre took it at the same time
	Verdicts    []CaseVerdict    `json:"verdicts"` // in force; several that differ are a dispute
	Secondary   *CaseSecondary   `json:"secondary,omitempty"`
	Attachments []CaseAttachment `json:"attachments"`
	// Blind: the reader is to judge without knowing what others have said; that is left out until their own word is
	// on record.
	Blind   bool        `json:"blind,omitempty"`
	History []CaseEntry `json:"history,omitempty"` // of a single case
}

// CaseAlarm is an alarm of a case.
type CaseAlarm struct {
	Row      int64      `json:"row"`
	Device   string     `json:"device"`
	Kind     string     `json:"kind"`
	Station  string     `json:"station"`
	At       time.Time  `json:"at"`
	Other    string     `json:"other,omitempty"` // passage of which it may be as well
	Cause    kinds.Text `json:"cause"`
	Nuclides []string   `json:"nuclides"`
}

// CasePerson is who did something, and when.
type CasePerson struct {
	By     string    `json:"by"`
	Role   string    `json:"role"`
	Centre bool      `json:"centre"` // at the centre
	At     time.Time `json:"at"`
}

// CaseVerdict is what somebody decided.
type CaseVerdict struct {
	CasePerson
	Action string     `json:"action"`
	Called kinds.Text `json:"called"` // the verdict in words
	CaseFinding
}

// CaseFinding is what somebody holds of the alarms.
type CaseFinding struct {
	Code     uint32   `json:"code,omitempty"`     // 1 to 11; absent for none
	Image    string   `json:"image,omitempty"`    // clear, suspect or unreadable
	Swab     string   `json:"swab,omitempty"`     // confirmed, innocent-source or contamination
	Source   string   `json:"source,omitempty"`   // of an innocent source: what it is
	Nuclides []string `json:"nuclides,omitempty"` // N42 names: K-40
	Quantity float64  `json:"quantity,omitempty"`
	Unit     string   `json:"unit,omitempty"` // of quantity: Bq, kBq, MBq, GBq, g, kg, l or pieces
}

// CaseSecondary is an inspection that was asked for.
type CaseSecondary struct {
	CasePerson
	Station string     `json:"station,omitempty"`
	Exams   []string   `json:"exams,omitempty"`
	Done    time.Time  `json:"done,omitzero"`
	Result  kinds.Text `json:"result"`
}

// CaseAttachment is an artifact of a case, or a part of an image.
type CaseAttachment struct {
	SHA256 string    `json:"sha256"` // hexadecimal
	Media  string    `json:"media_type,omitempty"`
	Row    int64     `json:"row,omitempty"` // of the lane's journal; absent for none
	Boxes  []CaseBox `json:"boxes,omitempty"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// CaseBox is a region that somebody drew on an image: two corners of a box, or the corners of a polygon.
type CaseBox struct {
	Label string    `json:"label,omitempty"`
	X     []float32 `json:"x"` // pixels from the left
	Y     []float32 `json:"y"` // pixels from the top
}

// CaseEntry is one row of a case.
type CaseEntry struct {
	Row    int64      `json:"row"` // at this end
	At     time.Time  `json:"at"`
	Centre bool       `json:"centre"`
	State  string     `json:"state"` // afterwards
	Text   kinds.Text `json:"text"`
	// Refusal says why the row changed nothing: the other end had gone on.
	Refusal *message.Text `json:"refusal,omitempty"`
}

// CaseAct is the request of POST /v1/cases/{id}/events.
type CaseAct struct {
	ID     string `path:"id" json:"-"` // of the case
	Action string `json:"action"`      // take, hand-back, comment, attach, ask-secondary, secondary-result, decide, ...
	// Revision is that of the case which was shown; needed to decide, confirm, overrule, reopen and to ask for a second
	// opinion.
	Revision int    `json:"revision,omitempty"`
	Key      string `json:"key,omitempty"` // the client's name of the request: the same again counts once
	By       string `json:"by,omitempty"`  // who says so; the signed-in user's name replaces it
	CaseFinding
	Station     string           `json:"station,omitempty"` // of the secondary inspection
	Exams       []string         `json:"exams,omitempty"`   // that are asked for
	Notes       string           `json:"notes,omitempty"`
	Reason      string           `json:"reason,omitempty"` // for a change
	Attachments []CaseAttachment `json:"attachments,omitempty"`
}

// CasePhoto is the request of POST /v1/cases/{id}/photos. The body is the picture.
type CasePhoto struct {
	ID  string `path:"id"`   // of the case
	Key string `query:"key"` // the client's name of the request: the same again counts once
	By  string `query:"by"`  // who says so; the signed-in user's name replaces it
}

// PhotoEvent returns the event that attaches a photo, without the photo.
func PhotoEvent(id, key, by, role string, centre bool) *observation.CaseEvent {
	return &observation.CaseEvent{
		Id: id, Action: observation.CaseEvent_ACTION_ATTACH, By: by, Role: role, Centre: centre, Key: key,
	}
}

// Event returns the event that a request asks for. An error names an action that there is not.
func (a *CaseAct) Event(by, role string, centre bool) (*observation.CaseEvent, error) {
	action, ok := cases.ActionOf(a.Action)
	if !ok {
		return nil, NewProblem(BadRequest, message.New("cases.unknown-action", message.Quoted("action", a.Action),
			message.Names("actions", cases.Actions())))
	}
	out := &observation.CaseEvent{
		Id: a.ID, Action: action, By: by, Role: role, Centre: centre, Station: a.Station, Key: a.Key, Notes: a.Notes, Reason: a.Reason,
		Exams: a.Exams,
	}
	if f := a.CaseFinding; f.Code > 0 || f.Image != "" || f.Swab != "" || f.Quantity != 0 || f.Unit != "" || len(f.Nuclides) > 0 {
		out.Verdict = &observation.CaseVerdict{
			Code: f.Code, Image: f.Image, Swab: f.Swab, Source: f.Source, Nuclides: f.Nuclides, Quantity: f.Quantity, Unit: f.Unit,
		}
	}
	for _, one := range a.Attachments {
		var sum Hash
		if err := sum.UnmarshalText([]byte(one.SHA256)); err != nil {
			return nil, ProblemOf(BadRequest, err)
		}
		att := &observation.CaseAttachment{Sha256: sum[:], MediaType: one.Media, Row: one.Row}
		for _, b := range one.Boxes {
			att.Boxes = append(att.Boxes, &observation.CaseBox{Label: b.Label, X: b.X, Y: b.Y})
		}
		out.Attachments = append(out.Attachments, att)
	}
	return out, nil
}

// CaseOf returns a case as it is shown to a reader at a time, with its history when that is asked for.
func CaseOf(whole *cases.Case, r cases.Reader, now time.Time, history bool) Case {
	c := whole.Shown(r)
	out := Case{
		ID: c.ID, Lane: c.Lane, State: string(c.State), Called: c.State.Message().Text(), Open: !c.State.Settled(),
		Opened: c.Opened, Since: c.Since, Deadline: c.Deadline(), Overdue: c.Overdue(now), Severity: c.Severity(),
		Cause: kinds.CaseCause(c.Alarms), Revision: c.Revision(), Alarms: []CaseAlarm{}, Holders: []CasePerson{},
		Verdicts: []CaseVerdict{}, Attachments: []CaseAttachment{}, Blind: whole.Blind(r),
	}
	for _, a := range c.Alarms {
		out.Alarms = append(out.Alarms, caseAlarm(a))
	}
	for _, h := range c.Holders {
		out.Holders = append(out.Holders, CasePerson{h.By, h.Role, h.Centre, h.At})
	}
	for _, v := range c.Verdicts {
		out.Verdicts = append(out.Verdicts, CaseVerdict{
			CasePerson: CasePerson{v.By, v.Role, v.Centre, v.At}, Action: cases.ActionName(v.Action),
			Called: kinds.CaseVerdict(v.CaseVerdict), CaseFinding: findingOf(v.CaseVerdict),
		})
	}
	if s := c.Secondary; s != nil {
		out.Secondary = &CaseSecondary{
			CasePerson: CasePerson{By: s.By, At: s.At}, Station: s.Station, Exams: s.Exams, Done: s.Done,
			Result: kinds.CaseVerdict(s.Result),
		}
	}
	for _, a := range c.Attachments {
		out.Attachments = append(out.Attachments, attachmentOf(a))
	}
	if history {
		for i := range c.History {
			out.History = append(out.History, entryOf(&c.History[i]))
		}
	}
	return out
}

func caseAlarm(a *observation.CaseAlarm) CaseAlarm {
	out := CaseAlarm{
		Row: a.Idx, Device: a.Device, Kind: observation.Kind(a.Kind).Name(), Station: a.Station,
		At:    time.Unix(0, a.TimeNs).UTC(),
		Other: a.Other, Cause: kinds.CaseCause([]*observation.CaseAlarm{a}), Nuclides: []string{},
	}
	for _, n := range a.Nuclides {
		out.Nuclides = append(out.Nuclides, n.Name)
	}
	return out
}

func findingOf(v *observation.CaseVerdict) CaseFinding {
	return CaseFinding{
		Code: v.GetCode(), Image: v.GetImage(), Swab: v.GetSwab(), Source: v.GetSource(), Nuclides: slices.Clone(v.GetNuclides()),
		Quantity: v.GetQuantity(), Unit: v.GetUnit(),
	}
}

func attachmentOf(a cases.Attachment) CaseAttachment {
	out := CaseAttachment{SHA256: hex.EncodeToString(a.Sha256), Media: a.MediaType, Row: a.Row, By: a.By, At: a.At}
	for _, b := range a.Boxes {
		out.Boxes = append(out.Boxes, CaseBox{Label: b.Label, X: b.X, Y: b.Y})
	}
	return out
}

// SealedText says that a reader is not shown an act yet.
func SealedText(a *observation.CaseEvent) kinds.Text {
	code := "cases.sealed"
	if slices.Contains([]observation.CaseEvent_Action{observation.CaseEvent_ACTION_DECIDE, observation.CaseEvent_ACTION_CONFIRM,
		observation.CaseEvent_ACTION_OVERRULE}, a.Action) {
		code = "cases.sealed-verdict"
	}
	text := message.New(code, message.String("who", a.By)).Text()
	return kinds.Text{EN: text.EN, FR: text.FR}
}

func entryOf(e *cases.Entry) CaseEntry {
	body := e.Body()
	out := CaseEntry{
		Row: e.Row, At: e.Time, Centre: e.Act.GetCentre(), State: string(e.State),
		Text: kinds.Sentence(observation.New(observation.Class_CLASS_EVENT, e.Time, body)),
	}
	if e.Hidden {
		out.Text = SealedText(e.Act)
	}
	if !e.Refusal.IsZero() {
		text := e.Refusal.Text()
		out.Refusal = &text
	}
	return out
}
