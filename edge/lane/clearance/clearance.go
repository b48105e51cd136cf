package clearance

import (
	"cmp"
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// Decide returns what is to happen with a vehicle. It is pure and total: the same facts, lists and policy give the same
// decision, in whatever order codes were presented, and there is one for every input. Without a policy, or with one that
// names no outcome for a reason, that reason holds. Without lists, all lists are missing.
func Decide(in Input, l Lists, p *policy.Policy) Decision {
	d := newDecider(&in, l, p)
	d.checkSurroundings()
	d.checkShown()
	d.checkShipments()
	d.checkDeclaredWeight()
	d.checkAlarms()
	d.checkStations()
	d.checkTargets()
	d.checkLists()
	rate, selected := d.checkRandom()
	return d.decision(rate, selected)
}

// decider gathers the reasons of one decision.
type decider struct {
	in     *Input
	book   *book
	policy *policy.Policy

	shown     shown
	shipments []*shipment
	reasons   []Reason // of the vehicle as a whole
}

// newDecider resolves what is shown and makes shipments of it.
func newDecider(in *Input, l Lists, p *policy.Policy) *decider {
	if p == nil {
		p = &policy.Policy{}
	}
	if l == nil {
		l = noLists{}
	}
	d := &decider{in: in, book: newBook(l), policy: p}
	d.shown = resolve(&in.Presented, d.book)
	d.shipments = d.makeShipments()
	return d
}

// shipment is one importer's goods, or a container in transit, while it is decided about.
type shipment struct {
	class    policy.Class
	importer string
	ccn      string
	listed   *lists.Shipment // of an announced one; nil when it is not listed

	container string
	transit   *lists.Transit // of a container; nil when it is not listed

	undeclared bool // goods that only the weight tells of
	reasons    []Reason
	rows       []int64
}

// reason returns a reason with what the policy makes of it. An outcome that is none holds.
func (d *decider) reason(c policy.Code, text message.Message, rows ...int64) Reason {
	then := d.policy.Consequence(c)
	r := Reason{Code: c, Outcome: then.Outcome, Exams: slices.Clone(then.Exams), Text: text}
	if r.Outcome.Severity() > Hold.Severity() {
		r.Outcome = Hold
	}
	for _, row := range rows {
		if row != 0 {
			r.Rows = append(r.Rows, row)
		}
	}
	slices.Sort(r.Rows)
	r.Rows = slices.Compact(r.Rows)
	return r
}

// add adds a reason of the vehicle as a whole.
func (d *decider) add(c policy.Code, text message.Message, rows ...int64) {
	d.reasons = append(d.reasons, d.reason(c, text, rows...))
}

// addTo adds a reason of a shipment, and rows on which the shipment rests.
func (d *decider) addTo(s *shipment, c policy.Code, text message.Message, rows ...int64) {
	s.reasons = append(s.reasons, d.reason(c, text, append(rows, s.rows...)...))
}

// decision puts the reasons together.
func (d *decider) decision(rate float64, selected bool) Decision {
	out := Decision{
		Rate: rate, Selected: selected, Lists: slices.Clone(d.book.versions), Policy: d.policy.Name,
		PolicySHA256: d.policy.SHA256, At: d.in.Now,
	}
	all := slices.Clone(d.reasons)
	for _, s := range d.shipments {
		reasons := merged(s.reasons)
		out.Shipments = append(out.Shipments, ShipmentDecision{
			Importer: s.importer, CCN: s.ccn, Container: s.container, Class: s.class, Outcome: worst(reasons),
			Reasons: reasons,
		})
		all = append(all, reasons...)
	}
	out.Reasons = merged(all)
	out.Outcome = worst(out.Reasons)
	var exams []Exam
	for _, r := range out.Reasons {
		exams = append(exams, r.Exams...)
	}
	out.Exams = d.policy.Order(exams)
	return out
}

// worst returns the worst outcome of reasons, RELEASE of none.
func worst(reasons []Reason) Outcome {
	out := Release
	for _, r := range reasons {
		out = policy.Worst(out, r.Outcome)
	}
	return out
}

var places = func() map[policy.Code]int {
	m := map[policy.Code]int{}
	for i, c := range policy.Codes() {
		m[c] = i
	}
	return m
}()

// merged returns reasons in the order in which they are told, worst first, and each once: what two shipments have in
// common rests on the rows of both.
func merged(reasons []Reason) []Reason {
	slices.SortStableFunc(reasons, compareReasons)
	out := reasons[:0:0]
	for _, r := range reasons {
		i := slices.IndexFunc(out, func(o Reason) bool { return o.Code == r.Code && o.Text.Equal(r.Text) })
		if i < 0 {
			out = append(out, r)
			continue
		}
		rows := slices.Concat(out[i].Rows, r.Rows)
		slices.Sort(rows)
		out[i].Rows = slices.Compact(rows)
	}
	return out
}

func compareReasons(a, b Reason) int {
	if c := cmp.Or(b.Outcome.Severity()-a.Outcome.Severity(), places[a.Code]-places[b.Code]); c != 0 {
		return c
	}
	if c := slices.Compare(a.Rows, b.Rows); c != 0 {
		return c
	}
	return cmp.Compare(a.Text.English(), b.Text.English())
}
