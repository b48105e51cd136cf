package views

import (
	"cmp"
	"database/sql/driver"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// Slot is the time for which a device's worst state is kept.
const Slot = 30 * time.Minute

// stateRanks rank the states of devices: the worse, the higher.
var stateRanks = map[observation.DeviceState_State]int64{
	observation.DeviceState_STATE_RUNNING: 1, observation.DeviceState_STATE_CONNECTING: 2, observation.DeviceState_STATE_STOPPED: 3,
	observation.DeviceState_STATE_SILENT: 4, observation.DeviceState_STATE_DOWN: 5,
}

// SlotLetters are the letters of Availability by rank: not known, running, connecting, stopped, silent, down.
const SlotLetters = "-rcxsd"

type slotKey struct {
	deviceKey
	slot int64
}

type slotRow struct{ worst, last, idx int64 }

// slot notes a state that a device told.
func (f *deviceFolding) slot(k deviceKey, r *row) error {
	body, err := r.body()
	if err != nil {
		return err
	}
	rank, key := stateRanks[body.GetDeviceState().GetState()], slotKey{k, r.TimeNs / int64(Slot)}
	s, known := f.slots[key]
	s.worst = max(s.worst, rank)
	if !known || r.Idx > s.idx {
		s.last, s.idx = rank, r.Idx
	}
	f.slots[key] = s
	return nil
}

func (f *deviceFolding) finishSlots() error {
	for _, k := range sortedFunc(f.slots, func(a, b slotKey) int {
		return cmp.Or(compareDevices(a.deviceKey, b.deviceKey), cmp.Compare(a.slot, b.slot))
	}) {
		s := f.slots[k]
		err := f.Exec(`INSERT INTO view_device_slot(owner, device, slot, worst, last, idx) VALUES(?,?,?,?,?,?)
			ON CONFLICT(owner, device, slot) DO UPDATE
			SET worst=CASE WHEN excluded.worst>view_device_slot.worst THEN excluded.worst ELSE view_device_slot.worst END,
			last=CASE WHEN excluded.idx>view_device_slot.idx THEN excluded.last ELSE view_device_slot.last END,
			idx=CASE WHEN excluded.idx>view_device_slot.idx THEN excluded.idx ELSE view_device_slot.idx END`,
			k.owner, k.device, k.slot, s.worst, s.last, s.idx)
		if err != nil {
			return err
		}
	}
	return nil
}

// Availability returns a letter (SlotLetters) for each of n slots from a time on, by device of a journal: the worst state
// that it was in, by what it told then and last before.
func (v *Views) Availability(owner int64, from time.Time, n int) (map[string]string, error) {
	if !v.there() {
		return nil, nil
	}
	first := from.UnixNano() / int64(Slot)
	worst := map[string][]int64{}
	err := v.query(`SELECT s.device, s.last FROM view_device_slot s
		JOIN (SELECT device, max(slot) AS slot FROM view_device_slot WHERE owner=? AND slot<? GROUP BY device) m
		ON s.device=m.device AND s.slot=m.slot WHERE s.owner=?`, func(r []driver.Value) error {
		worst[sqlog.Text(r[0])] = slotsOf(n, sqlog.Int64(r[1]))
		return nil
	}, owner, first, owner)
	if err != nil {
		return nil, err
	}
	err = v.query("SELECT device, slot, worst, last FROM view_device_slot WHERE owner=? AND slot>=? AND slot<? ORDER BY device, slot",
		func(r []driver.Value) error {
			device, slot := sqlog.Text(r[0]), sqlog.Int64(r[1])-first
			if worst[device] == nil {
				worst[device] = slotsOf(n, 0)
			}
			all := worst[device]
			all[slot] = max(all[slot], sqlog.Int64(r[2]))
			copy(all[slot+1:], slotsOf(n, sqlog.Int64(r[3])))
			return nil
		}, owner, first, first+int64(n))
	out := map[string]string{}
	for device, ranks := range worst {
		letters := make([]byte, n)
		for i, rank := range ranks {
			letters[i] = SlotLetters[min(max(rank, 0), int64(len(SlotLetters)-1))]
		}
		out[device] = string(letters)
	}
	return out, err
}

// slotsOf returns n slots of one rank.
func slotsOf(n int, rank int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = rank
	}
	return out
}
