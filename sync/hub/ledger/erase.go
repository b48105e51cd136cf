package ledger

import (
	"database/sql/driver"
	"errors"
	"strconv"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// What an agent erased is erased here too: its rows of kind agent.erased say which rows that are. Their bodies,
// leaves and proofs stay.

// noteErasures does what rows of one journal say of erasures, to the rows that a fork shares with its original as
// well. A row that cannot be decoded says nothing.
func (l *Ledger) noteErasures(c *replica, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		if r.Device != observation.AgentDevice || r.Kind != observation.Kind_KIND_AGENT_ERASED {
			continue
		}
		body := &observation.Body{}
		if proto.Unmarshal(r.Body, body) != nil {
			continue
		}
		which := idxList(body.GetAgentErased())
		err := l.eraseRows("owner=?1 AND idx IN (SELECT value FROM json_each(?2))", c.id, which)
		if err == nil && c.original != 0 {
			err = l.eraseRows(`owner=?1 AND idx IN (SELECT value FROM json_each(?2)) AND EXISTS
				(SELECT 1 FROM shared s WHERE s.owner=?3 AND s.idx=observation.idx)`, c.original, which, c.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// idxList is a JSON array of the rows that e declares erased, MaxErased at most: no agent declares more in one row, and
// one that did would hold up the others.
func idxList(e *observation.AgentErased) string {
	list := []byte{'['}
	n := 0
	for first, last := range e.Erased() {
		for idx := first; idx <= last && n < observation.MaxErased; idx++ {
			if n++; n > 1 {
				list = append(list, ',')
			}
			list = strconv.AppendInt(list, idx, 10)
		}
		if n == observation.MaxErased {
			break
		}
	}
	return string(append(list, ']'))
}

// sealedRow is a row that is to be erased.
type sealedRow struct {
	owner, idx int64
	kind       observation.Kind
	body       []byte
}

// eraseRows erases the personal values of the rows that a condition (SQL) selects: those in the rows, the plates of
// their passages, and the artifacts of reads of plates and tags.
func (l *Ledger) eraseRows(where string, args ...driver.Value) error {
	for {
		var due []sealedRow
		const sealed = "SELECT owner, idx, kind, body FROM observation WHERE sealed IS NOT NULL AND "
		err := l.db.Query(sealed+where+" LIMIT 1000",
			func(c []driver.Value) error {
				due = append(due, scanSealed(c))
				return nil
			}, args...)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := l.eraseAll(due); err != nil { // erased, they are not found again
			return err
		}
	}
}

// eraseAll erases rows.
func (l *Ledger) eraseAll(due []sealedRow) error {
	if len(due) == 0 {
		return nil
	}
	l.logHolds = true
	return l.db.Overwriting(func() (err error) {
		for _, r := range due {
			empty := "UPDATE observation SET sealed=NULL WHERE owner=? AND idx=?"
			err = errors.Join(err, l.db.Exec(empty, r.owner, r.idx), l.erasePlates(r), l.eraseArtifacts(r))
		}
		return err
	})
}

// erasePlates takes an erased row's plate out of the tables of passages.
func (l *Ledger) erasePlates(r sealedRow) error {
	if observation.Describe(r.kind).Subject == observation.OfPassage {
		body := &observation.Body{}
		if err := proto.Unmarshal(r.body, body); err != nil {
			return nil // it never told a plate
		}
		named, ok := body.Typed().(interface{ GetId() string })
		if !ok {
			return nil
		}
		return l.db.Exec("UPDATE passage SET plate='' WHERE owner=? AND id=?", r.owner, named.GetId())
	}
	return errors.Join(
		l.db.Exec(`UPDATE passage SET plate='' WHERE owner=?1 AND plate<>'' AND (id, plate)=
			(SELECT passage, plate FROM passage_reading r WHERE r.owner=?1 AND r.idx=?2)`, r.owner, r.idx),
		l.db.Exec("UPDATE passage_reading SET plate='' WHERE owner=? AND idx=?", r.owner, r.idx),
		l.db.Exec("UPDATE artifact_row SET name='' WHERE owner=? AND idx=?", r.owner, r.idx))
}

// eraseArtifacts removes what a device sent with a read of a plate or a tag, unless another row still shows it. A file
// goes when the transaction is durable.
func (l *Ledger) eraseArtifacts(r sealedRow) error {
	if observation.Describe(r.kind).Reads == "" {
		return nil
	}
	named, err := observation.ArtifactsIn(r.body)
	if err != nil {
		return nil // it names none
	}
	for _, a := range named {
		if len(a.Sha256) == 0 {
			continue
		}
		shown, err := l.shownElsewhere(a.Sha256, r)
		if err != nil {
			return err
		}
		if shown {
			continue
		}
		if err := l.db.Exec("UPDATE artifact SET inline=NULL, held=0 WHERE sha256=?", a.Sha256); err != nil {
			return err
		}
		l.spent = append(l.spent, l.parts.path(a.Sha256))
	}
	return nil
}

// shownElsewhere reports whether a row other than r, of any agent, has an artifact and is not erased. Without it an
// agent could remove another's artifact by naming it in a read and erasing that.
func (l *Ledger) shownElsewhere(sum []byte, r sealedRow) (shown bool, err error) {
	err = l.db.Query(`SELECT o.kind, o.sealed IS NOT NULL FROM artifact_row a JOIN observation o USING(owner, idx)
		WHERE a.sha256=? AND NOT (a.owner=? AND a.idx=?)`,
		func(c []driver.Value) error {
			erasable := observation.Describe(observation.Kind(sqlog.Int64(c[0]))).Reads != ""
			shown = shown || !erasable || sqlog.Int64(c[1]) != 0
			return nil
		}, sum, r.owner, r.idx)
	return shown, err
}

// emptyLog moves the write-ahead log into the database and empties it when it may hold what was erased. While
// somebody reads, or the disk refuses, it is left to the next group.
func (l *Ledger) emptyLog() {
	if l.logHolds {
		done, err := l.db.EmptyLog()
		l.logHolds = err != nil || !done
	}
}
