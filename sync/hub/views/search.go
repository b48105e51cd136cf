package views

import (
	"database/sql/driver"
	"math"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
)

// Search says which passages are looked for; the zero Search is all of them. Its conditions hold together.
type Search struct {
	Names       map[string]string // by kind: observation.PlateName, ContainerName, TagName, CodeName
	Any         string            // a name of any of these kinds
	ID          string            // of the passage
	Site, Agent string
	Sites       []string // one of these; none for all
	Lane        string
	Outcome     string // of the decision in force
	Alarm       bool   // only with an alarm, or with one that may be theirs
	From, To    time.Time
}

// Place is a place in a list that is ordered by time, newest first. The zero Place is its beginning.
type Place struct {
	At int64 // ns UTC
	No int64
}

// first is before everything.
var first = Place{math.MaxInt64, math.MaxInt64}

// Found is a passage as lists show it.
type Found struct {
	store.Sender
	Document *observation.PassageClosed
	Outcome  string // of the decision in force, "" for none
}

// maxLooked bounds the passages that one page looks at, as its limit times this.
const maxLooked = 10

// Passages returns a page of passages, newest first, and where the next one begins; nil after the last. A page looks
// at ten times as many passages as it may have, so that it may have fewer, or none, and a next one.
func (v *Views) Passages(s Search, after Place, limit int) (out []Found, next *Place, err error) {
	if !v.there() {
		return nil, nil, nil
	}
	if after == (Place{}) {
		after = first
	}
	for looked := 0; looked < maxLooked*limit; {
		page, err := v.page(&s, after, limit)
		if err != nil {
			return nil, nil, err
		}
		for i := range page {
			p := &page[i]
			after = Place{p.opened, p.no}
			one, err := v.found(p)
			if err != nil {
				return nil, nil, err
			}
			if s.fits(&one) {
				out = append(out, one)
			}
			if len(out) == limit {
				return out, &after, nil
			}
		}
		if looked += len(page); len(page) < limit {
			return out, nil, nil
		}
	}
	return out, &after, nil
}

// page returns rows of the table that fit as far as it says.
func (v *Views) page(s *Search, after Place, limit int) (out []passage, err error) {
	if before := s.To.UnixNano(); !s.To.IsZero() && before < after.At {
		after = Place{before, 0} // an index is read from there on
	}
	hashes := s.hashes(v)
	if len(hashes) == 0 {
		return v.pageOf("view_passage p", "", nil, s, after, limit)
	}
	err = v.eachNameDays(s.since(), after.At, func(days []driver.Value) (more bool, err error) {
		where := "n.day IN (" + places(len(days)) + ") AND n.hash IN (" + places(len(hashes)) + ") AND p.no=n.no AND "
		args := append(slices.Clone(days), hashes...)
		some, err := v.pageOf("view_name n CROSS JOIN view_passage p", where, args, s, after, limit-len(out))
		out = append(out, some...)
		return len(out) < limit, err
	})
	return out, err
}

// since returns the time, ns UTC, after which passages are looked for. What is known by a decision alone has no time yet.
func (s *Search) since() int64 {
	if s.From.IsZero() {
		return 0
	}
	return max(0, s.From.UnixNano()-1)
}

// pageOf returns rows from tables, for which a condition holds beside those of the search.
func (v *Views) pageOf(from, where string, args []driver.Value, s *Search, after Place, limit int) (out []passage, err error) {
	where += "(p.opened, p.no) < (?, ?) AND p.opened>?"
	args = append(slices.Clone(args), after.At, after.No, s.since())
	add := func(condition string, value ...driver.Value) {
		where, args = where+" AND "+condition, append(args, value...)
	}
	if s.ID != "" {
		add("p.id=?", s.ID)
	}
	if s.Site != "" {
		add("p.site=?", s.Site)
	}
	if len(s.Sites) > 0 {
		add("p.site IN ("+places(len(s.Sites))+")", texts(s.Sites)...)
	}
	if s.Lane != "" {
		add("p.lane=?", s.Lane)
	}
	if s.Outcome != "" {
		add("p.outcome=? AND p.outcome<>''", s.Outcome)
		if s.Outcome != usualOutcome {
			add("p.outcome<>'" + usualOutcome + "'") // as the index has it
		}
	}
	if s.Alarm {
		add("p.alarm>0")
	}
	if s.Agent != "" {
		add("p.owner IN (SELECT id FROM journal WHERE agent=?)", s.Agent)
	}
	err = v.query("SELECT "+passageColumnsOf("p")+" FROM "+from+" WHERE "+where+" ORDER BY p.opened DESC, p.no DESC LIMIT ?",
		func(r []driver.Value) error {
			k, p := scanPassage(r)
			out = append(out, passage{passageKey: k, passageRow: p})
			return nil
		}, append(args, int64(limit))...)
	return out, err
}

// nameDays bounds the days in which names are looked for at once.
const nameDays = 64

// eachNameDays calls f with the days after a time and up to another in which there may be names, newest first, some at
// once and always as many, until it returns false.
func (v *Views) eachNameDays(since, upTo int64, f func(days []driver.Value) (more bool, err error)) error {
	var first, last int64
	for _, one := range []struct {
		order string
		day   *int64
	}{{"", &first}, {" DESC", &last}} {
		day, err := integer(v.ledger.Derived(), "SELECT day FROM view_name ORDER BY day"+one.order+" LIMIT 1")
		if err != nil {
			return err
		}
		*one.day = day
	}
	first, last = max(first, dayOf(since)), min(last, dayOf(upTo))
	for day := last; day >= first; day -= nameDays {
		days := make([]driver.Value, nameDays)
		for i := range days {
			days[i] = max(day-int64(i), first)
		}
		if more, err := f(days); err != nil || !more {
			return err
		}
	}
	return nil
}

// hashes returns those of the first name that is looked for, of each kind that it may be. Others are held against
// what is found.
func (s *Search) hashes(v *Views) (out []driver.Value) {
	for _, kind := range nameKinds {
		name := s.Names[kind]
		if name == "" && len(s.Names) == 0 {
			name = s.Any
		}
		if h := hashOf(v.ledger.Sealer(), kind, name); h != 0 {
			out = append(out, h)
			if len(s.Names) > 0 {
				return out
			}
		}
	}
	return out
}

// fits holds a passage against the names that are looked for.
func (s *Search) fits(f *Found) bool {
	for kind, name := range s.Names {
		if name != "" && !isNamed(f.Document, kind, name) {
			return false
		}
	}
	return s.Any == "" || slices.ContainsFunc(nameKinds, func(kind string) bool { return isNamed(f.Document, kind, s.Any) })
}

// found reads a passage's document.
func (v *Views) found(p *passage) (out Found, err error) {
	out.Outcome = p.outcome
	if out.Sender, err = v.senderOf(p.owner); err != nil {
		return out, err
	}
	out.Document, err = v.documentOf(p)
	return out, err
}

// documentOf folds a passage's document from the rows that the table names.
func (v *Views) documentOf(p *passage) (*observation.PassageClosed, error) {
	indices := p.statements
	if p.closed >= 0 {
		indices = append(slices.Clone(indices), p.closed)
	}
	rows, err := v.rawRows(p.owner, indices)
	if err != nil {
		return nil, err
	}
	naming := func(indices []int64) (map[int64]*row, error) { return v.rawRows(p.owner, indices) }
	return foldRows(p.id, p.passageRow, rows, naming, (*row).values)
}

// Passage is all that is held of one passage.
type Passage struct {
	Found
	Owner        int64                              // journal
	Observations map[int64]*observation.Observation // of its readings and of those that may be its own, by row
	Decision     *observation.ClearanceDecision     // in force, nil for none
	Overrides    []*observation.Observation         // clearance.override of its presentation, in order
}

// Passage returns a passage of an agent; ErrNone when there is none.
func (v *Views) Passage(of store.Sender, id string) (out Passage, err error) {
	p, err := v.lookUp(of, id)
	if err != nil {
		return out, err
	}
	if out.Found, err = v.found(p); err != nil {
		return out, err
	}
	var indices []int64
	for _, r := range append(slices.Clone(out.Document.Readings), out.Document.Possible...) {
		indices = append(indices, r.Idx)
	}
	out.Owner = p.owner
	if out.Observations, err = v.rows(p.owner, indices); err != nil || p.decision() < 0 {
		return out, err
	}
	rows, err := v.rows(p.owner, []int64{p.decision()})
	if err != nil || rows[p.decision()] == nil {
		return out, err
	}
	presentation := rows[p.decision()].Body.GetClearanceDecision().GetPresentation()
	d, err := v.decision("presentation=? AND owner=? AND idx=?", presentation, p.owner, p.decision())
	if err == nil && len(d) > 0 {
		out.Decision, out.Overrides = d[0].Decision, d[0].Overrides
	}
	return out, err
}

// Preview returns the SHA-256 of the newest small X-ray picture of a passage, nil when there is none.
func (v *Views) Preview(of store.Sender, id string) (sum []byte, err error) {
	p, err := v.lookUp(of, id)
	if err != nil {
		return nil, err
	}
	d, err := v.documentOf(p)
	if err != nil {
		return nil, err
	}
	return previewIn(d), nil
}

func previewIn(d *observation.PassageClosed) (sum []byte) {
	for _, r := range append(slices.Clone(d.GetReadings()), d.GetPossible()...) {
		if r.Kind == uint32(observation.Kind_KIND_XRAY_PREVIEW) && len(r.Artifacts) > 0 {
			sum = r.Artifacts[0]
		}
	}
	return sum
}

// lookUp finds a passage's row.
func (v *Views) lookUp(of store.Sender, id string) (found *passage, err error) {
	if !v.there() {
		return nil, ErrNone
	}
	owners, err := v.journalsOf(of)
	if err != nil {
		return nil, err
	}
	err = v.query("SELECT "+passageColumnsOf("p")+" FROM view_passage p WHERE p.id=? ORDER BY p.no", func(r []driver.Value) error {
		if k, row := scanPassage(r); slices.Contains(owners, k.owner) {
			found = &passage{passageKey: k, passageRow: row}
		}
		return nil
	}, id)
	if err == nil && found == nil {
		err = ErrNone
	}
	return found, err
}

// Decided is a decision about a vehicle, with what officers said.
type Decided struct {
	store.Sender
	Decision  *observation.ClearanceDecision
	Overrides []*observation.Observation // clearance.override, in order
}

// DecisionSearch says which decisions are looked for.
type DecisionSearch struct {
	Site, Agent, Lane, Outcome string
	Sites                      []string // one of these; none for all
	From, To                   time.Time
}

// places returns n places for values in a statement.
func places(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func texts(all []string) (out []driver.Value) {
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

// Decisions returns a page of decisions, of each presentation the newest, newest first, and where the next page
// begins; nil after the last.
func (v *Views) Decisions(s DecisionSearch, after Place, limit int) (out []Decided, next *Place, err error) {
	if !v.there() {
		return nil, nil, nil
	}
	if after == (Place{}) {
		after = first
	}
	if before := s.To.UnixNano(); !s.To.IsZero() && before < after.At {
		after = Place{before, 0}
	}
	where, args := "(at, owner) < (?, ?) AND idx>=0", []driver.Value{after.At, after.No}
	for _, c := range []struct{ column, value string }{{"site", s.Site}, {"lane", s.Lane}, {"outcome", s.Outcome}} {
		if c.value != "" {
			where, args = where+" AND "+c.column+"=?", append(args, c.value)
		}
	}
	if s.Outcome != "" && s.Outcome != usualOutcome {
		where += " AND outcome<>'" + usualOutcome + "'" // as the index has it
	}
	if len(s.Sites) > 0 {
		where, args = where+" AND site IN ("+places(len(s.Sites))+")", append(args, texts(s.Sites)...)
	}
	if s.Agent != "" {
		where, args = where+" AND owner IN (SELECT id FROM journal WHERE agent=?)", append(args, s.Agent)
	}
	if !s.From.IsZero() {
		where, args = where+" AND at>=?", append(args, s.From.UnixNano())
	}
	return v.decisionPage(where+" ORDER BY at DESC, owner DESC LIMIT ?", limit, append(args, int64(limit))...)
}

// decision returns decisions of the table, with their rows.
func (v *Views) decision(where string, args ...driver.Value) ([]Decided, error) {
	out, _, err := v.decisionPage(where, 0, args...)
	return out, err
}

// decisionPage returns decisions of the table, with their rows, and, when there are as many as limit, where the next
// page begins. One whose row cannot be read is left out.
func (v *Views) decisionPage(where string, limit int, args ...driver.Value) (out []Decided, next *Place, err error) {
	type one struct {
		presentationKey
		presentationRow
	}
	var all []one
	err = v.query("SELECT "+decisionColumns+" FROM view_decision WHERE "+where, func(r []driver.Value) error {
		k, row := scanDecision(r)
		all = append(all, one{k, row})
		return nil
	}, args...)
	for _, d := range all {
		if err != nil {
			return nil, nil, err
		}
		var rows map[int64]*observation.Observation
		if rows, err = v.rows(d.owner, append(slices.Clone(d.overrides), d.idx)); err != nil {
			return nil, nil, err
		}
		made := Decided{}
		if made.Sender, err = v.senderOf(d.owner); err != nil {
			return nil, nil, err
		}
		if made.Decision = rows[d.idx].GetBody().GetClearanceDecision(); made.Decision == nil {
			continue
		}
		for _, idx := range d.overrides {
			if o := rows[idx]; o != nil {
				made.Overrides = append(made.Overrides, o)
			}
		}
		out = append(out, made)
	}
	if limit > 0 && len(all) == limit {
		last := &all[limit-1]
		next = &Place{last.at, last.owner}
	}
	return out, next, err
}
