package tables

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// NameArtifacts implements store.Artifacts.
func (t Tx) NameArtifacts(named []store.NamedArtifact) error {
	for _, a := range named {
		err := t.Exec("INSERT INTO artifact(sha256, size, media_type, held) VALUES(?,?,?,0) ON CONFLICT DO NOTHING", a.SHA256,
			a.Size, a.MediaType)
		if err != nil {
			return err
		}
		err = t.Exec("INSERT INTO artifact_row(sha256, owner, idx, name, size) VALUES(?,?,?,?,?) ON CONFLICT DO NOTHING",
			a.SHA256, a.Owner, a.Idx, a.Name, a.Size)
		if err != nil {
			return err
		}
	}
	return nil
}

// NamedArtifact implements store.Artifacts.
func (t Tx) NamedArtifact(owner int64, sum []byte, size int64) (named bool, held int64, err error) {
	held = -1
	err = t.Query(`SELECT a.held, a.size FROM artifact a JOIN artifact_row r ON r.sha256=a.sha256
		WHERE a.sha256=? AND r.owner=? AND r.size=? LIMIT 1`, func(r []driver.Value) error {
		named = true
		if sqlog.Int64(r[0]) != 0 {
			held = sqlog.Int64(r[1])
		}
		return nil
	}, sum, owner, size)
	return named, held, err
}

// HoldArtifact implements store.Artifacts.
func (t Tx) HoldArtifact(sum []byte, size int64, inline []byte, atNs int64) error {
	err := t.Exec("UPDATE artifact SET inline=?, size=?, held=? WHERE sha256=?", orNull(inline), size, atNs, sum)
	if err != nil {
		return err
	}
	return t.Exec("DELETE FROM pull WHERE sha256=?", sum)
}

// IsHeld implements store.Artifacts.
func (t Tx) IsHeld(sum []byte) (bool, error) {
	held, err := integer(t, "SELECT held FROM artifact WHERE sha256=?", 0, sum)
	return held != 0, err
}

// DropArtifact implements store.Artifacts.
func (t Tx) DropArtifact(sum []byte) error {
	return t.Exec("UPDATE artifact SET inline=NULL, held=0 WHERE sha256=?", sum)
}

// Pull implements store.Artifacts.
func (t Tx) Pull(sum []byte, atNs int64) (asked []store.JournalRef, err error) {
	err = t.Exec("INSERT INTO pull(sha256, at) SELECT sha256, CAST(? AS BIGINT) FROM artifact WHERE sha256=? AND held=0 ON CONFLICT DO NOTHING",
		atNs, sum)
	if err != nil {
		return nil, err
	}
	err = t.Query(`SELECT DISTINCT j.journal, j.site, j.agent FROM pull p JOIN artifact_row r ON r.sha256=p.sha256
		JOIN journal j ON j.id=r.owner WHERE p.sha256=? AND j.refused=''`, func(r []driver.Value) error {
		asked = append(asked, scanRef(r))
		return nil
	}, sum)
	return asked, err
}

// scanRef returns the journal of the columns journal, site, agent.
func scanRef(r []driver.Value) store.JournalRef {
	return store.JournalRef{Journal: sqlog.Bytes(r[0]), Sender: store.Sender{Site: sqlog.Text(r[1]), Agent: sqlog.Text(r[2])}}
}

// Pulls implements store.Artifacts.
func (t Tx) Pulls(owner int64, limit int) (out [][]byte, err error) {
	err = t.Query(`SELECT p.sha256 FROM pull p WHERE EXISTS
		(SELECT 1 FROM artifact_row r WHERE r.sha256=p.sha256 AND r.owner=?) ORDER BY p.at LIMIT ?`, func(r []driver.Value) error {
		out = append(out, sqlog.Bytes(r[0]))
		return nil
	}, owner, int64(limit))
	return out, err
}
