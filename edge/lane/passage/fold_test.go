package passage

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// someTraffic draws what some vehicles leave in lane 1, in the order in which it arrives, and what others leave in
// lane 2.
func someTraffic(t *rapid.T) (out []*observation.Observation) {
	at := 0.0
	for v := range rapid.IntRange(1, 5).Draw(t, "vehicles") {
		at += rapid.Float64Range(5, 40).Draw(t, "headway")
		name := fmt.Sprintf("%c%c%c%d", 'A'+v, 'K'+v, 'T'-v, 111*(v+1))
		for i, o := range through(at, name) {
			if rapid.IntRange(0, 9).Draw(t, "missed") == 0 {
				continue
			}
			late := time.Duration(rapid.IntRange(0, 5).Draw(t, "late")) * time.Second
			o.Body.AgentDelayNs = int64(late)
			o.Key = fmt.Sprintf("%d-%d", v, i)
			if i == 2 && rapid.IntRange(0, 4).Draw(t, "alarm") == 0 {
				o.Class = observation.Class_CLASS_ALARM
			}
			out = append(out, o)
		}
		if rapid.Bool().Draw(t, "beside") {
			o := loop("loop-3", at+1)
			o.Key = fmt.Sprintf("%d-beside", v)
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *observation.Observation) int { return detection.Arrival(a).Compare(detection.Arrival(b)) })
	return out
}

// corrections draws readings and where a person puts them, while the day goes on.
func (d *day) corrections(t *rapid.T, pins map[string]string) {
	said := d.said()
	if len(said) == 0 || rapid.IntRange(0, 5).Draw(t, "correct") > 0 {
		return
	}
	keys, ids := []string{}, []string{""}
	for key, id := range said {
		keys = append(keys, key)
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(keys)
	slices.Sort(ids)
	key, to := rapid.SampledFrom(keys).Draw(t, "reading"), rapid.SampledFrom(ids).Draw(t, "passage")
	d.correct(key, to)
	pins[key] = to
}

// TestFold draws traffic and corrections. At every moment each reading is in at most one passage; documents are the
// fold of their readings and of nothing else; what a person said holds; and a correlator that reads the journal anew
// is in the same state.
func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDay(t, twoLanes())
		pins := map[string]string{}
		for _, o := range someTraffic(t) {
			d.take(o)
			d.corrections(t, pins)
			d.holds(t, pins)
		}
		for range 4 {
			d.wait(60)
			d.corrections(t, pins)
			d.holds(t, pins)
		}
		again := newDay(t, twoLanes())
		again.rows = d.rows
		for _, r := range d.rows {
			again.Take(r)
		}
		d.wait(1000)
		again.Tick(detection.Time(d.Correlator.now))
		x, y := d.documentsByID(), again.documentsByID()
		for id := range x {
			if y[id] == nil || !proto.Equal(x[id], y[id]) {
				t.Errorf("live and replayed:\n%v\n%v", x[id], y[id])
			}
		}
	})
}

func (d *day) documentsByID() map[string]*observation.PassageClosed {
	out := map[string]*observation.PassageClosed{}
	for _, g := range d.groups {
		for _, v := range g.vehicles {
			if len(v.readings) > 0 {
				out[v.id] = d.document(g, v)
			}
		}
	}
	return out
}

// holds fails unless what must always be is so.
func (d *day) holds(t *rapid.T, pins map[string]string) {
	in := map[int64]string{}
	for _, g := range d.groups {
		for _, v := range g.vehicles {
			doc := d.document(g, v)
			for _, r := range doc.Readings {
				if other, ok := in[r.Idx]; ok {
					t.Fatalf("reading %d is in %s and in %s", r.Idx, other, v.id)
				}
				in[r.Idx] = v.id
			}
			d.folded(t, doc)
		}
	}
	for key, to := range pins {
		idx := d.row(key)
		if in[idx] != to {
			t.Fatalf("%s is in %q, and a person put it into %q", key, in[idx], to)
		}
	}
}

// folded fails unless a document says what the rows of its readings say.
func (d *day) folded(t *rapid.T, doc *observation.PassageClosed) {
	want := &observation.PassageClosed{Confidence: 1}
	best := float32(0)
	readings := slices.Clone(doc.Readings)
	slices.SortStableFunc(readings, func(a, b *observation.PassageReading) int { return cmp.Compare(a.TimeNs, b.TimeNs) })
	for _, r := range readings {
		row := d.rows[r.Idx]
		want.Alarm = want.Alarm || row.Class == observation.Class_CLASS_ALARM
		want.Confidence = min(want.Confidence, r.Confidence)
		if w := row.Body.GetVehicleWeight(); w != nil {
			want.WeightKg = w.Kg
		}
		if p := row.Body.GetVehiclePlate(); p != nil && p.Confidence > best {
			best, want.Plate = p.Confidence, p.Normal
		}
	}
	if doc.Alarm != want.Alarm || doc.WeightKg != want.WeightKg || doc.Plate != want.Plate || doc.Confidence != want.Confidence {
		t.Fatalf("%s is alarm %v, %.0f kg, %q, %f; its readings say %v", doc.Id, doc.Alarm, doc.WeightKg, doc.Plate, doc.Confidence, want)
	}
	possible := false
	for _, r := range doc.Possible {
		possible = possible || r.Class == uint32(observation.Class_CLASS_ALARM)
	}
	if doc.AlarmPossible != possible {
		t.Fatalf("%s: alarm possible %v", doc.Id, doc.AlarmPossible)
	}
}

// TestAtOnce: in which order rows come that arrive at the same moment changes nothing but their indices.
func TestAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := someTraffic(t)
		for _, o := range all { // to whole seconds, so that many arrive at once
			arrived := detection.Arrival(o).Truncate(2 * time.Second).Add(2 * time.Second)
			o.Body.AgentDelayNs = arrived.Sub(o.Time()).Nanoseconds()
		}
		mixed := rapid.Permutation(all).Draw(t, "order")
		byArrival := func(a, b *observation.Observation) int { return detection.Arrival(a).Compare(detection.Arrival(b)) }
		slices.SortStableFunc(all, byArrival)
		slices.SortStableFunc(mixed, byArrival)
		var got [2]map[string][]string
		for i, rows := range [][]*observation.Observation{all, mixed} {
			d := newDay(t, twoLanes())
			d.take(rows...)
			d.wait(1000)
			got[i] = d.companions()
		}
		for key := range got[0] {
			if !slices.Equal(got[0][key], got[1][key]) {
				t.Errorf("%s is with %q, and in another order with %q", key, got[0][key], got[1][key])
			}
		}
	})
}

// companions returns, for each reading, the keys of all that are in its passage.
func (d *day) companions() map[string][]string {
	members := map[string][]string{}
	said := d.said()
	for key, id := range said {
		members[id] = append(members[id], key)
	}
	out := map[string][]string{}
	for key, id := range said {
		if id != "" {
			slices.Sort(members[id])
			out[key] = members[id]
		}
	}
	return out
}
