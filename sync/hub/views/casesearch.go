package views

import (
	"database/sql/driver"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// CaseSearch says which cases are looked for; the zero CaseSearch is all of them. Its conditions hold together.
type CaseSearch struct {
	Site, Agent string
	Sites       []string // one of these; none for all
	Open        bool     // only those that are not settled, the worst and then the oldest first; else the newest first
	From, To    time.Time
	After       CasePlace // of those that are not asked for as open ones
}

// CasePlace is a place in a list of cases, newest first. The zero CasePlace is its beginning.
type CasePlace struct {
	At int64 // ns UTC
	ID string
}

// CaseFound is a case as the table has it.
type CaseFound struct {
	CaseKey
	OpenedNs int64
	Changed  int64 // seq of its last row
}

// Cases returns cases, at most limit.
func (v *Views) Cases(s CaseSearch, limit int) (out []CaseFound, err error) {
	if !v.there() {
		return nil, nil
	}
	where, args := "opened>0", []driver.Value{}
	add := func(condition string, values ...driver.Value) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	order := " ORDER BY opened DESC, id DESC LIMIT ?"
	if s.Open {
		where, order = "open=1", " ORDER BY severity DESC, opened, id LIMIT ?"
	}
	if s.Site != "" {
		add("site=?", s.Site)
	}
	if s.Agent != "" {
		add("agent=?", s.Agent)
	}
	if len(s.Sites) > 0 {
		add("site IN ("+places(len(s.Sites))+")", texts(s.Sites)...)
	}
	if !s.From.IsZero() {
		add("opened>=?", s.From.UnixNano())
	}
	if !s.To.IsZero() {
		add("opened<?", s.To.UnixNano())
	}
	if s.After != (CasePlace{}) {
		add("(opened, id) < (?, ?)", s.After.At, s.After.ID)
	}
	err = v.query("SELECT site, agent, id, opened, changed FROM view_case WHERE "+where+order, func(r []driver.Value) error {
		out = append(out, CaseFound{
			CaseKey:  CaseKey{store.Sender{Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1])}, sqlog.Text(r[2])},
			OpenedNs: sqlog.Int64(r[3]), Changed: sqlog.Int64(r[4]),
		})
		return nil
	}, append(args, int64(limit))...)
	return out, err
}

// CaseChanged returns the seq of the last row of a case; 0 for a case that is not there.
func (v *Views) CaseChanged(k CaseKey) (int64, error) {
	if !v.there() {
		return 0, nil
	}
	return integer(v.ledger.Derived(), "SELECT changed FROM view_case WHERE site=? AND agent=? AND id=?", k.Site, k.Agent, k.ID)
}

// CaseEvents returns the events of a case, with what people wrote as they are to be read.
func (v *Views) CaseEvents(k CaseKey) ([]cases.Event, error) {
	if !v.there() {
		return nil, nil
	}
	return caseEvents(v.ledger.Derived(), k, v.rawRows, (*row).values)
}

// CasesSaid returns up to which row of a journal of the hub's the tables have what was said in cases; -1 for none.
func (v *Views) CasesSaid(journal []byte) (int64, error) {
	if !v.there() {
		return -1, nil
	}
	n, err := integer(v.ledger.Derived(), `SELECT max(r.idx)+1 FROM view_case_row r JOIN journal j ON j.id=r.owner
		WHERE j.journal=?`, journal)
	return n - 1, err
}

// CaseWaits returns how many rows of hubs' journals about a case there are of which no copy has come from the lane.
func (v *Views) CaseWaits(k CaseKey) (int64, error) {
	if !v.there() {
		return 0, nil
	}
	return integer(v.ledger.Derived(), "SELECT count(*) FROM view_case_row WHERE site=? AND agent=? AND id=? AND waits=1",
		k.Site, k.Agent, k.ID)
}

// CasesVersion returns a number that grows with each row about any case.
func (v *Views) CasesVersion() (int64, error) {
	if !v.there() {
		return 0, nil
	}
	return integer(v.ledger.Derived(), "SELECT max(changed) FROM view_case")
}

// Vehicle returns a passage as lists show it, and the SHA-256 of its newest small X-ray picture, nil for none; ErrNone when
// there is no such passage.
func (v *Views) Vehicle(of store.Sender, id string) (f Found, preview []byte, err error) {
	p, err := v.lookUp(of, id)
	if err != nil {
		return f, nil, err
	}
	f, err = v.found(p)
	return f, previewIn(f.Document), err
}

// NewestJournal returns the id of the journal with which an agent last said hello; nil for an agent that never did.
func (v *Views) NewestJournal(of store.Sender) (id []byte, err error) {
	err = v.query("SELECT journal FROM journal WHERE site=? AND agent=? ORDER BY hello DESC, id DESC LIMIT 1",
		func(r []driver.Value) error {
			id = sqlog.Bytes(r[0])
			return nil
		}, of.Site, of.Agent)
	return id, err
}

// Untold is a row of a hub's journal about a case of which no copy has come from the lane.
type Untold struct {
	CaseKey
	Said *observation.CaseEvent // with its origin
}

// UntoldCases returns what was said in cases in a journal of the hub's and the lanes have no copy of, oldest first, at
// most limit.
func (v *Views) UntoldCases(journal []byte, limit int) (out []Untold, err error) {
	if !v.there() {
		return nil, nil
	}
	owner, err := integer(v.ledger.Derived(), "SELECT id FROM journal WHERE journal=?", journal)
	if err != nil || owner == 0 {
		return nil, err
	}
	var indices []int64
	keys := map[int64]CaseKey{}
	err = v.query(`SELECT idx, site, agent, id FROM view_case_row WHERE owner=? AND waits=1 ORDER BY idx LIMIT ?`,
		func(r []driver.Value) error {
			idx := sqlog.Int64(r[0])
			indices = append(indices, idx)
			keys[idx] = CaseKey{store.Sender{Site: sqlog.Text(r[1]), Agent: sqlog.Text(r[2])}, sqlog.Text(r[3])}
			return nil
		}, owner, int64(limit))
	if err != nil {
		return nil, err
	}
	rows, err := v.rawRows(owner, indices)
	for _, idx := range indices {
		r := rows[idx]
		if r == nil {
			continue
		}
		if b, err := r.values(); err == nil && b.GetCaseEvent() != nil {
			said := b.GetCaseEvent()
			said.Origin = &observation.CaseOrigin{Journal: journal, Idx: idx, TimeNs: r.at().UnixNano()}
			out = append(out, Untold{keys[idx], said})
		}
	}
	return out, err
}
