package views

import (
	"cmp"
	"database/sql/driver"
	"slices"

	"lanewarden/edge/evidence/sqlog"
)

// decisionSchema is the table of decisions: one row for each presentation, of its highest revision.
const decisionSchema = `
CREATE TABLE IF NOT EXISTS view_decision(
	presentation TEXT NOT NULL,
	owner        BIGINT NOT NULL,  -- journal.id
	revision     BIGINT NOT NULL,  -- 0 while an override alone is known
	idx          BIGINT NOT NULL,  -- row clearance.decision, -1 for none
	site         TEXT NOT NULL,
	lane         TEXT NOT NULL,
	passage      TEXT NOT NULL,
	outcome      TEXT NOT NULL,    -- in force
	at           BIGINT NOT NULL,  -- of this revision, ns UTC
	overrides    BYTES NOT NULL,   -- rows clearance.override, as in view_passage.statements
	PRIMARY KEY(presentation, owner)
) CLUSTERED;
CREATE INDEX IF NOT EXISTS view_decision_time ON view_decision(at, owner);
CREATE INDEX IF NOT EXISTS view_decision_site ON view_decision(site, at, owner);
CREATE INDEX IF NOT EXISTS view_decision_outcome ON view_decision(outcome, at, owner) WHERE outcome<>'RELEASE';`

type presentationKey struct {
	owner int64
	id    string
}

// presentation is what is decided about the vehicle of a presentation.
type presentation struct {
	presentationKey
	presentationRow
	had presentationRow
	is  bool // the table has it
}

type presentationRow struct {
	revision, idx, at            int64
	site, lane, passage, outcome string
	overrides                    []int64
}

func (f *passageFolding) presentation(owner int64, id string) *presentation {
	k := presentationKey{owner, id}
	p := f.presentations[k]
	if p == nil {
		p = &presentation{presentationKey: k}
		p.idx = -1
		f.presentations[k] = p
		f.decided = append(f.decided, p)
	}
	return p
}

// decision notes a decision. The highest revision counts, whichever comes first.
func (f *passageFolding) decision(r *row) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	d := body.GetClearanceDecision()
	if err := storable(d.GetPresentation(), d.GetLane(), d.GetPassage(), d.GetOutcome()); err != nil {
		return err
	}
	if d.GetPassage() != "" {
		f.passage(r.Owner, d.GetPassage()).touched = r.Seq
	}
	p := f.presentation(r.Owner, d.GetPresentation())
	if int64(d.GetRevision()) < p.revision {
		return nil
	}
	p.revision, p.idx, p.at = int64(d.GetRevision()), r.Idx, r.TimeNs
	p.lane, p.passage, p.outcome = d.GetLane(), d.GetPassage(), d.GetOutcome()
	return nil
}

// override notes an officer's word.
func (f *passageFolding) override(r *row) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	id := body.GetClearanceOverride().GetPresentation()
	if err := storable(id); err != nil {
		return err
	}
	p := f.presentation(r.Owner, id)
	p.overrides = append(p.overrides, r.Idx)
	return nil
}

// finishDecisions writes the decisions, and tells the passages which is theirs.
func (f *passageFolding) finishDecisions() error {
	if err := f.loadDecisions(); err != nil {
		return err
	}
	var added [][]driver.Value
	for _, p := range f.decided {
		from, err := f.sender(p.owner)
		if err != nil {
			return err
		}
		p.site = from.Site
		row, err := f.writeDecision(p)
		if err != nil {
			return err
		}
		if row != nil {
			added = append(added, row)
		}
		f.assignDecision(p)
	}
	return f.AddAll("view_decision", decisionColumns, added)
}

// decidedRow is a decision about a passage.
type decidedRow struct {
	idx     int64
	outcome string
}

// assignDecision tells the passages that a presentation was and is decided about.
func (f *passageFolding) assignDecision(p *presentation) {
	if p.had.passage == p.passage && p.had.idx == p.idx {
		return
	}
	if p.had.passage != "" {
		of := f.passage(p.owner, p.had.passage)
		of.undone = append(of.undone, p.had.idx)
	}
	if p.passage != "" {
		of := f.passage(p.owner, p.passage)
		of.decided = append(of.decided, decidedRow{p.idx, p.outcome})
	}
}

// settleDecisions brings a passage's decisions up to date: of each presentation the newest that is about it. The last row
// of them is in force.
func (f *passageFolding) settleDecisions(p *passage) error {
	if len(p.decided)+len(p.undone) == 0 {
		return nil
	}
	before := p.decision()
	replaced := func(idx int64) bool { return slices.Contains(p.undone, idx) }
	p.decisions = slices.DeleteFunc(slices.Clone(p.decisions), replaced)
	for _, d := range p.decided {
		p.decisions = append(p.decisions, d.idx)
	}
	slices.Sort(p.decisions)
	last := p.decision()
	for _, d := range p.decided {
		if d.idx == last {
			p.outcome = d.outcome
			return nil
		}
	}
	if last == before {
		return nil
	}
	p.outcome = "" // an older one is in force again, or none
	rows, err := rowsOf(f, f.sealer, p.owner, p.decisions[max(0, len(p.decisions)-1):])
	if r := rows[last]; r != nil {
		if b, err := r.body(); err == nil {
			p.outcome = b.GetClearanceDecision().GetOutcome()
		}
	}
	return err
}

const decisionColumns = "presentation, owner, revision, idx, site, lane, passage, outcome, at, overrides"

func scanDecision(r []driver.Value) (presentationKey, presentationRow) {
	return presentationKey{sqlog.Int64(r[1]), sqlog.Text(r[0])}, presentationRow{
		revision: sqlog.Int64(r[2]), idx: sqlog.Int64(r[3]), site: sqlog.Text(r[4]), lane: sqlog.Text(r[5]),
		passage: sqlog.Text(r[6]), outcome: sqlog.Text(r[7]), at: sqlog.Int64(r[8]), overrides: decodeRows(sqlog.Bytes(r[9])),
	}
}

// loadDecisions reads what the table has of the presentations of the batch.
func (f *passageFolding) loadDecisions() error {
	ids := map[string]bool{}
	for _, p := range f.decided {
		ids[p.id] = true
	}
	return eachChunk(sortedKeys(ids), func(list string, args []driver.Value) error {
		query := "SELECT " + decisionColumns + " FROM view_decision WHERE presentation IN (" + list + ")"
		return f.Query(query, func(r []driver.Value) error {
			k, had := scanDecision(r)
			if p := f.presentations[k]; p != nil {
				overrides := append(slices.Clone(had.overrides), p.overrides...)
				if p.had, p.is = had, true; had.revision > p.revision || p.idx < 0 {
					p.presentationRow = had
				}
				p.overrides = overrides
			}
			return nil
		}, args...)
	})
}

// writeDecision changes the row of a presentation, or returns its new one.
func (f *passageFolding) writeDecision(p *presentation) (added []driver.Value, err error) {
	slices.SortFunc(p.overrides, cmp.Compare[int64])
	p.overrides = slices.Compact(p.overrides)
	for _, one := range []struct {
		row  presentationRow
		sign int64
	}{{p.had, -1}, {p.presentationRow, 1}} {
		if one.row.outcome != "" {
			f.count(one.row.at, p.owner, one.row.lane, "", CountOutcome+one.row.outcome, one.sign)
		}
	}
	if p.is {
		return nil, f.Exec(`UPDATE view_decision SET revision=?, idx=?, site=?, lane=?, passage=?, outcome=?, at=?,
			overrides=? WHERE presentation=? AND owner=?`, p.revision, p.idx, p.site, p.lane, p.passage, p.outcome, p.at,
			encodeRows(p.overrides), p.id, p.owner)
	}
	return []driver.Value{
		p.id, p.owner, p.revision, p.idx, p.site, p.lane, p.passage, p.outcome, p.at, encodeRows(p.overrides),
	}, nil
}
