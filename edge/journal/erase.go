package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// Erasing empties the sealed column of rows, so that nothing but their commitments is left of their personal
// values, and removes what devices sent with reads of plates and tags, pictures and documents, and the reports of boxes that
// people drew in a case, in which their labels stand. The rows, their leaves and their proofs stay as they are. SQLite
// overwrites what it frees meanwhile, and its log is emptied at the end.

// eraseChunk is the number of rows that one transaction erases: commits wait for so long.
const eraseChunk = observation.MaxErased

// Erased counts what was erased.
type Erased struct {
	Rows, Artifacts int64
	// InClear counts rows of earlier versions that hold the name in clear. They are signed so, and cannot be
	// erased.
	InClear int64
}

// EraseName erases the personal values of all rows that have a name, a plate or a card's number, among theirs.
func (j *Journal) EraseName(ctx context.Context, name string) (out Erased, err error) {
	var due []Row
	err = queryPages(j, 0, j.Size(), func(r *Row) error {
		switch {
		case r.Salt != nil && personal.Mentions(r.content, name):
			due = append(due, Row{Idx: r.Idx, Kind: r.Kind, Body: r.public})
		case r.public == nil && personal.MentionsInClear(r.Kind, r.Body, name):
			out.InClear++
		}
		return ctx.Err()
	})
	if err != nil {
		return out, err
	}
	if due, err = j.withReports(due); err != nil {
		return out, err
	}
	return out, j.erase(ctx, due, &out)
}

// withReports adds to rows that are to be erased those with the reports of boxes that people drew in them: their files have
// the same labels. By age each of them goes in its turn.
func (j *Journal) withReports(due []Row) ([]Row, error) {
	there := map[int64]bool{}
	for _, r := range due {
		there[r.Idx] = true
	}
	for _, r := range due {
		key := observation.ReportOn(r.Kind, r.Body, j.identity.ID, r.Idx)
		if key == "" {
			continue
		}
		report, _, err := j.Named(observation.AgentDevice, CaseKey(key))
		if err != nil {
			return nil, err
		}
		if report != nil && !there[report.Idx] {
			due = append(due, Row{Idx: report.Idx, Kind: report.Kind, Body: report.Public()})
		}
	}
	return due, nil
}

// CaseKey is the key of the row of an act in a case that the lane does by itself, by the key of the act.
func CaseKey(act string) string { return "case " + act }

// erasedToMeta is in meta: rows below this idx were erased for their age.
const erasedToMeta = "erased_to"

// EraseBefore erases the personal values of all rows that arrived before a time.
func (j *Journal) EraseBefore(ctx context.Context, t time.Time) (out Erased, err error) {
	last, err := j.Arrived(t)
	if err != nil {
		return out, err
	}
	first, err := j.read.Int("SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM meta WHERE key=?", 0, erasedToMeta)
	if err != nil || first >= last {
		return out, err
	}
	for first < last {
		var due []Row
		err := j.read.Query("SELECT idx, kind, body FROM observation WHERE idx>=? AND idx<? AND sealed IS NOT NULL "+
			"ORDER BY idx LIMIT ?", func(c []driver.Value) error {
			due = append(due, Row{
				Idx: sqlog.Int64(c[0]), Kind: observation.Kind(sqlog.Int64(c[1])), Body: sqlog.Bytes(c[2]),
			})
			return nil
		}, first, last, int64(eraseChunk))
		if err != nil {
			return out, err
		}
		if len(due) == 0 {
			break
		}
		if err := j.eraseSome(ctx, due, &out); err != nil {
			return out, err
		}
		first = due[len(due)-1].Idx + 1
	}
	err = j.do(ctx, &request{also: func(db *sqlog.DB) error {
		return db.Exec("INSERT OR REPLACE INTO meta(key, value) VALUES(?, CAST(? AS TEXT))", erasedToMeta, last)
	}})
	if err != nil || out.Rows == 0 {
		return out, err
	}
	return out, j.emptyLog(ctx)
}

// queryPages calls f with the rows from one idx up to another, with their values, a page at a time: other readers
// wait for so long.
func queryPages(j *Journal, from, to int64, f func(*Row) error) error {
	for from < to {
		rows, err := j.Read(from, readPage)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Idx >= to {
				return nil
			}
			if err := f(&rows[i]); err != nil {
				return err
			}
		}
		from = rows[len(rows)-1].Idx + 1
	}
	return nil
}

// erase erases rows, by their public bodies, and what of them is in the log.
func (j *Journal) erase(ctx context.Context, due []Row, out *Erased) error {
	if len(due) == 0 {
		return nil
	}
	for len(due) > 0 {
		n := min(len(due), eraseChunk)
		if err := j.eraseSome(ctx, due[:n], out); err != nil {
			return err
		}
		due = due[n:]
	}
	return j.emptyLog(ctx)
}

// eraseSome erases some rows in one transaction, together with the row that says which, for the hub to do the same.
func (j *Journal) eraseSome(ctx context.Context, due []Row, out *Erased) error {
	idx, sums := make([]int64, len(due)), [][]byte(nil)
	for i, r := range due {
		idx[i] = r.Idx
		if !observation.TakesArtifacts(r.Kind, r.Body) {
			continue
		}
		named, err := observation.ArtifactsIn(r.Body)
		if err != nil {
			return err
		}
		for _, a := range named {
			sums = append(sums, a.Sha256)
		}
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), observation.NewAgentErased(idx, len(sums)))
	o.Device = observation.AgentDevice
	row, err := newRow(o, j.sealer)
	if err != nil {
		return err
	}
	err = j.do(ctx, &request{rows: []Row{row}, also: func(db *sqlog.DB) error { return eraseInTx(db, idx, sums) }})
	if err != nil {
		return err
	}
	out.Rows += int64(len(idx))
	out.Artifacts += int64(len(sums))
	return j.unlinkPruned(ctx)
}

// eraseInTx empties rows and removes artifacts, and has SQLite overwrite what that frees.
func eraseInTx(db *sqlog.DB, rows []int64, sums [][]byte) error {
	return db.Overwriting(func() (err error) {
		for _, idx := range rows {
			err = errors.Join(err, db.Exec("UPDATE observation SET sealed=NULL WHERE idx=?", idx))
		}
		for _, sum := range sums {
			err = errors.Join(err, db.Exec("UPDATE artifact SET inline=NULL, state=? WHERE sha256=? AND state<?",
				artifactPruned, sum, artifactPruned))
		}
		return err
	})
}

// Emptying the log waits for readers of it, which are short.
const (
	logTries = 50
	logPause = 100 * time.Millisecond
)

// ErrLog means that the write-ahead log still holds what was erased, encrypted: somebody reads the database for
// long. The next time that it is emptied, at the latest when the journal is closed, it goes.
var ErrLog = message.Errorf("journal.erase-log")

// emptyLog moves the write-ahead log into the database and empties it.
func (j *Journal) emptyLog(ctx context.Context) error {
	for range logTries {
		done := false
		err := j.do(ctx, &request{after: func(db *sqlog.DB) (err error) {
			done, err = db.EmptyLog()
			return err
		}})
		if err != nil || done {
			return err
		}
		if err := wait.For(ctx, logPause); err != nil {
			return err
		}
	}
	return ErrLog
}
