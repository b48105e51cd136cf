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
CREATE INDEX IF NOT EXISTS view_decision_passage ON view_decision(passage, owner);
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
	p := f.presentation(r.Owner, d.GetPresentation())
	if int64(d.GetRevision()) < p.revision {
		return nil
	}
	p.revision, p.idx, p.at = int64(d.GetRevision()), r.Idx, r.TimeNs
	p.lane, p.passage, p.outcome = d.GetLane(), d.GetPassage(), d.GetOutcome()
	if p.passage != "" {
		f.passage(r.Owner, p.passage).touched = r.Seq
	}
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
	var freed []*passage
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
		if p.had.passage != "" && p.had.passage != p.passage {
			of := f.passage(p.owner, p.had.passage)
			of.moved = true
			freed = append(freed, of)
		}
		if p.passage != "" {
			if of := f.passage(p.owner, p.passage); p.idx > of.decision {
				of.decision, of.outcome = p.idx, p.outcome
			}
		}
	}
	if err := f.AddAll("view_decision", decisionColumns, added); err != nil {
		return err
	}
	for _, p := range freed {
		if err := f.lastDecision(p); err != nil {
			return err
		}
	}
	return nil
}

// lastDecision gives a passage the newest of the decisions that are about it now.
func (f *passageFolding) lastDecision(p *passage) error {
	p.decision, p.outcome = -1, ""
	return f.Query("SELECT idx, outcome FROM view_decision WHERE passage=? AND owner=? ORDER BY idx DESC LIMIT 1",
		func(r []driver.Value) error {
			p.decision, p.outcome = sqlog.Int64(r[0]), sqlog.Text(r[1])
			return nil
		}, p.id, p.owner)
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
		return f.Query("SELECT "+decisionColumns+" FROM view_decision WHERE presentation IN ("+list+")", func(r []driver.Value) error {
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
		return nil, f.Exec(`UPDATE view_decision SET revision=?, idx=?, site=?, lane=?, passage=?, outcome=?, at=?, overrides=?
			WHERE presentation=? AND owner=?`, p.revision, p.idx, p.site, p.lane, p.passage, p.outcome, p.at,
			encodeRows(p.overrides), p.id, p.owner)
	}
	return []driver.Value{p.id, p.owner, p.revision, p.idx, p.site, p.lane, p.passage, p.outcome, p.at, encodeRows(p.overrides)}, nil
}
