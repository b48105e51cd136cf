package ledger

import (
	"database/sql/driver"
	"errors"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// passageSchema keeps to which passage each reading belongs, as the lane last said, and the passage's plate, so that an event
// can name both. It is folded from the rows of the passages and can be made anew from them.
const passageSchema = `
CREATE TABLE IF NOT EXISTS passage_reading(
	owner   INTEGER NOT NULL,         -- journal.id
	idx     INTEGER NOT NULL,         -- of the reading in the journal
	passage TEXT NOT NULL,
	PRIMARY KEY(owner, idx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage(
	owner      INTEGER NOT NULL,
	id         TEXT NOT NULL,
	plate      TEXT NOT NULL,         -- best read so far, '' for none
	confidence REAL NOT NULL,         -- of that read; 2 when the passage is closed and its plate final
	PRIMARY KEY(owner, id)
) WITHOUT ROWID;
`

// closedConfidence is above every confidence of a single read.
const closedConfidence = 2

// notePassages folds what rows say of passages. A row that cannot be read is evidence as it is, and says nothing here.
func (l *Ledger) notePassages(owner int64, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		if r.Device != observation.AgentDevice || r.Kind < observation.Kind_KIND_PASSAGE_OPENED || r.Kind > observation.Kind_KIND_PASSAGE_CORRECTED {
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
			err = l.moveReading(owner, p.Idx, p.To)
		case *observation.PassageClosed:
			err = l.notePlate(owner, p.Id, p.Plate, closedConfidence)
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

func (l *Ledger) noteReading(owner int64, passage string, reading *observation.PassageReading) error {
	if reading == nil {
		return nil
	}
	if err := l.moveReading(owner, reading.Idx, passage); err != nil {
		return err
	}
	plate, confidence, err := "", 0.0, error(nil)
	if observation.Kind(reading.Kind) == observation.Kind_KIND_VEHICLE_PLATE {
		plate, confidence, err = l.plateOf(owner, reading.Idx)
	}
	return errors.Join(err, l.notePlate(owner, passage, plate, confidence))
}

// moveReading puts a reading into a passage; "" is none.
func (l *Ledger) moveReading(owner, idx int64, passage string) error {
	if passage == "" {
		return l.db.Exec("DELETE FROM passage_reading WHERE owner=? AND idx=?", owner, idx)
	}
	return l.db.Exec("INSERT OR REPLACE INTO passage_reading(owner, idx, passage) VALUES(?,?,?)", owner, idx, passage)
}

// notePlate keeps the surest plate of a passage. One that was taken away by a correction goes when the passage is closed.
func (l *Ledger) notePlate(owner int64, passage, plate string, confidence float64) error {
	return l.db.Exec(`INSERT INTO passage(owner, id, plate, confidence) VALUES(?,?,?,?)
		ON CONFLICT(owner, id) DO UPDATE SET plate=excluded.plate, confidence=excluded.confidence WHERE excluded.confidence>passage.confidence`,
		owner, passage, plate, confidence)
}

// plateOf returns what a plate reading that is filed says.
func (l *Ledger) plateOf(owner, idx int64) (plate string, confidence float64, err error) {
	err = l.db.Query("SELECT body FROM observation WHERE owner=? AND idx=?", func(row []driver.Value) error {
		body := &observation.Body{}
		if proto.Unmarshal(sqlog.Bytes(row[0]), body) == nil {
			plate, confidence = body.GetVehiclePlate().GetNormal(), float64(body.GetVehiclePlate().GetConfidence())
		}
		return nil
	}, owner, idx)
	return plate, confidence, err
}

// noteOldPassages folds the rows of a ledger that is older than the fold.
func (l *Ledger) noteOldPassages() error {
	const page = 1000
	return l.db.Tx(func() error {
		for seq := int64(0); ; {
			var rows []wire.Row
			var owners []int64
			err := l.db.Query("SELECT seq, owner, idx, kind, device, body FROM observation WHERE seq>? AND kind BETWEEN ? AND ? ORDER BY seq LIMIT ?", func(row []driver.Value) error {
				seq = sqlog.Int64(row[0])
				owners = append(owners, sqlog.Int64(row[1]))
				rows = append(rows, wire.Row{Idx: sqlog.Int64(row[2]), Kind: observation.Kind(sqlog.Int64(row[3])), Device: sqlog.Text(row[4]), Body: sqlog.Bytes(row[5])})
				return nil
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
