package ledger

import (
	"database/sql/driver"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// passageSchema keeps to which passage each reading belongs, as the lane said last, the other one
// that it may be of, and each passage's plate, so that an event can name them. It is folded from
// the rows about passages and can be rebuilt from them.
const passageSchema = `
CREATE TABLE IF NOT EXISTS passage_reading(
	owner            INTEGER NOT NULL,         -- journal.id
	idx              INTEGER NOT NULL,         -- of the reading in the journal
	passage          TEXT NOT NULL,            -- '' for none; then it may be of other
	confidence       REAL NOT NULL DEFAULT 0,  -- 0 to 1; 0 where the lane did not say it
	other            TEXT NOT NULL DEFAULT '', -- passage of which it may be as well, '' for none
	other_confidence REAL NOT NULL DEFAULT 0,
	plate            TEXT NOT NULL DEFAULT '', -- that it read, sealed; '' when it is no read of a plate
	plate_confidence REAL NOT NULL DEFAULT 0,  -- of the read itself
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage(
	owner      INTEGER NOT NULL,
	id         TEXT NOT NULL,
	plate      TEXT NOT NULL,         -- best read so far, sealed; '' for none
	confidence REAL NOT NULL,         -- of that read; 2 when the closed passage's document names it
	PRIMARY KEY(owner, id)
) WITHOUT ROWID;
`

// upgradePassages adds the columns that a ledger of an earlier version lacks. What the lane said
// before is left as it is: it never named another candidate.
func (l *Ledger) upgradePassages() error {
	for _, column := range []string{
		"confidence REAL NOT NULL DEFAULT 0", "other TEXT NOT NULL DEFAULT ''",
		"other_confidence REAL NOT NULL DEFAULT 0", "plate TEXT NOT NULL DEFAULT ''", "plate_confidence REAL NOT NULL DEFAULT 0",
	} {
		name, _, _ := strings.Cut(column, " ")
		has, err := l.db.Int("SELECT count(*) FROM pragma_table_info('passage_reading') WHERE name=?", 0, name)
		if err == nil && has == 0 {
			err = l.db.Exec("ALTER TABLE passage_reading ADD COLUMN " + column)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(l.sealPassages(),
		l.db.Exec("CREATE INDEX IF NOT EXISTS passage_plate ON passage_reading(owner, passage) WHERE plate<>''"))
}

// closedConfidence is above every confidence of a single read, so that the plate of a closed
// passage's document stays.
const closedConfidence = 2

// notePassages folds what rows of one journal say of passages. A row that cannot be decoded is
// evidence as it is, and says nothing here.
func (l *Ledger) notePassages(owner int64, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		if r.Device != observation.AgentDevice || observation.Describe(r.Kind).Subject != observation.OfPassage {
			continue
		}
		body := &observation.Body{}
		if proto.Unmarshal(r.Body, body) != nil {
			continue
		}
		var err error
		switch p := body.Typed().(type) {
		case *observation.PassageOpened:
			err = l.noteReadings(owner, p.Id, p.Readings)
		case *observation.PassageUpdated:
			err = l.noteReadings(owner, p.Id, p.Readings)
		case *observation.PassageCorrected:
			err = l.noteCorrection(owner, p)
		case *observation.PassageClosed:
			err = l.noteClosed(owner, p.Id, l.sealer.SealName(p.Plate))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) noteReadings(owner int64, passage string, readings []*observation.PassageReading) error {
	for _, r := range readings {
		if err := l.noteReading(owner, passage, r); err != nil {
			return err
		}
	}
	return nil
}

// noteReading puts a reading into a passage, "" for none, and takes it out of the one where it was.
// A plate that goes with it is recomputed at both.
func (l *Ledger) noteReading(owner int64, passage string, r *observation.PassageReading) (err error) {
	var plate string
	var confidence float64
	if observation.Describe(observation.Kind(r.Kind)).Reads == observation.PlateName {
		if plate, confidence, err = l.plateOf(owner, r.Idx); err != nil {
			return err
		}
	}
	was, err := l.passageOf(owner, r.Idx)
	if err != nil {
		return err
	}
	if passage == "" && r.Other == "" {
		err = l.db.Exec("DELETE FROM passage_reading WHERE owner=? AND idx=?", owner, r.Idx)
	} else {
		err = l.db.Exec("INSERT OR REPLACE INTO passage_reading(owner, idx, passage, confidence, "+
			"other, other_confidence, plate, plate_confidence) VALUES(?,?,?,?,?,?,?,?)",
			owner, r.Idx, passage, float64(r.Confidence), r.Other, float64(r.OtherConfidence), plate, confidence)
	}
	if err != nil {
		return err
	}
	if was != "" && was != passage && plate != "" {
		err = l.takePlate(owner, was, plate)
	}
	return errors.Join(err, l.notePlate(owner, passage, plate, confidence))
}

// noteCorrection moves a reading to another passage. Rows of earlier agents name the reading by its
// row only.
func (l *Ledger) noteCorrection(owner int64, p *observation.PassageCorrected) error {
	if p.Reading != nil {
		return l.noteReading(owner, p.To, p.Reading)
	}
	r := &observation.PassageReading{Idx: p.Idx}
	err := l.db.Query("SELECT kind FROM observation WHERE owner=? AND idx=?", func(row []driver.Value) error {
		r.Kind = uint32(sqlog.Int64(row[0]))
		return nil
	}, owner, p.Idx)
	if err != nil {
		return err
	}
	return l.noteReading(owner, p.To, r)
}

// passageOf returns the passage that a reading is in so far, "" for none.
func (l *Ledger) passageOf(owner, idx int64) (passage string, err error) {
	err = l.db.Query("SELECT passage FROM passage_reading WHERE owner=? AND idx=?", func(row []driver.Value) error {
		passage = sqlog.Text(row[0])
		return nil
	}, owner, idx)
	return passage, err
}

// notePlate gives a passage a plate if its read is surer than those so far. It also enters passages
// without a plate.
func (l *Ledger) notePlate(owner int64, passage, plate string, confidence float64) error {
	if passage == "" {
		return nil
	}
	return l.db.Exec(`INSERT INTO passage(owner, id, plate, confidence) VALUES(?,?,?,?)
		ON CONFLICT(owner, id) DO UPDATE SET plate=excluded.plate, confidence=excluded.confidence
		WHERE excluded.confidence>passage.confidence`,
		owner, passage, plate, confidence)
}

// noteClosed gives a passage the plate that its document names when it is closed. A document
// without one leaves room for a late read.
func (l *Ledger) noteClosed(owner int64, passage, plate string) error {
	confidence := 0.0
	if plate != "" {
		confidence = closedConfidence
	}
	return l.db.Exec("INSERT OR REPLACE INTO passage(owner, id, plate, confidence) VALUES(?,?,?,?)",
		owner, passage, plate, confidence)
}

// takePlate removes a plate from a passage whose read of it was moved elsewhere: the surest of the
// remaining reads counts then. A passage that shows another plate keeps it.
func (l *Ledger) takePlate(owner int64, passage, plate string) error {
	const left = " FROM passage_reading r WHERE r.owner=?1 AND r.passage=?2 AND r.plate<>'' " +
		"ORDER BY r.plate_confidence DESC LIMIT 1"
	return l.db.Exec("UPDATE passage SET plate=ifnull((SELECT r.plate"+left+"), ''), "+
		"confidence=ifnull((SELECT r.plate_confidence"+left+"), 0) WHERE owner=?1 AND id=?2 AND plate=?3",
		owner, passage, plate)
}

// plateOf returns the plate that a committed reading has read, in normal form and sealed, and the reader's
// confidence in it, 0 to 1; "" when the row cannot be decoded.
func (l *Ledger) plateOf(owner, idx int64) (plate string, confidence float64, err error) {
	err = l.db.Query("SELECT kind, body, sealed FROM observation WHERE owner=? AND idx=?", func(row []driver.Value) error {
		body := &observation.Body{}
		text, err := WithValues(l.sealer, observation.Kind(sqlog.Int64(row[0])), sqlog.Bytes(row[1]), sqlog.Bytes(row[2]), "")
		if err != nil || proto.Unmarshal(text, body) != nil {
			return nil
		}
		b := body.GetVehiclePlate()
		plate, confidence = l.sealer.SealName(b.GetNormal()), float64(b.GetConfidence())
		return nil
	}, owner, idx)
	return plate, confidence, err
}

// noteOldPassages folds the rows of a ledger that is older than the fold, in one transaction.
func (l *Ledger) noteOldPassages() error {
	const page = 1000
	return l.db.Tx(func() error {
		for seq := int64(0); ; {
			var rows []wire.Row
			var owners []int64
			err := l.db.Query("SELECT seq, owner, idx, kind, device, body, sealed FROM observation "+
				"WHERE seq>? AND kind BETWEEN ? AND ? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seq = sqlog.Int64(row[0])
				owners = append(owners, sqlog.Int64(row[1]))
				kind := observation.Kind(sqlog.Int64(row[3]))
				body, err := WithValues(l.sealer, kind, sqlog.Bytes(row[5]), sqlog.Bytes(row[6]), "")
				rows = append(rows, wire.Row{Idx: sqlog.Int64(row[2]), Kind: kind, Device: sqlog.Text(row[4]), Body: body})
				return err
			}, seq, int64(observation.Kind_KIND_PASSAGE_OPENED), int64(observation.Kind_KIND_PASSAGE_CORRECTED), int64(page))
			if err != nil || len(rows) == 0 {
				return err
			}
			for i := range rows {
				if err := l.notePassages(owners[i], rows[i:i+1]); err != nil {
					return err
				}
			}
		}
	})
}
