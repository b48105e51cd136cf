package views

import (
	"database/sql/driver"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api/looks"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger/store"
)

// looked has one row for each look of a person at a vehicle, case, picture or search, at a lane or at the centre. What was
// searched for is kept as a keyed hash, as names of vehicles are.
var looked = fold{
	name: "looks", version: 1, tables: []string{"view_look"},
	schema: `CREATE TABLE IF NOT EXISTS view_look(
	seq     BIGINT NOT NULL PRIMARY KEY,
	owner   BIGINT NOT NULL,       -- journal.id
	idx     BIGINT NOT NULL,
	at      BIGINT NOT NULL,       -- ns UTC
	account TEXT NOT NULL,
	site    TEXT NOT NULL,         -- of what was looked at; empty where the centre's row does not say it
	agent   TEXT NOT NULL,
	what    TEXT NOT NULL,         -- passage, case, artifact, search, cases, feed
	thing   TEXT NOT NULL,         -- id of the passage or case, SHA-256 (hex) of the artifact; else empty
	name    BIGINT NOT NULL        -- hash of what was searched for, 0 for none
);
CREATE INDEX IF NOT EXISTS view_look_time ON view_look(at, seq);
CREATE INDEX IF NOT EXISTS view_look_account ON view_look(account, at, seq);
CREATE INDEX IF NOT EXISTS view_look_thing ON view_look(thing, at, seq) WHERE thing<>'';
CREATE INDEX IF NOT EXISTS view_look_name ON view_look(name, at, seq) WHERE name<>0;`,
	bodies: []observation.Kind{observation.Kind_KIND_AGENT_ACCESS},
	begin:  func(b *batch) folding { return &lookFolding{batch: b} },
}

// lookRow is a row of the table.
type lookRow struct {
	*row
	account, site, agent, what, thing string
	name                              int64
}

type lookFolding struct {
	*batch
	all []lookRow
}

func (f *lookFolding) row(r *row) error {
	if r.Kind != observation.Kind_KIND_AGENT_ACCESS {
		return nil
	}
	body, err := r.values()
	if err != nil {
		return err
	}
	a := body.GetAgentAccess()
	if a.GetAction() != looks.Action {
		return nil
	}
	of, err := f.sender(r.Owner)
	if err != nil {
		return err
	}
	l := lookAt(a, of)
	l.row = r
	if l.what == "search" {
		l.name = lookHash(f.sealer, l.thing)
		l.thing = ""
	}
	if err := storable(l.account, l.site, l.agent, l.what, l.thing); err != nil {
		return err
	}
	f.all = append(f.all, l)
	return nil
}

// lookAt returns what somebody looked at, by a row of a lane's or of the hub's journal. Of a search, thing is the text.
func lookAt(a *observation.AgentAccess, of store.Sender) (l lookRow) {
	l.account, l.site, l.agent = a.User, of.Site, of.Agent
	_, l.what, _ = strings.Cut(a.GetMessage().GetCode(), "look.")
	l.thing = firstText(a.GetMessage())
	if of != hubjournal.Name {
		return l
	}
	l.site, l.agent = "", ""
	if parts := strings.SplitN(l.thing, " / ", 3); len(parts) == 3 && (l.what == "passage" || l.what == "case") {
		l.site, l.agent, l.thing = parts[0], parts[1], parts[2]
	}
	return l
}

// firstText returns the first argument of a message; of one in quotation marks, what is between these.
func firstText(m *observation.Message) string {
	for depth := 0; depth < 2 && len(m.GetArguments()) > 0; depth++ {
		if text := m.Arguments[0].GetText(); text != "" {
			return text
		}
		m = m.Arguments[0].GetMessage()
	}
	return ""
}

// lookHash returns what stands for a text that was searched for; whatever kind of name it is, characters that look alike
// are one.
func lookHash(s *personal.Sealer, text string) int64 {
	return hashOf(s, observation.PlateName, text)
}

// erased takes the hash of a search out whose text was erased.
func (f *lookFolding) erased(r *row) error { return f.row(r) }

func (f *lookFolding) finish() error {
	for _, l := range f.all {
		err := f.Exec(`INSERT INTO view_look(seq, owner, idx, at, account, site, agent, what, thing, name) VALUES(?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT(seq) DO UPDATE SET name=excluded.name`,
			l.Seq, l.Owner, l.Idx, l.TimeNs, l.account, l.site, l.agent, l.what, l.thing, l.name)
		if err != nil {
			return err
		}
	}
	return nil
}

// Look is that a person looked at something.
type Look struct {
	By          store.Sender // whose row it is: a lane's, or the hub's own
	Of          store.Sender // where what was looked at is of; empty where the row does not say it
	What, Thing string       // as in the table
	Time        time.Time
	Access      *observation.AgentAccess
}

// LookSearch says which looks are searched for. Its conditions hold together; the zero one is all.
type LookSearch struct {
	Account string
	Name    string   // of a vehicle: it was searched for, or a passage of it was looked at
	Thing   string   // id of a passage or case, or SHA-256 (hex) of a picture
	Site    string   // of what was looked at
	Sites   []string // one of these; none for all
	From    time.Time
	To      time.Time
}

// namedPassages bounds the passages of a name whose looks are searched for.
const namedPassages = 200

// Looks returns a page of looks, newest first, and where the next page begins; nil after the last.
func (v *Views) Looks(s LookSearch, after Place, limit int) (out []Look, next *Place, err error) {
	if !v.there() {
		return nil, nil, nil
	}
	if after == (Place{}) {
		after = first
	}
	if before := s.To.UnixNano(); !s.To.IsZero() && before < after.At {
		after = Place{before, 0}
	}
	where, args := "(at, seq) < (?, ?)", []driver.Value{after.At, after.No}
	add := func(condition string, value ...driver.Value) {
		where, args = where+" AND "+condition, append(args, value...)
	}
	if s.Account != "" {
		add("account=?", s.Account)
	}
	if s.Thing != "" {
		add("thing=? AND thing<>''", s.Thing)
	}
	if s.Site != "" {
		add("site=?", s.Site)
	}
	if len(s.Sites) > 0 {
		add("site IN ("+places(len(s.Sites))+")", texts(s.Sites)...)
	}
	if !s.From.IsZero() {
		add("at>=?", s.From.UnixNano())
	}
	if s.Name != "" {
		if err := v.addNamed(s, add); err != nil {
			return nil, nil, err
		}
	}
	return v.lookPage(where, args, limit)
}

// addNamed has looks found of searches for a name, and at the passages that have it.
func (v *Views) addNamed(s LookSearch, add func(string, ...driver.Value)) error {
	found, _, err := v.Passages(Search{Names: map[string]string{}, Any: s.Name, Sites: s.Sites}, Place{}, namedPassages)
	if err != nil {
		return err
	}
	condition, args := "(name=? AND name<>0)", []driver.Value{lookHash(v.ledger.Sealer(), s.Name)}
	if len(found) > 0 {
		condition += " OR (thing<>'' AND thing IN (" + places(len(found)) + "))"
		for i := range found {
			args = append(args, found[i].Document.Id)
		}
	}
	add("("+condition+")", args...)
	return nil
}

// lookPage reads looks of the table, with their rows.
func (v *Views) lookPage(where string, args []driver.Value, limit int) (out []Look, next *Place, err error) {
	type one struct {
		seq, owner, idx, at      int64
		site, agent, what, thing string
	}
	var all []one
	err = v.query("SELECT seq, owner, idx, at, site, agent, what, thing FROM view_look WHERE "+where+" ORDER BY at DESC, seq DESC LIMIT ?",
		func(r []driver.Value) error {
			all = append(all, one{sqlog.Int64(r[0]), sqlog.Int64(r[1]), sqlog.Int64(r[2]), sqlog.Int64(r[3]),
				sqlog.Text(r[4]), sqlog.Text(r[5]), sqlog.Text(r[6]), sqlog.Text(r[7])})
			return nil
		}, append(args, int64(limit))...)
	rows := map[int64][]int64{}
	for _, l := range all {
		rows[l.owner] = append(rows[l.owner], l.idx)
	}
	read := map[int64]map[int64]*observation.Observation{}
	for owner, indices := range rows {
		if err != nil {
			return nil, nil, err
		}
		read[owner], err = v.rows(owner, indices)
	}
	for _, l := range all {
		if err != nil {
			return nil, nil, err
		}
		made := Look{Of: store.Sender{Site: l.site, Agent: l.agent}, What: l.what, Thing: l.thing, Time: time.Unix(0, l.at).UTC()}
		made.Access = read[l.owner][l.idx].GetBody().GetAgentAccess()
		if made.By, err = v.senderOf(l.owner); err == nil && made.Access != nil {
			out = append(out, made)
		}
	}
	if len(all) == limit && limit > 0 {
		next = &Place{all[limit-1].at, all[limit-1].seq}
	}
	return out, next, err
}
