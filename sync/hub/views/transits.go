package views

import (
	"cmp"
	"database/sql/driver"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/policy"
	"lanewarden/sync/hub/ledger/store"
)

// transits says where containers in transit were seen: what the last decision of a presentation with such goods says
// of each container. One that was sent on at its entry and was seen nowhere since is under way; one that came to an
// exit, and was not sent on anywhere before, has no entry. The container's number is in the decision's row; here it
// is a keyed hash.
var transits = fold{
	name: "transits", version: 1, tables: []string{"view_transit"},
	schema: `CREATE TABLE IF NOT EXISTS view_transit(
	hash         BIGINT NOT NULL,    -- keyed, of the container
	at           BIGINT NOT NULL,    -- of the decision, ns UTC
	owner        BIGINT NOT NULL,    -- journal.id
	presentation TEXT NOT NULL,
	idx          BIGINT NOT NULL,    -- row clearance.decision
	revision     BIGINT NOT NULL,
	step         SMALLINT NOT NULL,  -- 1: it was sent on, 2: it arrived, 3: it arrived and was not expected
	exit_site    TEXT NOT NULL,      -- where it is to leave, of a container that was sent on
	PRIMARY KEY(hash, at, owner, presentation)
) CLUSTERED;
CREATE INDEX IF NOT EXISTS view_transit_step ON view_transit(step, at);
CREATE INDEX IF NOT EXISTS view_transit_of ON view_transit(presentation, owner);`,
	bodies: []observation.Kind{observation.Kind_KIND_CLEARANCE_DECISION},
	begin:  func(b *batch) folding { return &transitFolding{b, map[presentationKey][]transitRow{}} },
}

// The steps of a container's way.
const (
	transitSentOn = iota + 1
	transitArrived
	transitNotExpected
)

// transitSteps are the reasons of a shipment that say which step it is (docs/clearance.md).
var transitSteps = map[string]int64{
	string(policy.TransitOnward): transitSentOn, string(policy.TransitMatch): transitArrived,
	string(policy.TransitNotExpected): transitNotExpected,
}

// transitClass is the class of a shipment of goods in transit.
const transitClass = "intransit"

type transitRow struct {
	hash, at, idx, revision, step int64
	exitSite                      string
}

type transitFolding struct {
	*batch
	now map[presentationKey][]transitRow
}

func (f *transitFolding) row(r *row) error {
	if r.Kind != observation.Kind_KIND_CLEARANCE_DECISION {
		return nil
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	inTransit := func(s *observation.ShipmentDecision) bool { return s.Class == transitClass }
	if !slices.ContainsFunc(body.GetClearanceDecision().GetShipments(), inTransit) {
		return nil
	}
	if body, err = r.values(); err != nil {
		return err
	}
	d := body.GetClearanceDecision()
	if err := storable(d.Presentation); err != nil {
		return err
	}
	k := presentationKey{r.Owner, d.Presentation}
	if had := f.now[k]; len(had) > 0 && had[0].revision > int64(d.Revision) {
		return nil
	}
	f.now[k] = nil
	for _, s := range d.Shipments {
		one := transitRow{at: r.TimeNs, idx: r.Idx, revision: int64(d.Revision)}
		one.step, one.exitSite = stepOf(s)
		one.hash = hashOf(f.sealer, observation.ContainerName, s.Container)
		if inTransit(s) && one.step != 0 && one.hash != 0 && storable(one.exitSite) == nil {
			f.now[k] = append(f.now[k], one)
		}
	}
	return nil
}

// stepOf returns what a decision says of a shipment's way, 0 for nothing, and where it is to leave.
func stepOf(s *observation.ShipmentDecision) (step int64, exitSite string) {
	for _, r := range s.Reasons {
		if transitSteps[r.Code] == 0 {
			continue
		}
		step, exitSite = transitSteps[r.Code], ""
		for _, a := range r.GetText().GetArguments() {
			if a.Name == "site" && step == transitSentOn {
				exitSite = a.GetText()
			}
		}
	}
	return step, exitSite
}

// erased drops what is known of the containers of a decision.
func (f *transitFolding) erased(r *row) error {
	if r.Kind != observation.Kind_KIND_CLEARANCE_DECISION {
		return nil
	}
	return f.Exec("DELETE FROM view_transit WHERE owner=? AND idx=?", r.Owner, r.Idx)
}

func (f *transitFolding) finish() error {
	for _, k := range sortedFunc(f.now, func(a, b presentationKey) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.id, b.id))
	}) {
		if err := f.write(k, f.now[k]); err != nil {
			return err
		}
	}
	return nil
}

// write replaces what the table has of a presentation, unless that is of a later revision.
func (f *transitFolding) write(k presentationKey, rows []transitRow) error {
	if len(rows) == 0 {
		return nil
	}
	had, err := integer(f, "SELECT max(revision) FROM view_transit WHERE presentation=? AND owner=?", k.id, k.owner)
	if err != nil || had > rows[0].revision {
		return err
	}
	if err := f.Exec("DELETE FROM view_transit WHERE presentation=? AND owner=?", k.id, k.owner); err != nil {
		return err
	}
	for _, r := range rows {
		err := f.Exec(`INSERT INTO view_transit(hash, at, owner, presentation, idx, revision, step, exit_site)
			VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`, r.hash, r.at, k.owner, k.id, r.idx, r.revision, r.step, r.exitSite)
		if err != nil {
			return err
		}
	}
	return nil
}

// Transit is a container that is under way, or that arrived and was sent on nowhere before.
type Transit struct {
	store.Sender // where it was seen last
	Lane         string
	Passage      string // id; empty while it was not known
	Container    string
	At           time.Time // when it was sent on, or arrived
	ExitSite     string    // where it is to leave; empty for one that arrived
	Arrived      bool      // it arrived without an entry
}

// maxTransits bounds the containers of an answer.
const maxTransits = 1000

// OpenTransits returns containers that were sent on since a time and were seen nowhere since, oldest first: those
// that are to leave at a site, or all with site "". It is what an exit lane has to expect.
func (v *Views) OpenTransits(site string, since time.Time) ([]Transit, error) {
	where, args := "t.step=? AND t.at>=?", []driver.Value{int64(transitSentOn), since.UnixNano()}
	if site != "" {
		where, args = where+" AND t.exit_site=?", append(args, site)
	}
	return v.transits(where+` AND NOT EXISTS (SELECT 1 FROM view_transit x WHERE x.hash=t.hash AND x.at>t.at)
		ORDER BY t.at LIMIT ?`, append(args, int64(maxTransits))...)
}

// WithoutEntry returns containers that arrived since a time and were sent on nowhere before, newest first.
func (v *Views) WithoutEntry(since time.Time) ([]Transit, error) {
	return v.transits(`t.step>? AND t.at>=? AND coalesce((SELECT x.step FROM view_transit x WHERE x.hash=t.hash AND x.at<t.at
		ORDER BY x.at DESC LIMIT 1), 0)<>? ORDER BY t.at DESC LIMIT ?`, int64(transitSentOn), since.UnixNano(),
		int64(transitSentOn), int64(maxTransits))
}

// transits returns the containers of a query. One whose number was erased is left out.
func (v *Views) transits(where string, args ...driver.Value) (out []Transit, err error) {
	if !v.there() {
		return nil, nil
	}
	type found struct {
		transitRow
		owner int64
	}
	var all []found
	err = v.query("SELECT t.hash, t.at, t.owner, t.idx, t.step, t.exit_site FROM view_transit t WHERE "+where,
		func(r []driver.Value) error {
			all = append(all, found{transitRow{hash: sqlog.Int64(r[0]), at: sqlog.Int64(r[1]), idx: sqlog.Int64(r[3]),
				step: sqlog.Int64(r[4]), exitSite: sqlog.Text(r[5])}, sqlog.Int64(r[2])})
			return nil
		}, args...)
	for _, f := range all {
		if err != nil {
			return nil, err
		}
		var rows map[int64]*observation.Observation
		if rows, err = v.rows(f.owner, []int64{f.idx}); err != nil {
			return nil, err
		}
		one := Transit{At: time.Unix(0, f.at).UTC(), ExitSite: f.exitSite, Arrived: f.step != transitSentOn}
		d := rows[f.idx].GetBody().GetClearanceDecision()
		one.Lane, one.Passage = d.GetLane(), d.GetPassage()
		for _, s := range d.GetShipments() {
			if hashOf(v.ledger.Sealer(), observation.ContainerName, s.Container) == f.hash {
				one.Container = s.Container
			}
		}
		if one.Sender, err = v.senderOf(f.owner); err == nil && one.Container != "" {
			out = append(out, one)
		}
	}
	return out, err
}
