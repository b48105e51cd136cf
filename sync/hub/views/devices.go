package views

import (
	"cmp"
	"database/sql/driver"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// devices says of each device of an agent which row has its newest state, which have its conditions, and when it was
// last seen, and what it was in each half hour. Of rows of different classes the later one in the journal counts, in
// whichever order they come.
var devices = fold{
	name: "devices", version: 2, tables: []string{"view_device", "view_condition", "view_device_slot"},
	schema: `CREATE TABLE IF NOT EXISTS view_device(
	owner  BIGINT NOT NULL,       -- journal.id
	device TEXT NOT NULL,
	seen   BIGINT NOT NULL,       -- minute since 1970, UTC, of its newest row
	state  BIGINT NOT NULL,       -- row device.state, -1 for none
	PRIMARY KEY(owner, device)
) CLUSTERED;
CREATE TABLE IF NOT EXISTS view_condition(
	owner     BIGINT NOT NULL,
	device    TEXT NOT NULL,
	condition TEXT NOT NULL,
	subject   TEXT NOT NULL,
	idx       BIGINT NOT NULL,    -- row device.condition, the newest of this condition
	cleared   SMALLINT NOT NULL,  -- 1 when it is over
	PRIMARY KEY(owner, device, condition, subject)
) CLUSTERED;
CREATE TABLE IF NOT EXISTS view_device_slot(
	owner  BIGINT NOT NULL,
	device TEXT NOT NULL,
	slot   BIGINT NOT NULL,       -- half hours since 1970, UTC, in which the device told a state
	worst  SMALLINT NOT NULL,     -- of the states told in it (stateRanks)
	last   SMALLINT NOT NULL,     -- of them
	idx    BIGINT NOT NULL,       -- row of the last
	PRIMARY KEY(owner, device, slot)
) CLUSTERED;`,
	bodies: []observation.Kind{observation.Kind_KIND_DEVICE_STATE, observation.Kind_KIND_DEVICE_CONDITION},
	begin: func(b *batch) folding {
		return &deviceFolding{b, map[deviceKey]*deviceRow{}, map[conditionKey]conditionRow{}, map[slotKey]slotRow{}}
	},
}

type deviceKey struct {
	owner  int64
	device string
}

type deviceRow struct{ seen, state int64 }

type conditionKey struct {
	deviceKey
	condition, subject string
}

type conditionRow struct{ idx, cleared int64 }

type deviceFolding struct {
	*batch
	changed    map[deviceKey]*deviceRow
	conditions map[conditionKey]conditionRow
	slots      map[slotKey]slotRow
}

func (f *deviceFolding) row(r *row) error {
	k := deviceKey{r.Owner, r.Device}
	switch r.Kind {
	case observation.Kind_KIND_DEVICE_STATE:
		if err := storable(r.Device); err != nil {
			return err
		}
		d := f.device(k)
		d.state = max(d.state, r.Idx)
		return f.slot(k, r)
	case observation.Kind_KIND_DEVICE_CONDITION:
		return f.condition(k, r)
	}
	return nil
}

// device returns what the batch has of a device.
func (f *deviceFolding) device(k deviceKey) *deviceRow {
	d := f.changed[k]
	if d == nil {
		d = &deviceRow{state: -1}
		f.changed[k] = d
	}
	return d
}

// hear notes when devices were seen. One is seen with nearly every batch: what is written is one row a minute.
func (f *deviceFolding) hear() {
	for k, timeNs := range f.heard {
		minute := timeNs / int64(time.Minute)
		known := f.changed[k] == nil && minute <= f.seen[k]
		if known || k.device == observation.AgentDevice || storable(k.device) != nil {
			continue
		}
		d := f.device(k)
		d.seen = max(d.seen, minute)
		if len(f.seen) >= maxRemembered {
			clear(f.seen)
		}
		f.seen[k] = max(f.seen[k], minute)
	}
}

func (f *deviceFolding) condition(k deviceKey, r *row) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	c := body.GetDeviceCondition()
	if err := storable(r.Device, c.GetCondition(), c.GetSubject()); err != nil {
		return err
	}
	key := conditionKey{k, c.GetCondition(), c.GetSubject()}
	if was, ok := f.conditions[key]; ok && was.idx > r.Idx {
		return nil
	}
	now := conditionRow{idx: r.Idx}
	if c.GetCleared() {
		now.cleared = 1
	}
	f.conditions[key] = now
	return nil
}

func (f *deviceFolding) erased(*row) error { return nil }

func (f *deviceFolding) finish() error {
	f.hear()
	for _, k := range sortedFunc(f.changed, compareDevices) {
		d := f.changed[k]
		err := f.Exec(`INSERT INTO view_device(owner, device, seen, state) VALUES(?,?,?,?) ON CONFLICT(owner, device) DO UPDATE
			SET seen=CASE WHEN excluded.seen>view_device.seen THEN excluded.seen ELSE view_device.seen END,
			state=CASE WHEN excluded.state>view_device.state THEN excluded.state ELSE view_device.state END`,
			k.owner, k.device, d.seen, d.state)
		if err != nil {
			return err
		}
	}
	for _, k := range sortedFunc(f.conditions, func(a, b conditionKey) int {
		return cmp.Or(compareDevices(a.deviceKey, b.deviceKey), cmp.Compare(a.condition, b.condition), cmp.Compare(a.subject, b.subject))
	}) {
		c := f.conditions[k]
		err := f.Exec(`INSERT INTO view_condition(owner, device, condition, subject, idx, cleared) VALUES(?,?,?,?,?,?)
			ON CONFLICT(owner, device, condition, subject) DO UPDATE SET idx=excluded.idx, cleared=excluded.cleared
			WHERE excluded.idx>view_condition.idx`, k.owner, k.device, k.condition, k.subject, c.idx, c.cleared)
		if err != nil {
			return err
		}
	}
	return f.finishSlots()
}

func compareDevices(a, b deviceKey) int {
	return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.device, b.device))
}

// Device is what is known of a device of an agent.
type Device struct {
	Device     string
	Seen       time.Time                  // of its newest row, to the minute
	State      *observation.Observation   // device.state, the newest; nil for none
	Conditions []*observation.Observation // device.condition, those that are not over
}

// Devices returns the devices of a journal, by name.
func (v *Views) Devices(owner int64) (out []Device, err error) {
	if !v.there() {
		return nil, nil
	}
	states, at := map[string]int64{}, map[string]int{}
	var indices []int64
	err = v.query("SELECT device, seen, state FROM view_device WHERE owner=? ORDER BY device", func(r []driver.Value) error {
		d := Device{Device: sqlog.Text(r[0]), Seen: time.Unix(60*sqlog.Int64(r[1]), 0).UTC()}
		states[d.Device], at[d.Device] = sqlog.Int64(r[2]), len(out)
		out, indices = append(out, d), append(indices, sqlog.Int64(r[2]))
		return nil
	}, owner)
	if err != nil {
		return nil, err
	}
	conditions := map[int64]string{}
	err = v.query("SELECT device, idx FROM view_condition WHERE owner=? AND cleared=0 ORDER BY device, condition, subject",
		func(r []driver.Value) error {
			conditions[sqlog.Int64(r[1])] = sqlog.Text(r[0])
			indices = append(indices, sqlog.Int64(r[1]))
			return nil
		}, owner)
	if err != nil {
		return nil, err
	}
	rows, err := v.rows(owner, indices)
	for _, idx := range slices.Compact(slices.Sorted(slices.Values(indices))) {
		o := rows[idx]
		if o == nil {
			continue
		}
		i, known := at[o.Device]
		switch {
		case known && states[o.Device] == idx:
			out[i].State = o
		case known:
			out[i].Conditions = append(out[i].Conditions, o)
		}
	}
	return out, err
}

// OpenCondition names the row of a condition that is not over.
type OpenCondition struct{ Owner, Idx int64 }

// OpenConditions returns the conditions of all devices that are not over, most of them at most. Those of agents themselves
// are left out: they tell of something that was.
func (v *Views) OpenConditions(most int) (out []OpenCondition, err error) {
	if !v.there() {
		return nil, nil
	}
	err = v.query("SELECT owner, idx FROM view_condition WHERE cleared=0 AND device<>? ORDER BY owner, idx LIMIT ?",
		func(r []driver.Value) error {
			out = append(out, OpenCondition{sqlog.Int64(r[0]), sqlog.Int64(r[1])})
			return nil
		}, observation.AgentDevice, int64(most))
	return out, err
}

// Rows returns observations of a journal by their rows, as people read them. Those that are not held are absent.
func (v *Views) Rows(owner int64, indices []int64) (map[int64]*observation.Observation, error) {
	return v.rows(owner, indices)
}
