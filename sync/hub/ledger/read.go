package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// Event is one row of the ledger, as the feed gives it. What is said of passages is as of the time
// of reading, and may change with later rows.
type Event struct {
	Seq         int64 // the feed's cursor
	Site, Agent string
	Journal     []byte
	Idx         int64
	Class       observation.Class
	TimeNs      int64
	Device      string
	Kind        observation.Kind
	Body        []byte
	Candidate             // passage that the reading belongs to, as the lane has said so far
	Other       Candidate // passage of which it may be as well
}

// Durable returns the seq of the newest durable row, and a channel that is closed when there is a
// newer one.
func (l *Ledger) Durable() (int64, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable, l.changed
}

// Filter selects rows of the feed; the zero Filter selects all. Its conditions hold together.
type Filter struct {
	Site, Agent string
	Classes     []observation.Class
	only, not   []observation.Kind // AddKind
}

// AddKind adds a condition on the kind: "radiation.occupancy", "radiation.*", or with a leading "-"
// all kinds but these. A name that fits no kind is an error, so that a typing error does not give
// an empty feed.
func (f *Filter) AddKind(name string) error {
	bare, not := strings.CutPrefix(name, "-")
	var found []observation.Kind
	for number := range observation.Kind_name {
		k := observation.Kind(number)
		family, all := strings.CutSuffix(bare, "*")
		if k != 0 && (k.Name() == bare || all && strings.HasPrefix(k.Name(), family)) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		return message.Errorf("feed.kind", message.Quoted("kind", name))
	case not:
		f.not = append(f.not, found...)
	default:
		f.only = append(f.only, found...)
	}
	return nil
}

// where returns the filter as conditions of a WHERE clause, each beginning with AND, and their
// arguments.
func (f Filter) where() (text string, args []driver.Value) {
	if f.Site != "" {
		text, args = text+" AND j.site=?", append(args, f.Site)
	}
	if f.Agent != "" {
		text, args = text+" AND j.agent=?", append(args, f.Agent)
	}
	text, args = among(text, args, "o.class IN", f.Classes)
	text, args = among(text, args, "o.kind IN", f.only)
	return among(text, args, "o.kind NOT IN", f.not)
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

// maxLanes bounds the journals whose inventories are kept decoded; beyond it all are dropped and
// decoded again.
const maxLanes = 4096

// lanesOf is the lanes of one journal's devices, as of the hello at a time, ns since 1970.
type lanesOf struct {
	hello int64
	lanes map[string]string // by device
}

// LaneOf returns the lane at which a journal's device stands, "" where its last hello does not say.
// Inventories are decoded once for each hello, not for each row. It may be called from any
// goroutine.
func (l *Ledger) LaneOf(journal []byte, device string) (string, error) {
	l.lanesMu.Lock()
	defer l.lanesMu.Unlock()
	hello, err := l.read.Int("SELECT hello FROM journal WHERE journal=?", 0, journal)
	if err != nil {
		return "", err
	}
	known, ok := l.lanes[string(journal)]
	if !ok || known.hello != hello {
		if known, err = l.readLanes(journal); err != nil {
			return "", err
		}
		if len(l.lanes) >= maxLanes {
			clear(l.lanes)
		}
		l.lanes[string(journal)] = known
	}
	return known.lanes[device], nil
}

// readLanes decodes the inventory of a journal's last hello. A journal that is not there has no
// lanes.
func (l *Ledger) readLanes(journal []byte) (lanesOf, error) {
	out := lanesOf{lanes: map[string]string{}}
	err := l.read.Query("SELECT hello, inventory FROM journal WHERE journal=?", func(r []driver.Value) error {
		var inventory observation.Inventory
		if err := proto.Unmarshal(sqlog.Bytes(r[1]), &inventory); err != nil {
			return fmt.Errorf("inventory of journal %x: %w", journal, err)
		}
		out.hello = sqlog.Int64(r[0])
		for _, d := range inventory.Devices {
			out.lanes[d.Id] = d.Lane
		}
		return nil
	}, journal)
	return out, err
}

// Events returns up to limit rows after a cursor, in the order of commit. The seq of a row is taken
// in the transaction that commits it, so no row appears later below a seq that was read. It may be
// called from any goroutine.
func (l *Ledger) Events(after int64, limit int, filter Filter) (out []Event, err error) {
	where, args := filter.where()
	query := "SELECT o.seq, j.site, j.agent, j.journal, o.idx, o.class, o.t, o.device, o.kind, o.body, " +
		"r.passage, p.plate, r.confidence, r.other, q.plate, r.other_confidence, o.sealed " +
		"FROM observation o CROSS JOIN journal j ON j.id=o.owner " +
		"LEFT JOIN passage_reading r ON r.owner=o.owner AND r.idx=o.idx " +
		"LEFT JOIN passage p ON p.owner=r.owner AND p.id=r.passage " +
		"LEFT JOIN passage q ON q.owner=r.owner AND q.id=r.other WHERE o.seq>?" + where + " ORDER BY o.seq LIMIT ?"
	args = append(append([]driver.Value{after}, args...), int64(limit))
	err = l.read.Query(query, func(r []driver.Value) error {
		kind := observation.Kind(sqlog.Int64(r[8]))
		body, err := WithValues(l.sealer, kind, sqlog.Bytes(r[9]), sqlog.Bytes(r[16]), personal.ErasedWord)
		if err != nil {
			body = sqlog.Bytes(r[9]) // it is no protobuf, and the feed says so
		}
		out = append(out, Event{
			Seq: sqlog.Int64(r[0]), Site: sqlog.Text(r[1]), Agent: sqlog.Text(r[2]), Journal: sqlog.Bytes(r[3]), Idx: sqlog.Int64(r[4]),
			Class: observation.Class(sqlog.Int64(r[5])), TimeNs: sqlog.Int64(r[6]), Device: sqlog.Text(r[7]),
			Kind: kind, Body: body,
			Candidate: l.candidate(r[10:13]), Other: l.candidate(r[13:16]),
		})
		return nil
	}, args...)
	return out, err
}

// Audited is the outcome of the audit of one journal's copy.
type Audited struct {
	Summary
	Report *evidence.Report
}

// Audit compares every journal's copy with its tiles and signed checkpoints, offline or beside a
// running hub. path is the hub's directory or the ledger file. verifierKey "" means the key that
// the hub has pinned for each agent; otherwise only journals that this key signed are found right.
// It stops with the context's error when ctx ends; out holds the journals that were audited before
// an error.
func Audit(ctx context.Context, path, verifierKey string) (out []Audited, err error) {
	if filepath.Ext(path) != ".db" {
		path = filepath.Join(path, FileName)
	}
	var open []*sqlog.DB
	defer func() {
		for _, db := range open {
			err = errors.Join(err, db.Close())
		}
	}()
	for range 2 { // tiles are read while rows are
		db, err := sqlog.Open(path, sqlog.ReadOnly)
		if err != nil {
			return nil, err
		}
		db.StopWith(ctx)
		open = append(open, db)
	}
	all, err := (&Ledger{read: open[0]}).allJournals()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if verifierKey != "" {
			s.Verifier = verifierKey
		}
		report, err := auditOne(open[0], open[1], s)
		if err != nil {
			return out, err
		}
		out = append(out, Audited{s, report})
	}
	return out, nil
}

// auditOne audits one journal. rows and tiles are two connections, as tiles are read while rows
// are.
func auditOne(rows, tiles *sqlog.DB, s Summary) (*evidence.Report, error) {
	verifier, err := note.NewVerifier(s.Verifier)
	if err != nil {
		return nil, err
	}
	var key []byte
	log := auditLog{rows: rows}
	err = rows.Query("SELECT j.id, j.blind_key, j.tail, ifnull(o.id, 0) FROM journal j "+withOriginal+" WHERE j.journal=?",
		func(r []driver.Value) (err error) {
			log.Store = sqlog.NewOwnedStore(tiles, sqlog.Int64(r[0]))
			log.id, key, log.original = sqlog.Int64(r[0]), sqlog.Bytes(r[1]), sqlog.Int64(r[3])
			log.tail, err = evidence.DecodeHashes(sqlog.Bytes(r[2]))
			return err
		}, s.Journal)
	if err != nil {
		return nil, err
	}
	return evidence.Audit(log, key, verifier, originOf(Sender{s.Site, s.Agent}, s.Journal, s.ForkOf))
}

// auditLog is one journal's copy as evidence.Audit reads it: the rows without holes.
type auditLog struct {
	*sqlog.Store
	rows     *sqlog.DB
	id       int64
	original int64 // of a fork: the journal that has the rows which both share; 0 for none
	tail     []evidence.Hash
}

// Tail implements evidence.Tailed.
func (a auditLog) Tail() ([]evidence.Hash, error) { return a.tail, nil }

// Removed implements evidence.Thinned: the rows that are not here, as far as the agent's own rows declare them removed.
func (a auditLog) Removed() (out []evidence.Range, err error) {
	err = a.rows.Query("SELECT body FROM observation WHERE owner=? AND kind=56 ORDER BY idx", func(r []driver.Value) error {
		var body observation.Body
		if err := proto.Unmarshal(sqlog.Bytes(r[0]), &body); err != nil {
			return err
		}
		for first, last := range body.GetAgentPruned().Removed() {
			out = append(out, evidence.Range{First: first, Last: last})
		}
		return nil
	}, a.id)
	evidence.SortRanges(out)
	return out, err
}

// errHole ends the reading of rows.
var errHole = errors.New("hole")

// Rows implements evidence.Log. It ends at the first hole: rows after it wait for those before, and
// are in no checkpoint.
func (a auditLog) Rows(f func(int64, evidence.Record) error) error {
	next := int64(0)
	err := a.rows.Query(`SELECT class, t, kind, device, body, idx, 0 FROM observation WHERE owner=?1
		UNION ALL SELECT o.class, o.t, o.kind, o.device, o.body, o.idx, 0
		FROM shared s JOIN observation o ON o.owner=?2 AND o.idx=s.idx WHERE s.owner=?1
		UNION ALL SELECT class, 0, 0, '', NULL, idx, 1 FROM gap WHERE owner=?1 ORDER BY idx`, func(r []driver.Value) error {
		idx, removed := sqlog.Int64(r[5]), sqlog.Int64(r[6]) != 0
		if idx != next {
			return errHole
		}
		next++
		if removed {
			return nil
		}
		return f(idx, *recordOf(r))
	}, a.id, a.original)
	if errors.Is(err, errHole) {
		return nil
	}
	return err
}
