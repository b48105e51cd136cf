package ledger

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

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
	if !isPassageName(passage) || !isPassageName(r.Other) {
		return nil
	}
	var plate string
	var confidence float64
	if observation.Describe(observation.Kind(r.Kind)).Reads == observation.PlateName {
		if plate, confidence, err = l.plateOf(owner, r.Idx); err != nil {
			return err
		}
	}
	was, err := l.tx.PassageOf(owner, r.Idx)
	if err != nil {
		return err
	}
	if passage == "" && r.Other == "" {
		err = l.tx.DropReading(owner, r.Idx)
	} else {
		err = l.tx.SetReading(store.Reading{
			Owner: owner, Idx: r.Idx, Passage: passage, Confidence: float64(r.Confidence),
			Other: r.Other, OtherConfidence: float64(r.OtherConfidence), Plate: plate, PlateConfidence: confidence,
		})
	}
	if err != nil {
		return err
	}
	if was != "" && was != passage && plate != "" {
		if err := l.tx.WithdrawPlate(owner, was, plate); err != nil {
			return err
		}
	}
	if passage == "" {
		return nil
	}
	return l.tx.RaisePlate(owner, passage, plate, confidence)
}

// noteCorrection moves a reading to another passage. Rows of earlier agents name the reading by its
// row only.
func (l *Ledger) noteCorrection(owner int64, p *observation.PassageCorrected) error {
	if p.Reading != nil {
		return l.noteReading(owner, p.To, p.Reading)
	}
	r := &observation.PassageReading{Idx: p.Idx}
	row, err := l.tx.Row(owner, p.Idx)
	if err != nil {
		return err
	}
	if row != nil {
		r.Kind = uint32(row.Kind)
	}
	return l.noteReading(owner, p.To, r)
}

// isPassageName reports whether a text can be the name of a passage. What rows say of other ones stays evidence alone.
func isPassageName(text string) bool { return storable(text) && len(text) <= maxText }

// noteClosed gives a passage the plate that its document names when it is closed. A document
// without one leaves room for a late read.
func (l *Ledger) noteClosed(owner int64, passage, plate string) error {
	if !isPassageName(passage) {
		return nil
	}
	confidence := 0.0
	if plate != "" {
		confidence = closedConfidence
	}
	return l.tx.SetPlate(owner, passage, plate, confidence)
}

// plateOf returns the plate that a committed reading has read, in normal form and sealed, and the reader's
// confidence in it, 0 to 1; "" when the row cannot be decoded.
func (l *Ledger) plateOf(owner, idx int64) (plate string, confidence float64, err error) {
	row, err := l.tx.Row(owner, idx)
	if err != nil || row == nil {
		return "", 0, err
	}
	body := &observation.Body{}
	text, err := WithValues(l.sealer, row.Kind, row.Body, row.Sealed, "")
	if err != nil || proto.Unmarshal(text, body) != nil {
		return "", 0, nil
	}
	b := body.GetVehiclePlate()
	return l.sealer.SealName(b.GetNormal()), float64(b.GetConfidence()), nil
}
