package views

import (
	"database/sql/driver"
	"encoding/binary"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// passages has one row for each passage: in which rows its document stands, which decision is in force, and what it
// is found by. Nothing in it is ever changed by what a row adds: whenever a row is about a passage, its document is
// folded again from all its rows, and its row, its hashes and its counts are written from that.
var passages = fold{
	name: "passages", version: 1, tables: []string{"view_passage", "view_name", "view_decision"},
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
	statements BYTES NOT NULL,     -- rows about its readings from after that: varints, each but the first less the one before
	names      BYTES NOT NULL,     -- its hashes in view_name, 8 bytes each
	decision   BIGINT NOT NULL,    -- row clearance.decision that is in force, -1 for none
	outcome    TEXT NOT NULL,      -- of that
	touched    BIGINT NOT NULL     -- seq of the last row about it
) CLUSTERED;
CREATE UNIQUE INDEX IF NOT EXISTS view_passage_id ON view_passage(id, owner);
CREATE INDEX IF NOT EXISTS view_passage_time ON view_passage(opened, no);
CREATE INDEX IF NOT EXISTS view_passage_site ON view_passage(site, opened, no);
CREATE INDEX IF NOT EXISTS view_passage_alarm ON view_passage(opened, no) WHERE alarm>0;
CREATE INDEX IF NOT EXISTS view_passage_outcome ON view_passage(outcome, opened, no) WHERE outcome<>'';
CREATE TABLE IF NOT EXISTS view_name(
	hash   BIGINT NOT NULL,        -- keyed, of kind and name
	opened BIGINT NOT NULL,
	no     BIGINT NOT NULL,        -- view_passage.no
	PRIMARY KEY(hash, opened, no)
) CLUSTERED;` + decisionSchema,
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
	moved bool           // a decision about it is no longer
}

// passageRow is what the table has of a passage, but for its key.
type passageRow struct {
	no, opened, alarm, counted, closed, decision, touched int64
	site, lane, outcome                                   string
	statements, names                                     []int64
}

type passageFolding struct {
	*batch
	all           map[passageKey]*passage
	order         []*passage // as they were first named
	presentations map[presentationKey]*presentation
	decided       []*presentation // as they were first named
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
	ids, err := passagesIn(r)
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

// passagesIn returns the passages that a row is about.
func passagesIn(r *row) (ids []string, err error) {
	if r.Kind < observation.Kind_KIND_PASSAGE_OPENED || r.Kind > observation.Kind_KIND_PASSAGE_CORRECTED {
		return nil, nil
	}
	add := func(id []byte) {
		if len(id) > 0 && !slices.Contains(ids, string(id)) {
			ids = append(ids, string(id))
		}
	}
	err = eachField(r.Body, func(number protowire.Number, statement []byte) error {
		if number != protowire.Number(r.Kind) {
			return nil
		}
		return eachField(statement, func(number protowire.Number, value []byte) error {
			places := idFields[r.Kind]
			switch {
			case slices.Contains(places.ids, number):
				add(value)
			case number == places.readings:
				return eachField(value, func(number protowire.Number, value []byte) error {
					if number == otherField {
						add(value)
					}
					return nil
				})
			}
			return nil
		})
	})
	return ids, err
}

// idFields are the numbers of the fields of statements that name passages, and of those with the readings: of these
// only the other candidate is looked at. Decoding whole statements was a third of the time that a batch took.
var idFields = map[observation.Kind]struct {
	ids      []protowire.Number
	readings protowire.Number
}{
	observation.Kind_KIND_PASSAGE_OPENED:    {[]protowire.Number{1}, 3},
	observation.Kind_KIND_PASSAGE_UPDATED:   {[]protowire.Number{1}, 2},
	observation.Kind_KIND_PASSAGE_CLOSED:    {[]protowire.Number{1}, 0},
	observation.Kind_KIND_PASSAGE_CORRECTED: {[]protowire.Number{2, 3}, 6},
}

// otherField is the number of PassageReading.other.
const otherField protowire.Number = 10

// eachField calls f with each field of an encoded message that has a length.
func eachField(message []byte, f func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := f(number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

// passage returns what the batch has of a passage. What the table has comes when the batch ends.
func (f *passageFolding) passage(owner int64, id string) *passage {
	k := passageKey{owner, id}
	p := f.all[k]
	if p == nil {
		p = &passage{passageKey: k, rows: map[int64]*row{}}
		p.closed, p.decision = -1, -1
		f.all[k] = p
		f.order = append(f.order, p)
	}
	return p
}

// erased has the passages that a row is about, or that it belongs to, folded again.
func (f *passageFolding) erased(r *row) error {
	ids, err := passagesIn(r)
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
	for _, p := range f.order {
		if p.had.no == 0 && p.touched == 0 {
			continue // only erased, and never seen
		}
		if p.no == 0 {
			next++
			p.no = next
		}
		if err := f.refold(p); err != nil {
			return err
		}
		if err := f.write(p); err != nil {
			return err
		}
	}
	return nil
}

const passageColumns = "no, id, owner, site, lane, opened, alarm, counted, closed, statements, names, decision, " +
	"outcome, touched"

// passageColumnsOf returns them of a table that a query calls otherwise.
func passageColumnsOf(table string) string {
	return table + "." + strings.ReplaceAll(passageColumns, ", ", ", "+table+".")
}

func scanPassage(r []driver.Value) (k passageKey, p passageRow) {
	k = passageKey{sqlog.Int64(r[2]), sqlog.Text(r[1])}
	return k, passageRow{
		no: sqlog.Int64(r[0]), site: sqlog.Text(r[3]), lane: sqlog.Text(r[4]), opened: sqlog.Int64(r[5]), alarm: sqlog.Int64(r[6]),
		counted: sqlog.Int64(r[7]), closed: sqlog.Int64(r[8]), statements: decodeRows(sqlog.Bytes(r[9])),
		names: decodeHashes(sqlog.Bytes(r[10])), decision: sqlog.Int64(r[11]), outcome: sqlog.Text(r[12]), touched: sqlog.Int64(r[13]),
	}
}

// load reads what the table has of the passages of the batch.
func (f *passageFolding) load() error {
	ids := map[string]bool{}
	for _, p := range f.order {
		ids[p.id] = true
	}
	return eachChunk(sortedKeys(ids), func(list string, args []driver.Value) error {
		return f.Query("SELECT "+passageColumns+" FROM view_passage WHERE id IN ("+list+")", func(r []driver.Value) error {
			k, had := scanPassage(r)
			if p := f.all[k]; p != nil {
				touched, decision, outcome := max(p.touched, had.touched), p.decision, p.outcome
				p.had, p.passageRow = had, had
				if decision > had.decision || p.moved {
					p.decision, p.outcome = decision, outcome
				}
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
	unread := len(d.Readings) == 0 && d.State == observation.PassageState_PASSAGE_STATE_OPEN
	if unread || d.End == observation.PassageEnd_PASSAGE_END_MERGED {
		p.counted = 0
	}
	return nil
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
	return foldRows(p.id, p.passageRow, p.rows, func(indices []int64) (map[int64]*row, error) {
		rows, err := rowsOf(f, f.sealer, p.owner, indices)
		for idx, r := range rows {
			if r.Seq > p.touched { // it came later: another batch would not have seen it either
				delete(rows, idx)
			}
		}
		return rows, err
	})
}

// foldRows folds a passage's document from the rows that the table names. readings returns rows of readings, which
// name the vehicle as long as the lane's document does not.
func foldRows(
	id string, p passageRow, rows map[int64]*row, readings func([]int64) (map[int64]*row, error),
) (*observation.PassageClosed, error) {
	var closed *observation.PassageClosed
	if r := rows[p.closed]; r != nil {
		if body, err := r.values(); err == nil && body.GetPassageClosed() != nil {
			closed = body.GetPassageClosed()
		}
	}
	var after []statement
	for _, idx := range p.statements {
		if r := rows[idx]; r != nil {
			if body, err := r.values(); err == nil {
				after = append(after, statement{idx, body.Typed()})
			}
		}
	}
	had := map[int64]bool{} // readings that name the vehicle in the lane's document
	for _, r := range closed.GetReadings() {
		if namesVehicle(observation.Kind(r.Kind)) {
			had[r.Idx] = true
		}
	}
	d := document(id, closed, after)
	if len(after) == 0 {
		return d, nil
	}
	if lostName(had, d) {
		d.Plate, d.Tags, d.Containers, d.Codes, had = "", nil, nil, nil, nil
	}
	var naming []int64
	for _, r := range d.Readings {
		if namesVehicle(observation.Kind(r.Kind)) && !had[r.Idx] {
			naming = append(naming, r.Idx)
		}
	}
	if len(naming) == 0 {
		return d, nil
	}
	found, err := readings(naming)
	if err != nil {
		return nil, err
	}
	var all []*observation.Observation
	for _, idx := range naming {
		if r := found[idx]; r != nil {
			if o, err := r.record(); err == nil {
				all = append(all, o)
			}
		}
	}
	addNames(d, all)
	return d, nil
}

// lostName reports whether a reading that named the vehicle is no longer in its passage.
func lostName(had map[int64]bool, d *observation.PassageClosed) bool {
	kept := 0
	for _, r := range d.Readings {
		if had[r.Idx] {
			kept++
		}
	}
	return kept < len(had)
}

// write writes a passage's row, its hashes, and what it counts.
func (f *passageFolding) write(p *passage) error {
	for _, one := range []struct {
		row  passageRow
		sign int64
	}{{p.had, -1}, {p.passageRow, 1}} {
		if one.row.no == 0 || one.row.counted == 0 {
			continue
		}
		f.count(one.row.opened, p.owner, one.row.lane, "", CountPassages, one.sign)
		if one.row.alarm > 0 {
			f.count(one.row.opened, p.owner, one.row.lane, "", CountAlarms, one.sign)
		}
	}
	if err := f.writeNames(p); err != nil {
		return err
	}
	if p.had.no != 0 {
		return f.Exec(`UPDATE view_passage SET site=?, lane=?, opened=?, alarm=?, counted=?, closed=?, statements=?, names=?, decision=?,
			outcome=?, touched=? WHERE no=?`, p.site, p.lane, p.opened, p.alarm, p.counted, p.closed, encodeRows(p.statements),
			encodeHashes(p.names), p.decision, p.outcome, p.touched, p.no)
	}
	return f.Exec("INSERT INTO view_passage("+passageColumns+") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		p.no, p.id, p.owner, p.site, p.lane, p.opened, p.alarm, p.counted, p.closed, encodeRows(p.statements),
		encodeHashes(p.names), p.decision, p.outcome, p.touched)
}

// writeNames brings the hashes of a passage up to date.
func (f *passageFolding) writeNames(p *passage) error {
	if p.opened == p.had.opened && slices.Equal(p.names, p.had.names) {
		return nil
	}
	for _, h := range p.had.names {
		if err := f.Exec("DELETE FROM view_name WHERE hash=? AND opened=? AND no=?", h, p.had.opened, p.no); err != nil {
			return err
		}
	}
	for _, h := range p.names {
		if err := f.Exec("INSERT INTO view_name(hash, opened, no) VALUES(?,?,?)", h, p.opened, p.no); err != nil {
			return err
		}
	}
	return nil
}

// encodeRows packs indices of rows, which rise.
func encodeRows(all []int64) []byte {
	out, before := []byte{}, int64(0)
	for _, idx := range all {
		out = binary.AppendVarint(out, idx-before)
		before = idx
	}
	return out
}

func decodeRows(packed []byte) (out []int64) {
	idx := int64(0)
	for len(packed) > 0 {
		delta, n := binary.Varint(packed)
		if n <= 0 {
			return out
		}
		idx, packed = idx+delta, packed[n:]
		out = append(out, idx)
	}
	return out
}

func encodeHashes(all []int64) []byte {
	out := []byte{}
	for _, h := range all {
		out = binary.BigEndian.AppendUint64(out, uint64(h))
	}
	return out
}

func decodeHashes(packed []byte) (out []int64) {
	for ; len(packed) >= 8; packed = packed[8:] {
		out = append(out, int64(binary.BigEndian.Uint64(packed)))
	}
	return out
}
