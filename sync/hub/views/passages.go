package views

import (
	"database/sql/driver"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/document"
)

// passages has one row for each passage: in which rows its document stands, which decision is in force, and what it
// is found by. Nothing in it is ever changed by what a row adds: whenever a row is about a passage, its document is
// folded again from all its rows, and its row, its hashes and its counts are written from that.
var passages = fold{
	name: "passages", version: 5, tables: []string{"view_passage", "view_name", "view_decision"},
	schema: `CREATE TABLE IF NOT EXISTS view_passage(
	no         BIGINT PRIMARY KEY, -- in the order in which the hub first heard of it
	id         TEXT NOT NULL,
	owner      BIGINT NOT NULL,    -- journal.id
	site       TEXT NOT NULL,
	lane       TEXT NOT NULL,
	opened     BIGINT NOT NULL,    -- ns UTC
	alarm      SMALLINT NOT NULL,  -- 2: it has one, 1: it may have one
	counted    SMALLINT NOT NULL,  -- it is a vehicle: its readings did not prove to be another's
	closed     BIGINT NOT NULL,    -- row passage.closed, -1 while it is open
	statements BYTES NOT NULL,     -- rows about its readings from after that: varints of differences
	names      BYTES NOT NULL,     -- its hashes in view_name, 8 bytes each
	decisions  BYTES NOT NULL,     -- rows clearance.decision of its presentations, as statements; the last is in force
	outcome    TEXT NOT NULL,      -- of that
	touched    BIGINT NOT NULL,    -- seq of the last row about it
	dwell      BIGINT NOT NULL,    -- seconds from its first to its last reading, -1 while it is open
	blind      SMALLINT NOT NULL,  -- 1: a station could not see it
	class      SMALLINT NOT NULL   -- of its length, a place in lengthClasses; 0 while it is open
) CLUSTERED;
CREATE UNIQUE INDEX IF NOT EXISTS view_passage_id ON view_passage(id, owner);
CREATE INDEX IF NOT EXISTS view_passage_time ON view_passage(opened, no);
CREATE INDEX IF NOT EXISTS view_passage_site ON view_passage(site, opened, no);
CREATE INDEX IF NOT EXISTS view_passage_alarm ON view_passage(opened, no) WHERE alarm>0;
CREATE INDEX IF NOT EXISTS view_passage_site_alarm ON view_passage(site, opened, no) WHERE alarm>0;
CREATE INDEX IF NOT EXISTS view_passage_outcome ON view_passage(outcome, opened, no) WHERE outcome<>'' AND outcome<>'RELEASE';` + nameSchema + decisionSchema,
	bodies: []observation.Kind{
		observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_UPDATED,
		observation.Kind_KIND_PASSAGE_CORRECTED, observation.Kind_KIND_PASSAGE_CLOSED,
		observation.Kind_KIND_CLEARANCE_DECISION, observation.Kind_KIND_CLEARANCE_OVERRIDE,
	},
	begin: func(b *batch) folding {
		return &passageFolding{
			batch: b, all: map[passageKey]*passage{}, presentations: map[presentationKey]*presentation{},
		}
	},
}

type passageKey struct {
	owner int64
	id    string
}

// passage is a passage's row, and what the batch has of it.
type passage struct {
	passageKey
	passageRow
	had passageRow // as the table has it; no is 0 when it has none

	rows  map[int64]*row // of the batch that are about it
	again bool           // it has to be folded again

	decided []decidedRow // decisions about it that come
	undone  []int64      // rows of those about it that are replaced
}

type passageFolding struct {
	*batch
	all           map[passageKey]*passage
	order         []*passage // as they were first named
	presentations map[presentationKey]*presentation
	decided       []*presentation // as they were first named
	scratch       scratch
}

func (f *passageFolding) row(r *row) error {
	switch r.Kind {
	case observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_UPDATED,
		observation.Kind_KIND_PASSAGE_CORRECTED, observation.Kind_KIND_PASSAGE_CLOSED:
		return f.about(r)
	case observation.Kind_KIND_CLEARANCE_DECISION:
		return f.decision(r)
	case observation.Kind_KIND_CLEARANCE_OVERRIDE:
		return f.override(r)
	}
	return nil
}

// about notes a row with all passages that it is about.
func (f *passageFolding) about(r *row) error {
	ids, err := document.PassagesIn(r.Kind, r.Body)
	if err == nil {
		err = storable(ids...)
	}
	if err != nil {
		return err
	}
	for _, id := range ids {
		p := f.passage(r.Owner, id)
		p.rows[r.Idx], p.touched = r, r.Seq
	}
	return nil
}

// passage returns what the batch has of a passage. What the table has comes when the batch ends.
func (f *passageFolding) passage(owner int64, id string) *passage {
	k := passageKey{owner, id}
	p := f.all[k]
	if p == nil {
		p = &passage{passageKey: k, rows: map[int64]*row{}}
		p.closed, p.dwell = -1, -1
		f.all[k] = p
		f.order = append(f.order, p)
	}
	return p
}

// erased has the passages that a row is about, or that it belongs to, folded again.
func (f *passageFolding) erased(r *row) error {
	ids, err := document.PassagesIn(r.Kind, r.Body)
	if err != nil {
		return err
	}
	err = f.Query("SELECT passage, other FROM passage_reading WHERE owner=? AND idx=?", func(row []driver.Value) error {
		ids = append(ids, sqlog.Text(row[0]), sqlog.Text(row[1]))
		return nil
	}, r.Owner, r.Idx)
	for _, id := range ids {
		if id != "" && storable(id) == nil {
			f.passage(r.Owner, id).again = true
		}
	}
	return err
}

func (f *passageFolding) finish() error {
	if err := f.finishDecisions(); err != nil || len(f.order) == 0 {
		return err
	}
	if err := f.load(); err != nil {
		return err
	}
	next, err := integer(f, "SELECT max(no) FROM view_passage")
	if err != nil {
		return err
	}
	var all []*passage
	for _, p := range f.order {
		if p.had.no == 0 && p.touched == 0 {
			continue // only erased, and never seen
		}
		if p.no == 0 {
			next++
			p.no = next
		}
		if err := f.settleDecisions(p); err != nil {
			return err
		}
		if err := f.refold(p); err != nil {
			return err
		}
		all = append(all, p)
	}
	if err := f.writeNames(all); err != nil {
		return err
	}
	return f.write(all)
}

// load reads what the table has of the passages of the batch.
func (f *passageFolding) load() error {
	ids := map[string]bool{}
	for _, p := range f.order {
		ids[p.id] = true
	}
	return eachChunk(sortedKeys(ids), func(list string, args []driver.Value) error {
		query := "SELECT " + passageColumns + " FROM view_passage WHERE id IN (" + list + ")"
		return f.Query(query, func(r []driver.Value) error {
			k, had := scanPassage(r)
			if p := f.all[k]; p != nil {
				touched := max(p.touched, had.touched)
				p.had, p.passageRow = had, had
				p.touched = touched
			}
			return nil
		}, args...)
	})
}

// refold folds a passage's document from its rows, and from that all that the table has.
func (f *passageFolding) refold(p *passage) error {
	if len(p.rows) == 0 && !p.again {
		if p.had.no == 0 { // a decision came before any word of its passage
			return f.place(p)
		}
		return nil
	}
	before, statements := p.closed, p.statements
	for idx, r := range p.rows {
		if r.Kind == observation.Kind_KIND_PASSAGE_CLOSED {
			p.closed = max(p.closed, idx)
		} else {
			statements = append(statements, idx)
		}
	}
	slices.Sort(statements)
	p.statements = slices.DeleteFunc(slices.Compact(statements), func(idx int64) bool { return idx < p.closed })
	if p.closed == before && slices.Equal(p.statements, p.had.statements) && p.had.no != 0 && !p.again {
		return nil // rows from before the document
	}
	if err := f.place(p); err != nil {
		return err
	}
	d, err := f.documentOf(p)
	if err != nil {
		return err
	}
	p.lane, p.opened, p.names = d.Lane, d.OpenedNs, hashesOf(f.sealer, d)
	if storable(d.Lane) != nil {
		p.lane = ""
	}
	p.alarm, p.counted = 0, 1
	switch {
	case d.Alarm:
		p.alarm = 2
	case d.AlarmPossible:
		p.alarm = 1
	}
	p.dwell, p.blind, p.class = -1, 0, 0
	if p.closed >= 0 {
		p.class = classOf(d.LengthM)
	}
	if d.ClosedNs >= d.OpenedNs && p.closed >= 0 {
		p.dwell = (d.ClosedNs - d.OpenedNs) / int64(time.Second)
	}
	if slices.ContainsFunc(d.Stations, isBlind) {
		p.blind = 1
	}
	unread := len(d.Readings) == 0 && d.State == observation.PassageState_PASSAGE_STATE_OPEN
	if unread || d.End == observation.PassageEnd_PASSAGE_END_MERGED {
		p.counted = 0
	}
	return nil
}

// lengthClasses are the classes of vehicles by the length that the lane measured, as traffic is counted: no device tells
// another class. Places are what the table has.
var lengthClasses = []string{"", "unknown", "short", "medium", "long"}

// Where classes begin, m: of vans, buses and lorries of one piece, and of lorries with a trailer.
const (
	mediumFrom = 6
	longFrom   = 12
)

// classOf returns the class of a length in m, 0 for one that was not measured.
func classOf(lengthM float32) int64 {
	switch {
	case lengthM <= 0:
		return 1
	case lengthM < mediumFrom:
		return 2
	case lengthM < longFrom:
		return 3
	}
	return 4
}

// isBlind reports whether a station could not see a vehicle.
func isBlind(s *observation.PassageStation) bool {
	return !s.Seen && s.Gap == observation.PassageGap_PASSAGE_GAP_BLIND
}

// place fills in the site.
func (f *passageFolding) place(p *passage) error {
	from, err := f.sender(p.owner)
	p.site = from.Site
	return err
}

// documentOf folds a passage's document with rows of the batch and, where they are older, of the ledger. Rows that
// cannot be read say nothing.
func (f *passageFolding) documentOf(p *passage) (*observation.PassageClosed, error) {
	var absent []int64
	for _, idx := range append(slices.Clone(p.statements), p.closed) {
		if idx >= 0 && p.rows[idx] == nil {
			absent = append(absent, idx)
		}
	}
	if len(absent) > 0 {
		older, err := rowsOf(f, f.sealer, p.owner, absent)
		if err != nil {
			return nil, err
		}
		for idx, r := range older {
			p.rows[idx] = r
		}
	}
	if r := p.rows[p.closed]; r != nil && len(p.statements) == 0 {
		if d, err := r.brief(&f.scratch); err == nil && d != nil {
			return d, nil
		}
	}
	return foldRows(p.id, p.passageRow, p.rows, func(indices []int64) (map[int64]*row, error) {
		rows, err := rowsOf(f, f.sealer, p.owner, indices)
		for idx, r := range rows {
			if r.Seq > p.touched { // it came later: another batch would not have seen it either
				delete(rows, idx)
			}
		}
		return rows, err
	}, (*row).body)
}

// write writes passages' rows, and what they count.
func (f *passageFolding) write(all []*passage) error {
	var added [][]driver.Value
	for _, p := range all {
		f.countPassage(p.owner, &p.had, -1)
		f.countPassage(p.owner, &p.passageRow, 1)
		if p.had.no == 0 {
			added = append(added, []driver.Value{
				p.no, p.id, p.owner, p.site, p.lane, p.opened, p.alarm, p.counted, p.closed,
				encodeRows(p.statements), encodeHashes(p.names), encodeRows(p.decisions), p.outcome, p.touched, p.dwell, p.blind, p.class,
			})
			continue
		}
		err := f.Exec(`UPDATE view_passage SET site=?, lane=?, opened=?, alarm=?, counted=?, closed=?, statements=?, names=?,
			decisions=?, outcome=?, touched=?, dwell=?, blind=?, class=? WHERE no=?`,
			p.site, p.lane, p.opened, p.alarm, p.counted, p.closed, encodeRows(p.statements), encodeHashes(p.names),
			encodeRows(p.decisions), p.outcome, p.touched, p.dwell, p.blind, p.class, p.no)
		if err != nil {
			return err
		}
	}
	return f.AddAll("view_passage", passageColumns, added)
}

// countPassage adds what a row of the table counts, or takes it back.
func (f *passageFolding) countPassage(owner int64, p *passageRow, sign int64) {
	if p.no == 0 || p.counted == 0 {
		return
	}
	f.count(p.opened, owner, p.lane, "", CountPassages, sign)
	if p.alarm > 0 {
		f.count(p.opened, owner, p.lane, "", CountAlarms, sign)
	}
	if p.class > 0 {
		f.count(p.opened, owner, p.lane, "", CountClass+lengthClasses[p.class], sign)
	}
	if p.blind > 0 {
		f.count(p.opened, owner, p.lane, "", CountBlind, sign)
	}
	if p.dwell >= 0 {
		f.countSeconds(p.opened, owner, p.lane, "", CountDwell, p.dwell, sign)
	}
}
