package tables

import (
	"database/sql/driver"
	"strings"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// Events implements store.Reader.
func (t Reader) Events(after, upTo int64, limit int, f store.Filter) (out []store.Event, err error) {
	where, args := conditions(f)
	query := "SELECT " + columns + ", j.journal, j.site, j.agent, " +
		"r.passage, p.plate, r.confidence, r.other, q.plate, r.other_confidence " +
		"FROM observation o " + t.InOrder + " journal j ON j.id=o.owner " +
		"LEFT JOIN passage_reading r ON r.owner=o.owner AND r.idx=o.idx " +
		"LEFT JOIN passage p ON p.owner=r.owner AND p.id=r.passage " +
		"LEFT JOIN passage q ON q.owner=r.owner AND q.id=r.other WHERE o.seq>? AND o.seq<=?" + where + " ORDER BY o.seq LIMIT ?"
	args = append(append([]driver.Value{after, upTo}, args...), int64(limit))
	err = t.Query(query, func(r []driver.Value) error {
		out = append(out, store.Event{
			OwnedRow: scanOwned(r), JournalRef: scanRef(r[9:]), Passage: scanCandidate(r[12:]), Other: scanCandidate(r[15:]),
		})
		return nil
	}, args...)
	return out, err
}

// scanCandidate returns the passage of the columns passage, its plate, its confidence. NULL, from an outer join, is
// none.
func scanCandidate(r []driver.Value) store.Candidate {
	return store.Candidate{Passage: sqlog.Text(r[0]), Plate: sqlog.Text(r[1]), Confidence: sqlog.Float64(r[2])}
}

// conditions returns a filter as conditions of a WHERE clause, each beginning with AND, and their arguments.
func conditions(f store.Filter) (text string, args []driver.Value) {
	if f.Site != "" {
		text, args = text+" AND j.site=?", append(args, f.Site)
	}
	if f.Agent != "" {
		text, args = text+" AND j.agent=?", append(args, f.Agent)
	}
	text, args = among(text, args, "o.class IN", f.Classes)
	text, args = among(text, args, "o.kind IN", f.Only)
	return among(text, args, "o.kind NOT IN", f.Not)
}

// among adds the condition that a column has one of some values, if there are any.
func among[N ~int32](text string, args []driver.Value, condition string, values []N) (string, []driver.Value) {
	if len(values) == 0 {
		return text, args
	}
	for _, v := range values {
		args = append(args, int64(v))
	}
	return text + " AND " + condition + " (?" + strings.Repeat(",?", len(values)-1) + ")", args
}

// Accepted implements store.Reader.
func (t Reader) Accepted() (out []store.JournalRef, err error) {
	err = t.Query("SELECT journal, site, agent FROM journal WHERE refused=''", func(r []driver.Value) error {
		out = append(out, scanRef(r))
		return nil
	})
	return out, err
}

// HasKey implements store.Reader.
func (t Reader) HasKey(of store.Sender) (bool, error) {
	n, err := integer(t, "SELECT count(*) FROM agent WHERE site=? AND agent=?", 0, of.Site, of.Agent)
	return n > 0, err
}

// HelloOf implements store.Reader.
func (t Reader) HelloOf(journal []byte, whole bool) (h store.Hello, err error) {
	columns := "hello, '', NULL, size"
	if whole {
		columns = helloColumns
	}
	err = t.Query("SELECT "+columns+" FROM journal j WHERE journal=?", func(r []driver.Value) error {
		h = scanHello(r)
		return nil
	}, journal)
	return h, err
}

// helloColumns are what scanHello reads.
const helloColumns = "j.hello, j.software, j.inventory, j.size"

func scanHello(r []driver.Value) store.Hello {
	return store.Hello{TimeNs: sqlog.Int64(r[0]), Software: sqlog.Text(r[1]), Inventory: sqlog.Bytes(r[2]), Size: sqlog.Int64(r[3])}
}

// Places implements store.Reader.
func (t Reader) Places(after store.Place, limit int) (out []store.Place, err error) {
	err = t.Query(`SELECT hello, id, length(inventory) FROM journal WHERE (hello, id) < (?, ?)
		ORDER BY hello DESC, id DESC LIMIT ?`, func(r []driver.Value) error {
		out = append(out, store.Place{HelloNs: sqlog.Int64(r[0]), ID: sqlog.Int64(r[1]), Bytes: sqlog.Int64(r[2])})
		return nil
	}, after.HelloNs, after.ID, int64(limit))
	return out, err
}

// Summary implements store.Reader.
func (t Reader) Summary(id int64) (found *store.Summary, err error) {
	err = t.Query("SELECT "+journalColumns+", "+helloColumns+" FROM journal j "+withOriginal+" WHERE j.id=?", func(r []driver.Value) error {
		found = &store.Summary{Journal: scanJournal(r), Hello: scanHello(r[12:])}
		return nil
	}, id)
	if err != nil || found == nil {
		return nil, err
	}
	return found, readCursors(t, &found.Journal)
}

// artifactColumns are what scanArtifact reads.
const artifactColumns = "a.sha256, a.size, a.media_type, a.held, EXISTS(SELECT 1 FROM pull p WHERE p.sha256=a.sha256), "

func scanArtifact(r []driver.Value) *store.Artifact {
	return &store.Artifact{
		SHA256: sqlog.Bytes(r[0]), Size: sqlog.Int64(r[1]), MediaType: sqlog.Text(r[2]), HeldNs: sqlog.Int64(r[3]),
		Pulled: sqlog.Int64(r[4]) != 0, Inline: sqlog.Bytes(r[5]),
	}
}

// Artifact implements store.Reader.
func (t Reader) Artifact(sum []byte, inline bool) (found *store.Artifact, err error) {
	bytes := "NULL"
	if inline {
		bytes = "a.inline"
	}
	err = t.Query("SELECT "+artifactColumns+bytes+" FROM artifact a WHERE a.sha256=?", func(r []driver.Value) error {
		found = scanArtifact(r)
		return nil
	}, sum)
	return found, err
}

// NamedBy implements store.Reader.
func (t Reader) NamedBy(sum []byte, limit int) (out []store.Naming, err error) {
	err = t.Query(`SELECT j.journal, j.site, j.agent, r.idx, r.name, r.size FROM artifact_row r
		JOIN journal j ON j.id=r.owner WHERE r.sha256=? ORDER BY r.owner, r.idx LIMIT ?`, func(r []driver.Value) error {
		out = append(out, store.Naming{
			JournalRef: scanRef(r), Idx: sqlog.Int64(r[3]), Name: sqlog.Text(r[4]), Size: sqlog.Int64(r[5]),
		})
		return nil
	}, sum, int64(limit))
	return out, err
}
