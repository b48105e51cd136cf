package booth

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance"
)

// land is a lane with a portal at 10 m, an image that comes late, and a booth at 40 m.
func land() Lane {
	return Lane{
		Site: "pine-ridge", SiteKind: "land", ID: "lane-1", Booth: "booth", Idle: 3 * time.Minute,
		Leaving: Detector{"io-1", "loop-out"},
		Stations: []Station{
			{ID: "entry", Position: 0, Devices: []string{"lpr-1"}},
			{ID: "portal", Position: 10, Devices: []string{"rpm-1"}},
			{ID: "xray", Position: 20, Late: true, Devices: []string{"xray-1"}},
			{ID: "booth", Position: 40, Devices: []string{"scan-1", "card-1", "lpr-2", "io-1"}},
			{ID: "office", Position: 60, Late: true, Devices: []string{"ion-1"}},
		},
	}
}

// rows feeds a booth with observations, seconds after a beginning.
type rows struct {
	*Booth
	t    *testing.T
	next int64
}

func newRows(t *testing.T, lane Lane) *rows { return &rows{Booth: New(lane), t: t} }

var beginning = time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)

func at(second float64) time.Time { return beginning.Add(time.Duration(second * float64(time.Second))) }

// add feeds one observation and returns its row.
func (r *rows) add(second float64, device string, class observation.Class, body proto.Message) int64 {
	o := observation.New(class, at(second), body)
	o.Device = device
	r.next++
	r.Take(Row{r.next, o})
	return r.next
}

func (r *rows) event(second float64, device string, body proto.Message) int64 {
	return r.add(second, device, observation.Class_CLASS_EVENT, body)
}

func (r *rows) alarm(second float64, device string) int64 {
	return r.add(second, device, observation.Class_CLASS_ALARM,
		&observation.RadiationOccupancy{StartNs: at(second).UnixNano(), GammaAlarm: true})
}

func (r *rows) plate(second float64, device, plate string) int64 {
	return r.event(second, device, &observation.VehiclePlate{Plate: plate, Normal: plate, Skeleton: plate, Confidence: 0.9})
}

func (r *rows) code(second float64, kind identifier.Kind, value string) int64 {
	return r.event(second, "scan-1", &observation.VehicleCode{
		Text: value, Type: string(kind), Value: value, Role: kind.Role(), Check: "ok", Entry: "scan",
	})
}

// told says that rows are of a passage, which other may be as well.
func (r *rows) told(second float64, passage, other string, of ...int64) {
	u := &observation.PassageUpdated{Id: passage}
	for _, idx := range of {
		u.Readings = append(u.Readings, &observation.PassageReading{Idx: idx, Confidence: 0.99, Other: other})
	}
	r.event(second, observation.AgentDevice, u)
}

func (r *rows) opened(second float64, passage string) {
	r.event(second, observation.AgentDevice, &observation.PassageOpened{Id: passage, Lane: "lane-1"})
}

func (r *rows) left(second float64) {
	r.event(second, "io-1", &observation.VehicleDetection{
		Station: "loop-out", StartNs: at(second - 10).UnixNano(), EndNs: at(second).UnixNano(),
	})
}

// input returns what is known of the vehicle at the booth.
func (r *rows) input(second float64) clearance.Input {
	r.t.Helper()
	p := r.Current()
	if p == nil {
		r.t.Fatal("nobody is at the booth")
	}
	return r.Input(p, at(second))
}

func (r *rows) wantAlarms(second float64, want ...clearance.Alarm) {
	r.t.Helper()
	got := r.input(second).Vehicle.Alarms
	if !slices.EqualFunc(got, want, func(a, b clearance.Alarm) bool { return a.Row == b.Row && a.Possible == b.Possible }) {
		r.t.Errorf("alarms at %v s: %+v, want %+v", second, got, want)
	}
}

func TestPresentationIsWhatOneVehicleShows(t *testing.T) {
	r := newRows(t, land())
	r.code(0, identifier.CarrierCode, "8080")
	r.code(2, identifier.Importer, "123456782RM0001")
	r.code(3, identifier.CarrierCode, "8080") // again
	r.event(4, "scan-1", &observation.VehicleCode{
		Text: "FAST1", Type: "driver-number", Value: "FAST1", Role: "driver", Check: "none", Entry: "manual",
	})
	r.event(5, "card-1", &observation.VehicleTag{Epc: []byte{1, 2}, Tid: []byte{3}})
	r.event(6, "scan-1", &observation.VehicleCode{Type: "driving-licence", Role: "driver"}) // keeps no value
	p := r.input(7).Presented
	if len(p.Codes) != 3 || p.Codes[0].Value != "8080" || !p.Codes[2].Manual || len(p.Cards) != 1 {
		t.Errorf("presented %+v", p)
	}
	if p.ID != "lane-1-20261130T140000-1" || !p.Begun.Equal(at(0)) {
		t.Errorf("id %s, begun %v", p.ID, p.Begun)
	}
	r.left(30)
	if r.Current() != nil || len(r.Due()) != 1 || !r.Due()[0].Ended.Equal(at(30)) {
		t.Error("the vehicle left, and its last word is due")
	}
	r.code(40, identifier.CarrierCode, "77-1")
	if p := r.input(41).Presented; len(p.Codes) != 1 || p.ID == "lane-1-20261130T140000-1" {
		t.Errorf("the next vehicle's: %+v", p)
	}
}

func TestPresentationEndsWhenNothingComes(t *testing.T) {
	r := newRows(t, land())
	r.code(0, identifier.CarrierCode, "8080")
	if r.Tick(at(179)) || !r.Tick(at(181)) || r.Current() != nil {
		t.Error("it ends after 3 minutes")
	}
}

// Where no detector says that the vehicle left, another plate does. What came just before that is the next vehicle's.
func TestAnotherPlateIsAnotherVehicle(t *testing.T) {
	r := newRows(t, land())
	r.plate(0, "lpr-2", "BKL7302")
	r.code(1, identifier.CarrierCode, "8080")
	r.plate(2, "lpr-2", "BKL7382") // misread
	first := r.Current()
	next := r.code(58, identifier.CarrierCode, "77-1")
	r.plate(60, "lpr-2", "MDT8813")
	p := r.input(61).Presented
	if r.Current() == first || len(p.Codes) != 1 || p.Codes[0].Row != next || r.Current().FirstRow() != next {
		t.Errorf("the next vehicle: %+v", p)
	}
	if p := r.Input(first, at(61)).Presented; len(p.Codes) != 1 || p.Codes[0].Value != "8080" {
		t.Errorf("the first vehicle: %+v", p)
	}
}

func TestAlarmOfPassage(t *testing.T) {
	r := newRows(t, land())
	r.opened(0, "A")
	plate := r.plate(0, "lpr-1", "BKL7302")
	alarm := r.alarm(5, "rpm-1")
	r.told(15, "A", "", plate, alarm)
	r.plate(20, "lpr-2", "BKL7302") // names the passage at once
	in := r.input(21)
	if in.Vehicle.Passage != "A" || len(in.Presented.Plates) != 1 {
		t.Errorf("passage %q, plates %v", in.Vehicle.Passage, in.Presented.Plates)
	}
	r.wantAlarms(21, clearance.Alarm{Row: alarm})
	r.event(25, observation.AgentDevice, &observation.PassageCorrected{Idx: alarm, From: "A", To: "B"})
	r.wantAlarms(26)
}

// An alarm that may be of either of two vehicles holds both.
func TestPossibleAlarm(t *testing.T) {
	r := newRows(t, land())
	r.opened(0, "A")
	plate := r.plate(0, "lpr-1", "BKL7302")
	alarm := r.alarm(5, "rpm-1")
	r.told(15, "A", "B", alarm)
	r.told(15, "A", "", plate)
	r.plate(20, "lpr-2", "BKL7302")
	r.wantAlarms(21, clearance.Alarm{Row: alarm, Possible: true})
	r.told(22, "B", "A", alarm)
	r.wantAlarms(23, clearance.Alarm{Row: alarm, Possible: true})
	r.told(24, "B", "", alarm)
	r.wantAlarms(25)
}

// Before the association has spoken, an alarm may be of the vehicle that has passed the portal, and is not of one that
// stood at the booth when it began.
func TestAlarmBeforeAssociation(t *testing.T) {
	r := newRows(t, land())
	before := r.alarm(5, "rpm-1")
	r.code(20, identifier.CarrierCode, "8080")
	r.wantAlarms(21, clearance.Alarm{Row: before, Possible: true})
	r.alarm(25, "rpm-1") // the vehicle behind
	r.wantAlarms(26, clearance.Alarm{Row: before, Possible: true})
	r.alarm(27, "ion-1")           // behind the booth
	image := r.alarm(28, "xray-1") // late: it may be of this one
	r.wantAlarms(29, clearance.Alarm{Row: before, Possible: true}, clearance.Alarm{Row: image, Possible: true})
}

// Of a vehicle that nothing names, the one that came first is believed, and what it has is uncertain.
func TestNextPassageIsAGuess(t *testing.T) {
	r := newRows(t, land())
	r.opened(0, "A")
	r.opened(4, "B")
	ofA, ofB := r.alarm(1, "rpm-1"), r.alarm(6, "rpm-1")
	r.told(10, "A", "", ofA)
	r.told(10, "B", "", ofB)
	code := r.code(20, identifier.CarrierCode, "8080")
	if in := r.input(21); in.Vehicle.Passage != "" {
		t.Errorf("passage %q is a guess", in.Vehicle.Passage)
	}
	r.wantAlarms(21, clearance.Alarm{Row: ofA, Possible: true}, clearance.Alarm{Row: ofB, Possible: true})
	r.told(30, "A", "", code)
	r.wantAlarms(31, clearance.Alarm{Row: ofA})
}

// A portal at the booth reports a vehicle when the next one is there: that makes the next one no vehicle of its passage.
func TestLateReadingAtTheBooth(t *testing.T) {
	lane := land()
	lane.Stations[3].Devices = append(lane.Stations[3].Devices, "rpm-2")
	r := newRows(t, lane)
	r.opened(0, "A")
	r.opened(10, "B")
	first := r.plate(20, "lpr-2", "BKL7302")
	code := r.code(21, identifier.CarrierCode, "8080")
	before := r.event(34, "rpm-2", &observation.RadiationOccupancy{StartNs: at(18).UnixNano()})
	r.plate(40, "lpr-2", "MDT8813")
	after := r.event(41, "rpm-2", &observation.RadiationOccupancy{StartNs: at(19).UnixNano()})
	r.told(45, "A", "", first, code, before, after)
	in := r.input(46)
	if in.Vehicle.Passage == "A" || len(in.Presented.Plates) != 1 || len(in.Presented.Codes) != 0 {
		t.Errorf("the next vehicle: passage %q, %+v", in.Vehicle.Passage, in.Presented)
	}
}

// An alarm that becomes known after the vehicle has left makes its decision due again, once.
func TestLateAlarmAfterLeaving(t *testing.T) {
	r := newRows(t, land())
	r.opened(0, "A")
	code := r.code(20, identifier.CarrierCode, "8080")
	p := r.Current()
	r.told(25, "A", "", code)
	r.left(30)
	p.decided(&observation.ClearanceDecision{Presentation: p.ID, Revision: 1, Ended: true})
	p.judgedAlarms = r.alarmRows(p)
	if due := r.Due(); len(due) != 0 {
		t.Fatalf("%d due", len(due))
	}
	alarm := r.alarm(100, "xray-1")
	r.told(101, "A", "", alarm)
	if due := r.Due(); len(due) != 1 || due[0] != p {
		t.Fatalf("due %v", due)
	}
	p.judgedAlarms = r.alarmRows(p)
	r.alarm(500, "rpm-1")
	if due := r.Due(); len(due) != 0 {
		t.Errorf("an alarm of another vehicle made it due")
	}
}

func TestWeightAndStations(t *testing.T) {
	lane := land()
	lane.Stations = slices.Insert(lane.Stations, 3, Station{ID: "scale", Position: 30, Devices: []string{"scale-1"}})
	r := newRows(t, lane)
	r.opened(0, "A")
	plate := r.plate(0, "lpr-1", "BKL7302")
	kg := r.event(10, "scale-1", &observation.VehicleWeight{Kg: 24050})
	r.told(15, "A", "", plate, kg)
	r.event(16, "rpm-1", &observation.DeviceState{State: observation.DeviceState_STATE_DOWN})
	r.plate(20, "lpr-2", "BKL7302")
	v := r.input(21).Vehicle
	want := map[string]clearance.Seen{"entry": "seen", "portal": "blind", "xray": "not-yet", "scale": "seen", "booth": "seen",
		"office": "not-yet"}
	if v.WeightKg != 24050 || len(v.Stations) != len(want) {
		t.Errorf("weight %v, stations %v", v.WeightKg, v.Stations)
	}
	for id, seen := range want {
		if v.Stations[id] != seen {
			t.Errorf("station %s: %s, want %s", id, v.Stations[id], seen)
		}
	}
	r.event(22, "rpm-1", &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING})
	if v := r.input(23).Vehicle; v.Stations["portal"] != clearance.SeenNotYet {
		t.Errorf("portal %s: what it saw may not be told yet", v.Stations["portal"])
	}
	if v := r.input(60).Vehicle; v.Stations["portal"] != clearance.SeenNothing {
		t.Errorf("portal %s", v.Stations["portal"])
	}
}

// What a station saw just before counts as this vehicle's until the association says whose it is.
func TestPendingReading(t *testing.T) {
	r := newRows(t, land())
	portal := r.event(12, "rpm-1", &observation.RadiationOccupancy{StartNs: at(12).UnixNano()})
	code := r.code(20, identifier.CarrierCode, "8080")
	if v := r.input(21).Vehicle; v.Stations["portal"] != clearance.SeenYes {
		t.Errorf("portal %s", v.Stations["portal"])
	}
	r.opened(25, "A")
	r.opened(25, "B")
	r.told(25, "A", "", code)
	r.told(25, "B", "", portal)
	if v := r.input(45).Vehicle; v.Stations["portal"] != clearance.SeenNothing {
		t.Errorf("portal %s: what it saw is another vehicle's", v.Stations["portal"])
	}
}

// A portal on which somebody works is blind, also while it runs, until the time that was said or an end before; what it reports
// meanwhile is of no vehicle, and no alarm of one.
func TestMaintenanceIsBlind(t *testing.T) {
	portal := func(r *rows, second float64) clearance.Seen { return r.input(second).Vehicle.Stations["portal"] }
	work := func(r *rows, second, until float64) {
		m := &observation.DeviceMaintenance{}
		if until > 0 {
			m.UntilNs = at(until).UnixNano()
		}
		r.event(second, "rpm-1", m)
	}
	r := newRows(t, land())
	r.event(0, "rpm-1", &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING})
	work(r, 1, 100)
	o := observation.New(observation.Class_CLASS_EVENT, at(5), &observation.RadiationOccupancy{StartNs: at(5).UnixNano(), GammaAlarm: true})
	o.Device, o.Body.Maintenance = "rpm-1", true
	r.Take(Row{1000, o})
	r.code(20, identifier.CarrierCode, "8080")
	if got := portal(r, 45); got != clearance.SeenBlind {
		t.Errorf("in maintenance: %v", got)
	}
	r.wantAlarms(45)
	if got := portal(r, 101); got != clearance.SeenNothing {
		t.Errorf("its time is over: %v", got)
	}
	work(r, 102, 1000)
	r.event(103, "rpm-1", &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING})
	if got := portal(r, 104); got != clearance.SeenBlind {
		t.Errorf("it runs again, still in maintenance: %v", got)
	}
	work(r, 105, 0)
	if got := portal(r, 106); got != clearance.SeenNothing {
		t.Errorf("ended before its time: %v", got)
	}
}

// What the centre says of a container counts for the presentation that asked.
func TestContainerSeenBefore(t *testing.T) {
	r := newRows(t, land())
	r.code(0, identifier.Container, "CSQU3054383")
	p := r.Current()
	r.event(1, observation.AgentDevice, &observation.ClearanceSeen{Presentation: "another", Container: "CSQU3054383", AtNs: at(-9000).UnixNano()})
	if v := r.input(2).Vehicle; !v.SeenBefore.IsZero() {
		t.Errorf("another vehicle's: %v", v.SeenBefore)
	}
	r.event(3, observation.AgentDevice, &observation.ClearanceSeen{Presentation: p.ID, Container: "CSQU3054383", AtNs: at(-9000).UnixNano()})
	if v := r.input(4).Vehicle; !v.SeenBefore.Equal(at(-9000)) {
		t.Errorf("seen before at %v", v.SeenBefore)
	}
}
