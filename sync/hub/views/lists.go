package views

import (
	"cmp"
	"database/sql/driver"
	"path"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire/layout"
)

// listsInForce says which version of each list an agent has: what it took from the centre (orders.checked), and what
// its decisions say they used, which also says when the centre issued it. The later row of the journal counts.
var listsInForce = fold{
	name: "lists", version: 1, tables: []string{"view_list"},
	schema: `CREATE TABLE IF NOT EXISTS view_list(
	owner   BIGINT NOT NULL,      -- journal.id
	list    TEXT NOT NULL,
	version BIGINT NOT NULL,
	issued  BIGINT NOT NULL,      -- by the centre, ns UTC; 0 while no decision has told it
	idx     BIGINT NOT NULL,      -- row that said so
	PRIMARY KEY(owner, list)
) CLUSTERED;`,
	bodies: []observation.Kind{observation.Kind_KIND_ORDERS_CHECKED, observation.Kind_KIND_CLEARANCE_DECISION},
	begin:  func(b *batch) folding { return &listFolding{b, map[listKey]listRow{}} },
}

type listKey struct {
	owner int64
	list  string
}

type listRow struct{ version, issued, idx int64 }

type listFolding struct {
	*batch
	now map[listKey]listRow
}

func (f *listFolding) row(r *row) error {
	if r.Kind != observation.Kind_KIND_ORDERS_CHECKED && r.Kind != observation.Kind_KIND_CLEARANCE_DECISION {
		return nil
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	for _, t := range body.GetOrdersChecked().GetTaken() {
		if list, version, ok := parseListPath(t.Path); ok {
			f.set(r, list, listRow{version, 0, r.Idx})
		}
	}
	for _, l := range body.GetClearanceDecision().GetLists() {
		f.set(r, l.List, listRow{l.Version, l.IssuedNs, r.Idx})
	}
	return nil
}

func (f *listFolding) set(r *row, list string, now listRow) {
	if k := (listKey{r.Owner, list}); storable(list) == nil && now.idx >= f.now[k].idx {
		if was, ok := f.now[k]; ok && was.version == now.version {
			now.issued = max(now.issued, was.issued)
		}
		f.now[k] = now
	}
}

// parseListPath returns the list and version that a published file brings into force: "lists/targets/12.full",
// "lists/targets/11-12.delta".
func parseListPath(name string) (list string, version int64, ok bool) {
	rest, ok := strings.CutPrefix(name, layout.ListsPrefix)
	list, file, two := strings.Cut(rest, "/")
	if !ok || !two {
		return "", 0, false
	}
	number := strings.TrimSuffix(file, path.Ext(file))
	number = number[strings.LastIndexByte(number, '-')+1:]
	version, err := strconv.ParseInt(number, 10, 64)
	return list, version, err == nil
}

func (f *listFolding) erased(*row) error { return nil }

// finish writes what is newer than what the table has. Decisions name the same versions again and again; only another
// version, or the time of issue that was not known, is written.
func (f *listFolding) finish() error {
	for _, k := range sortedFunc(f.now, func(a, b listKey) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.list, b.list))
	}) {
		l := f.now[k]
		err := f.Exec(`INSERT INTO view_list(owner, list, version, issued, idx) VALUES(?,?,?,?,?) ON CONFLICT(owner, list)
			DO UPDATE SET version=excluded.version, idx=excluded.idx, issued=CASE WHEN excluded.issued=0
			AND excluded.version=view_list.version THEN view_list.issued ELSE excluded.issued END
			WHERE excluded.idx>view_list.idx`, k.owner, k.list, l.version, l.issued, l.idx)
		if err != nil {
			return err
		}
	}
	return nil
}

// List is a list as an agent has it in force.
type List struct {
	List    string
	Version int64
	Issued  time.Time // by the centre; zero while no decision has told it
}

// Lists returns the lists that a journal's agent has in force.
func (v *Views) Lists(owner int64) (out []List, err error) {
	if !v.there() {
		return nil, nil
	}
	err = v.query("SELECT list, version, issued FROM view_list WHERE owner=? ORDER BY list", func(r []driver.Value) error {
		l := List{List: sqlog.Text(r[0]), Version: sqlog.Int64(r[1])}
		if ns := sqlog.Int64(r[2]); ns != 0 {
			l.Issued = time.Unix(0, ns).UTC()
		}
		out = append(out, l)
		return nil
	}, owner)
	return out, err
}
