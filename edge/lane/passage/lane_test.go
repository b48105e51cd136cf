package passage

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// dawn is when the tests' day begins.
var dawn = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

// twoLanes are a lane with three stations and late results, and one beside it that shares nothing.
func twoLanes() []Lane {
	return []Lane{
		{ID: "lane-1", SpeedKph: 7.2, Timeout: time.Minute, Stations: []Station{
			{ID: "entry", Position: 0, Devices: []string{"loop-1", "lpr-1"}},
			{ID: "portal", Position: 10, Devices: []string{"rpm-1"}},
			{ID: "scan", Position: 16, Devices: []string{"xray-1"}, Late: true},
			{ID: "exit", Position: 24, Devices: []string{"loop-2", "scale-1"}},
		}},
		{ID: "lane-2", SpeedKph: 7.2, Timeout: time.Minute, Stations: []Station{
			{ID: "entry", Position: 0, Devices: []string{"loop-3"}},
			{ID: "exit", Position: 20, Devices: []string{"loop-4"}},
		}},
	}
}

// seen makes an observation of the agent's time.
func seen(device string, at float64, body proto.Message) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, dawn.Add(seconds(at)), body)
	o.Device, o.Key = device, fmt.Sprintf("%s %.2f", device, at)
	return o
}

func loop(device string, at float64) *observation.Observation {
	return seen(device, at, &observation.VehicleDetection{
		EndNs: dawn.Add(seconds(at + 4)).UnixNano(), SpeedKph: 7.2, LengthM: 7.5,
	})
}

func portal(device string, at float64, alarm bool) *observation.Observation {
	o := seen(device, at, &observation.RadiationOccupancy{EndNs: dawn.Add(seconds(at + 4.2)).UnixNano(), SpeedKph: 7.2})
	if alarm {
		o.Class = observation.Class_CLASS_ALARM
	}
	return o
}

func plate(device string, at float64, text string) *observation.Observation {
	return seen(device, at, &observation.VehiclePlate{Normal: text, Skeleton: text, Confidence: 0.97})
}

func weight(device string, at, kg float64) *observation.Observation {
	return seen(device, at, &observation.VehicleWeight{Kg: kg})
}

func image(device string, at float64, name string) *observation.Observation {
	return seen(device, at, &observation.XrayImage{ScanInstance: "scan " + name, SopInstance: "image " + name, OoiId: name})
}

func quality(device string, at float64, name string) *observation.Observation {
	return seen(device, at, &observation.XrayQuality{ScanInstance: "scan " + name})
}

// through is a vehicle that drives through lane 1 at 2 m/s.
func through(at float64, name string) []*observation.Observation {
	return []*observation.Observation{
		loop("loop-1", at), plate("lpr-1", at+0.4, name), portal("rpm-1", at+5, false), image("xray-1", at+8, name),
		loop("loop-2", at+12), weight("scale-1", at+13, 12_000),
	}
}

// failer is *testing.T or *rapid.T.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// day is a correlator with the journal that it reads and writes.
type day struct {
	*Correlator
	t    failer
	rows []Row
}

func newDay(t failer, lanes []Lane) *day {
	d := &day{Correlator: New(lanes), t: t}
	d.Fetch = d.fetch
	return d
}

func (d *day) fetch(idx int64) (Row, bool) {
	if idx < 0 || idx >= int64(len(d.rows)) {
		return Row{}, false
	}
	return d.rows[idx], true
}

// journal appends a row, and returns its index.
func (d *day) journal(o *observation.Observation) int64 {
	d.rows = append(d.rows, Row{int64(len(d.rows)), o})
	return int64(len(d.rows) - 1)
}

// take journals observations and what follows from them.
func (d *day) take(all ...*observation.Observation) {
	for _, o := range all {
		idx := d.journal(o)
		for _, said := range d.Take(d.rows[idx]) {
			d.journal(said)
		}
	}
}

// wait lets seconds pass.
func (d *day) wait(s float64) {
	for _, said := range d.Tick(dawn.Add(seconds(d.Correlator.now-float64(dawn.Unix())) + seconds(s))) {
		d.journal(said)
	}
}

// correct journals what a person says, and takes it.
func (d *day) correct(key, to string) {
	d.t.Helper()
	want := &correction{idx: d.row(key), to: to, reason: "seen by eye", by: "ada"}
	now := dawn.Add(seconds(d.Correlator.now - float64(dawn.Unix())))
	o, err := d.Correlator.correct(want, now)
	if err == errElsewhere {
		want.found = d.search(want.idx, to)
		o, err = d.Correlator.correct(want, now)
	}
	if err != nil {
		d.t.Fatalf("%s to %q: %v", key, to, err)
	}
	d.take(o)
}

// search is what the follower finds in the journal.
func (d *day) search(idx int64, to string) *found {
	out := &found{row: d.rows[idx]}
	for _, r := range d.rows {
		if p := r.Body.GetPassageOpened(); p != nil && p.Id == to {
			out.to = true
		}
		eachStatement(r.Body, func(of int64, s statement) {
			if of == idx {
				out.from = s
			}
		})
	}
	return out
}

// row returns the index of the row with a key.
func (d *day) row(key string) int64 {
	d.t.Helper()
	i := slices.IndexFunc(d.rows, func(r Row) bool { return r.Key == key })
	if i < 0 {
		d.t.Fatalf("there is no row %q", key)
	}
	return int64(i)
}

// said returns, by key, the passage of each reading as the journal says it.
func (d *day) said() map[string]string {
	out := map[string]string{}
	for _, r := range d.rows {
		eachStatement(r.Body, func(idx int64, s statement) { out[d.rows[idx].Key] = s.passage })
	}
	return out
}

// doc returns the document of the passage that a reading is in.
func (d *day) doc(key string) *observation.PassageClosed {
	d.t.Helper()
	id := d.said()[key]
	v, g := d.passage(id)
	if v == nil {
		d.t.Fatalf("%s is in no passage", key)
	}
	return d.document(g, v)
}

// together fails unless readings are in one passage, and nothing else is.
func (d *day) together(keys ...string) {
	d.t.Helper()
	said := d.said()
	var in []string
	for key, id := range said {
		if id != "" && id == said[keys[0]] {
			in = append(in, key)
		}
	}
	slices.Sort(in)
	if want := slices.Sorted(slices.Values(keys)); !slices.Equal(in, want) {
		d.t.Errorf("together are %q, not %q", in, want)
	}
}

func keysOf(all []*observation.Observation) (out []string) {
	for _, o := range all {
		out = append(out, o.Key)
	}
	return out
}
