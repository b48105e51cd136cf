package views

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// hours counts by the hour: rows of class alarm by kind, and vehicles that a device saw, of each row; passages and
// outcomes as package-wide counts of the fold of passages, which takes back what it counted of a passage before it
// counts it again.
var hours = fold{
	name: "hours", version: 1, tables: []string{"view_hour"},
	schema: `CREATE TABLE IF NOT EXISTS view_hour(
	hour   BIGINT NOT NULL,       -- since 1970, UTC
	owner  BIGINT NOT NULL,       -- journal.id
	lane   TEXT NOT NULL,         -- of passages and outcomes; '' for what is of a device, whose lane its agent says
	device TEXT NOT NULL,         -- '' for passages and outcomes
	what   TEXT NOT NULL,         -- passages, alarms, detections, alarm.KIND, outcome.OUTCOME
	n      BIGINT NOT NULL,
	PRIMARY KEY(hour, owner, lane, device, what)
) CLUSTERED;`,
	bodies: []observation.Kind{observation.Kind_KIND_RADIATION_SPECTRUM},
	begin:  func(b *batch) folding { return &hourFolding{b} },
}

// hourKey is a counter.
type hourKey struct {
	hour               int64
	owner              int64
	lane, device, what string
}

// What is counted. Behind those with a dot the kind of the alarm, or the outcome, stands.
const (
	CountPassages   = "passages"   // vehicles
	CountAlarms     = "alarms"     // vehicles with an alarm, or with one that may be theirs
	CountDetections = "detections" // vehicles as one device counts them
	CountAlarmKind  = "alarm."     // rows of class alarm
	CountOutcome    = "outcome."   // decisions in force
)

// count adds n to the counter of an hour.
func (b *batch) count(timeNs, owner int64, lane, device, what string, n int64) {
	b.counted[hourKey{timeNs / int64(time.Hour), owner, lane, device, what}] += n
}

type hourFolding struct{ *batch }

func (h *hourFolding) row(r *row) error {
	d := observation.Describe(r.Kind)
	alarm := r.Class == observation.Class_CLASS_ALARM
	if d.Detections == nil && !alarm {
		return nil
	}
	if err := storable(r.Device); err != nil {
		return err
	}
	if alarm {
		h.count(r.TimeNs, r.Owner, "", r.Device, CountAlarmKind+r.Kind.Name(), 1)
	}
	if d.Detections == nil {
		return nil
	}
	var body proto.Message
	switch r.Kind {
	case observation.Kind_KIND_RADIATION_SPECTRUM:
		b, err := r.body()
		if err != nil {
			return err
		}
		body = b.Typed()
	default:
		body = &observation.RadiationOccupancy{} // each is one vehicle
	}
	if n := int64(d.Detections(body)); n > 0 {
		h.count(r.TimeNs, r.Owner, "", r.Device, CountDetections, n)
	}
	return nil
}

func (h *hourFolding) erased(*row) error { return nil }

func (h *hourFolding) finish() error {
	keys := make([]hourKey, 0, len(h.counted))
	for k := range h.counted {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b hourKey) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.owner, b.owner), cmp.Compare(a.lane, b.lane),
			cmp.Compare(a.device, b.device), cmp.Compare(a.what, b.what))
	})
	for _, k := range keys {
		n := h.counted[k]
		if n == 0 {
			continue
		}
		err := h.Exec(`INSERT INTO view_hour(hour, owner, lane, device, what, n) VALUES(?,?,?,?,?,?)
			ON CONFLICT(hour, owner, lane, device, what) DO UPDATE SET n=view_hour.n+excluded.n`,
			k.hour, k.owner, k.lane, k.device, k.what, n)
		if err == nil && n < 0 {
			err = h.Exec("DELETE FROM view_hour WHERE hour=? AND owner=? AND lane=? AND device=? AND what=? AND n=0",
				k.hour, k.owner, k.lane, k.device, k.what)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
