package tables

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// PassageOf implements store.Passages.
func (t Tx) PassageOf(owner, idx int64) (passage string, err error) {
	err = t.Query("SELECT passage FROM passage_reading WHERE owner=? AND idx=?", func(r []driver.Value) error {
		passage = sqlog.Text(r[0])
		return nil
	}, owner, idx)
	return passage, err
}

// SetReading implements store.Passages.
func (t Tx) SetReading(r store.Reading) error {
	return t.Exec(`INSERT INTO passage_reading(owner, idx, passage, confidence, other, other_confidence, plate, plate_confidence)
		VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(owner, idx) DO UPDATE SET passage=excluded.passage, confidence=excluded.confidence,
		other=excluded.other, other_confidence=excluded.other_confidence, plate=excluded.plate,
		plate_confidence=excluded.plate_confidence`,
		r.Owner, r.Idx, r.Passage, r.Confidence, r.Other, r.OtherConfidence, r.Plate, r.PlateConfidence)
}

// DropReading implements store.Passages.
func (t Tx) DropReading(owner, idx int64) error {
	return t.Exec("DELETE FROM passage_reading WHERE owner=? AND idx=?", owner, idx)
}

// RaisePlate implements store.Passages.
func (t Tx) RaisePlate(owner int64, passage, plate string, confidence float64) error {
	return t.Exec(`INSERT INTO passage(owner, id, plate, confidence) VALUES(?,?,?,?)
		ON CONFLICT(owner, id) DO UPDATE SET plate=excluded.plate, confidence=excluded.confidence
		WHERE excluded.confidence>passage.confidence`, owner, passage, plate, confidence)
}

// SetPlate implements store.Passages.
func (t Tx) SetPlate(owner int64, passage, plate string, confidence float64) error {
	return t.Exec(`INSERT INTO passage(owner, id, plate, confidence) VALUES(?,?,?,?)
		ON CONFLICT(owner, id) DO UPDATE SET plate=excluded.plate, confidence=excluded.confidence`, owner, passage, plate, confidence)
}

// WithdrawPlate implements store.Passages.
func (t Tx) WithdrawPlate(owner int64, passage, plate string) error {
	const left = " FROM passage_reading r WHERE r.owner=?1 AND r.passage=?2 AND r.plate<>'' " +
		"ORDER BY r.plate_confidence DESC LIMIT 1"
	return t.Exec("UPDATE passage SET plate=coalesce((SELECT r.plate"+left+"), ''), "+
		"confidence=coalesce((SELECT r.plate_confidence"+left+"), 0) WHERE owner=?1 AND id=?2 AND plate=?3",
		owner, passage, plate)
}

// SealPlates implements store.Passages.
func (t Tx) SealPlates(seal func(string) string) error {
	for _, table := range []string{"passage", "passage_reading"} {
		var plates []string
		err := t.Query("SELECT DISTINCT plate FROM "+table+" WHERE plate<>'' AND plate NOT LIKE '~%'", func(r []driver.Value) error {
			plates = append(plates, sqlog.Text(r[0]))
			return nil
		})
		for _, plate := range plates {
			if err == nil {
				err = t.Exec("UPDATE "+table+" SET plate=? WHERE plate=?", seal(plate), plate)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
