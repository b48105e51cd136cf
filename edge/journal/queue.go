package journal

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// fileRank is added to the rank of an artifact that is a file: small ones (previews, documents) leave first.
const fileRank = 4

// WaitingArtifact is an artifact that the hub does not have whole.
type WaitingArtifact struct {
	SHA256 []byte
	Size   int64
}

// queueArtifacts puts the artifacts that new rows name into the queue for the hub.
func (w *writer) queueArtifacts(rows []*Row) error {
	for _, r := range rows {
		for _, a := range r.artifacts {
			if err := queueArtifact(w.db, a, r.Class, r.Idx); err != nil {
				return err
			}
			if r.Class == observation.Class_CLASS_ALARM {
				if err := markAlarmed(w.db, a.Sha256); err != nil {
					return err
				}
			}
		}
		for _, sum := range r.alarmed {
			if err := markAlarmed(w.db, sum); err != nil {
				return err
			}
		}
	}
	return nil
}

// alarmed returns the artifacts, by SHA-256, of the vehicle with an alarm that a passage's document is of.
func alarmed(b *observation.Body) (sums [][]byte) {
	passage := b.GetPassageClosed()
	if !passage.GetAlarm() && !passage.GetAlarmPossible() {
		return nil
	}
	for _, r := range slices.Concat(passage.Readings, passage.Possible) {
		sums = append(sums, r.Artifacts...)
	}
	return sums
}

// markAlarmed notes that an artifact is of a vehicle with an alarm.
func markAlarmed(db *sqlog.DB, sum []byte) error {
	return db.Exec("UPDATE artifact SET alarm=1 WHERE sha256=? AND alarm=0", sum)
}

func queueArtifact(db *sqlog.DB, a *observation.Artifact, class observation.Class, idx int64) error {
	rank := int64(class)
	if a.Size > inlineMax {
		rank += fileRank
	}
	return db.Exec("UPDATE artifact SET state=?, rank=?, idx=? WHERE sha256=? AND state=?", artifactWaiting, rank, idx, a.Sha256, artifactStored)
}

// WaitingArtifacts returns the first artifacts of the queue, at most max: small ones before files, those of alarms
// before those of events, older ones before newer. An artifact waits for the row that names it to be at the hub.
func (j *Journal) WaitingArtifacts(max int) (out []WaitingArtifact, err error) {
	s := j.snapshot()
	j.mu.Lock()
	arrived := len(j.arrived)
	j.mu.Unlock()
	err = j.read.Query(fmt.Sprintf(`SELECT sha256, size FROM artifact WHERE state=1 AND idx <= CASE rank%%%d WHEN 1 THEN ? WHEN 2 THEN ? ELSE ? END
		ORDER BY rank, idx LIMIT ?`, fileRank), func(c []driver.Value) error {
		a := WaitingArtifact{SHA256: sqlog.Bytes(c[0]), Size: sqlog.Int64(c[1])}
		if !j.hasArrived(a.SHA256) {
			out = append(out, a)
		}
		if len(out) == max {
			return errEnough
		}
		return nil
	}, s.acked[1], s.acked[2], s.acked[3], int64(max+arrived))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

func (j *Journal) hasArrived(sum []byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.arrived[string(sum)]
}

// Backlog counts the artifacts that the hub does not have whole, and their bytes.
func (j *Journal) Backlog() (count, bytes int64, err error) {
	err = j.read.Query("SELECT count(*), sum(size) FROM artifact WHERE state=1", func(c []driver.Value) error {
		count, bytes = sqlog.Int64(c[0]), sqlog.Int64(c[1])
		return nil
	})
	return count, bytes, err
}

// SetArtifactHeld records that the hub has an artifact whole. Like SetAcked it becomes durable later: the hub knows
// better.
func (j *Journal) SetArtifactHeld(sum []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.arrived[string(sum)] = true
}

// writeArrived writes what SetArtifactHeld and RequeueArtifacts recorded.
func (w *writer) writeArrived() error {
	w.j.mu.Lock()
	sums, lost := slices.Collect(maps.Keys(w.j.arrived)), w.j.lost
	w.j.mu.Unlock()
	if len(sums) == 0 && len(lost) == 0 {
		return nil
	}
	err := w.db.Tx(func() error {
		for _, sum := range sums {
			if err := w.db.Exec("UPDATE artifact SET state=? WHERE sha256=? AND state=?", artifactHeld, []byte(sum), artifactWaiting); err != nil {
				return err
			}
		}
		for _, l := range lost {
			if err := requeue(w.db, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	for _, sum := range sums {
		delete(w.j.arrived, sum)
	}
	w.j.lost = w.j.lost[len(lost):]
	return nil
}

// RequeueArtifacts puts artifacts that the hub had back into the queue: those of a class whose rows are above idx. It
// becomes durable later, together with the cursor that goes back.
func (j *Journal) RequeueArtifacts(class observation.Class, idx int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost = append(j.lost, lostArtifacts{class, idx})
}

// lostArtifacts are those of a class whose rows are above idx: the hub lost them.
type lostArtifacts struct {
	class observation.Class
	idx   int64
}

func requeue(db *sqlog.DB, l lostArtifacts) error {
	return db.Exec(fmt.Sprintf("UPDATE artifact SET state=? WHERE state=? AND rank%%%d=? AND idx>?", fileRank), artifactWaiting, artifactHeld, int64(l.class), l.idx)
}
