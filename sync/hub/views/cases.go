package views

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger/store"
)

// adjudication has one row for each case, folded from all its rows (package cases), and says which rows these are: the
// lane's own, what was said at the centre, and the lane's copies of that.
var adjudication = fold{
	name: "cases", version: 2, tables: []string{"view_case", "view_case_row"},
	schema: `CREATE TABLE IF NOT EXISTS view_case(
	site     TEXT NOT NULL,        -- of the lane
	agent    TEXT NOT NULL,
	id       TEXT NOT NULL,        -- of the passage
	lane     TEXT NOT NULL,
	opened   BIGINT NOT NULL,      -- ns UTC
	open     SMALLINT NOT NULL,    -- 1: it is not settled
	severity SMALLINT NOT NULL,    -- 1 to 4
	state    TEXT NOT NULL,
	since    BIGINT NOT NULL,      -- of the state, ns UTC
	changed  BIGINT NOT NULL,      -- seq of its last row
	code     SMALLINT NOT NULL,    -- of the verdict in force, 0 for none
	image    TEXT NOT NULL,        -- its word for images
	swab     TEXT NOT NULL,        -- and for swabs
	taken    BIGINT NOT NULL,      -- seconds from its opening until it was first taken, -1 for never
	decided  BIGINT NOT NULL,      -- decided
	second   BIGINT NOT NULL,      -- confirmed or overruled
	disputed SMALLINT NOT NULL,    -- 1: verdicts differed at some time
	PRIMARY KEY(site, agent, id)
) CLUSTERED;
CREATE INDEX IF NOT EXISTS view_case_open ON view_case(severity, opened) WHERE open=1;
CREATE INDEX IF NOT EXISTS view_case_time ON view_case(opened, id);
CREATE INDEX IF NOT EXISTS view_case_changed ON view_case(changed);
CREATE TABLE IF NOT EXISTS view_case_row(
	owner  BIGINT NOT NULL,        -- journal.id
	idx    BIGINT NOT NULL,
	site   TEXT NOT NULL,          -- of the case
	agent  TEXT NOT NULL,
	id     TEXT NOT NULL,
	said   BYTES NOT NULL,         -- of a copy: id of the journal that it is a copy of; else empty
	origin BIGINT NOT NULL,        -- of a copy: the row that it is a copy of; else -1
	waits  SMALLINT NOT NULL,      -- 1: it was said at the centre, and no copy has come from the lane
	PRIMARY KEY(owner, idx)
) CLUSTERED;
CREATE INDEX IF NOT EXISTS view_case_row_case ON view_case_row(site, agent, id, owner, idx);
CREATE INDEX IF NOT EXISTS view_case_row_copy ON view_case_row(said, origin) WHERE origin>=0;
CREATE INDEX IF NOT EXISTS view_case_row_waits ON view_case_row(owner, idx) WHERE waits=1;`,
	bodies: cases.Kinds(),
	begin: func(b *batch) folding {
		return &caseFolding{batch: b, touched: map[CaseKey]int64{}, came: map[store.RowRef]*row{}}
	},
}

// CaseKey names a case.
type CaseKey struct {
	store.Sender // of the lane's agent
	ID           string
}

func compareCases(a, b CaseKey) int {
	return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.ID, b.ID))
}

type caseFolding struct {
	*batch
	touched map[CaseKey]int64     // seq of the last row
	came    map[store.RowRef]*row // of the batch
}

func (f *caseFolding) row(r *row) error {
	if !cases.IsKind(r.Kind) {
		return nil
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	from, err := f.sender(r.Owner)
	if err != nil {
		return err
	}
	k := CaseKey{Sender: from}
	e, _ := cases.EventOf(nil, r.Idx, r.at(), body.Typed())
	if k.ID = e.Case(); from == hubjournal.Name { // nobody but the hub speaks for the centre
		k.Sender = store.Sender{Site: e.Act.GetSite(), Agent: e.Act.GetAgent()}
	}
	if err := storable(k.ID, k.Site, k.Agent); err != nil {
		return err
	}
	f.touched[k], f.came[store.RowRef{Owner: r.Owner, Idx: r.Idx}] = r.Seq, r
	if from == hubjournal.Name {
		return f.said(k, r)
	}
	o := e.Act.GetOrigin()
	if o == nil || o.Idx < 0 {
		return f.add(k, r, nil, -1, 0)
	}
	journal := o.Journal[:min(len(o.Journal), maxText)]
	err = f.Exec(`UPDATE view_case_row SET waits=0 WHERE idx=? AND site=? AND agent=?
		AND owner IN (SELECT id FROM journal WHERE journal=?)`, o.Idx, k.Site, k.Agent, journal)
	return errors.Join(err, f.add(k, r, journal, o.Idx, 0))
}

// said takes a row of the hub's own journal. Its copy may have come before it.
func (f *caseFolding) said(k CaseKey, r *row) error {
	copies, err := integer(f, `SELECT count(*) FROM view_case_row c JOIN journal j ON j.journal=c.said
		WHERE j.id=? AND c.origin=? AND c.origin>=0 AND c.site=? AND c.agent=?`, r.Owner, r.Idx, k.Site, k.Agent)
	if err != nil {
		return err
	}
	return f.add(k, r, nil, -1, 1-min(1, copies))
}

func (f *caseFolding) add(k CaseKey, r *row, said []byte, origin, waits int64) error {
	return f.Exec(`INSERT INTO view_case_row(owner, idx, site, agent, id, said, origin, waits) VALUES(?,?,?,?,?,?,?,?)
		ON CONFLICT(owner, idx) DO NOTHING`, r.Owner, r.Idx, k.Site, k.Agent, k.ID, append([]byte{}, said...), origin, waits)
}

func (f *caseFolding) erased(*row) error { return nil } // no table here has notes or reasons

// finish folds the cases of the batch, each from all its rows.
func (f *caseFolding) finish() error {
	for _, k := range sortedFunc(f.touched, compareCases) {
		events, err := caseEvents(f, k, f.read, (*row).body)
		if err != nil {
			return err
		}
		c := cases.Fold(events)
		if c == nil || storable(c.Lane) != nil {
			continue // the row that opens it is still to come
		}
		if err := f.write(k, c); err != nil {
			return err
		}
	}
	return nil
}

// read returns rows of a journal: those of the batch, and others from the ledger.
func (f *caseFolding) read(owner int64, indices []int64) (map[int64]*row, error) {
	came := map[int64]*row{}
	var absent []int64
	for _, idx := range indices {
		if r := f.came[store.RowRef{Owner: owner, Idx: idx}]; r != nil {
			came[idx] = r
		} else {
			absent = append(absent, idx)
		}
	}
	older, err := rowsOf(f, f.sealer, owner, absent)
	maps.Copy(came, older)
	return came, err
}

// writeCase is the statement that replaces a case.
var writeCase = func() string {
	update := ""
	for _, c := range strings.Split(caseColumns, ", ")[3:] {
		update += ", " + c + "=excluded." + c
	}
	return sqlog.Insert("view_case", caseColumns, 1) + " ON CONFLICT(site, agent, id) DO UPDATE SET " + update[2:]
}()

const caseColumns = "site, agent, id, lane, opened, open, severity, state, since, changed, code, image, swab, taken, " +
	"decided, second, disputed"

// write writes a case.
func (f *caseFolding) write(k CaseKey, c *cases.Case) error {
	open, disputed := int64(1), int64(0)
	if c.State.Settled() {
		open = 0
	}
	t, v := c.Times(), c.Verdict()
	if t.Disputed {
		disputed = 1
	}
	if v == nil {
		v = &cases.Verdict{}
	}
	return f.Exec(writeCase, k.Site, k.Agent, k.ID, c.Lane, c.Opened.UnixNano(), open, int64(c.Severity()), string(c.State),
		c.Since.UnixNano(), f.touched[k], int64(min(v.GetCode(), 99)), knownWord(cases.ImageWords(), v.GetImage()),
		knownWord(cases.SwabWords(), v.GetSwab()), c.Seconds(t.Taken), c.Seconds(t.Decided), c.Seconds(t.Second), disputed)
}

// knownWord returns a word if it is one of some, else none: lanes write them.
func knownWord(all []string, word string) string {
	if slices.Contains(all, word) {
		return word
	}
	return ""
}

// maxCaseRows bounds the rows of one case that are read: whoever writes more of them has another purpose than cases.
const maxCaseRows = 2000

// caseEvents returns the events of a case, in the order of owners and rows. What was said at the centre comes from the
// hub's own row; a lane's copy of it counts where that is gone. Rows that cannot be read say nothing.
func caseEvents(c sqlog.Conn, k CaseKey, read func(owner int64, indices []int64) (map[int64]*row, error),
	body func(*row) (*observation.Body, error)) (out []cases.Event, err error) {
	rows, journals := map[int64][]int64{}, map[int64][]byte{}
	err = c.Query(`SELECT r.owner, r.idx, j.journal FROM view_case_row r JOIN journal j ON j.id=r.owner
		WHERE r.site=? AND r.agent=? AND r.id=? ORDER BY r.owner, r.idx LIMIT ?`, func(r []driver.Value) error {
		owner := sqlog.Int64(r[0])
		rows[owner], journals[owner] = append(rows[owner], sqlog.Int64(r[1])), sqlog.Bytes(r[2])
		return nil
	}, k.Site, k.Agent, k.ID, int64(maxCaseRows))
	for _, owner := range sortedKeys(rows) {
		if err != nil {
			return nil, err
		}
		var held map[int64]*row
		held, err = read(owner, rows[owner])
		for _, idx := range rows[owner] {
			if r := held[idx]; r != nil {
				if b, err := body(r); err == nil {
					e, ok := cases.EventOf(journals[owner], idx, r.at(), b.Typed())
					if ok {
						out = append(out, e)
					}
				}
			}
		}
	}
	return originals(out), err
}

// originals leaves out copies of rows that are there themselves.
func originals(all []cases.Event) []cases.Event {
	own := map[cases.Ref]bool{}
	for i := range all {
		if all[i].Act.GetOrigin() == nil {
			own[all[i].Ref] = true
		}
	}
	return slices.DeleteFunc(all, func(e cases.Event) bool { return e.Act.GetOrigin() != nil && own[e.Ref] })
}
