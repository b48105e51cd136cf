package passage

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// road is a lane with an entry, a portal, an exit, and an office where swabs are taken.
func road() Lane {
	return Lane{ID: "l", SpeedKph: 7.2, Stations: []Station{
		{ID: "entry", Position: 0, Devices: []string{"loop", "lpr"}}, {ID: "rfid", Position: 4, Devices: []string{"rfid"}}, {ID: "portal", Position: 20, Devices: []string{"rpm"}},
		{ID: "exit", Position: 40, Devices: []string{"loop2", "lpr2"}}, {ID: "office", Position: 60, Late: true, Devices: []string{"ion"}},
	}}
}

// tape plays observations to a correlator, in the order in which they are told.
type tape struct {
	t   *testing.T
	c   *Correlator
	idx int64
	out []*observation.Observation
	in  map[int64]string
}

func newTape(t *testing.T) *tape {
	p := &tape{t: t, c: New([]Lane{road()}), in: map[int64]string{}}
	p.c.Assigned = func(a Assignment) { p.in[a.Idx] = a.Passage }
	return p
}

// say lets a device see something at second s, told delay later; ahead is how far the device's own clock is.
func (p *tape) say(device string, s, delay float64, ahead time.Duration, body proto.Message) int64 {
	at := noon.Add(time.Duration(s * float64(time.Second)))
	o := observation.New(observation.Class_CLASS_EVENT, at.Add(ahead), body)
	o.Device = device
	if ahead != 0 {
		o.Body.DeviceTimeNs = o.TimeNs
	}
	o.Body.AgentDelayNs = int64(delay*1e9) - int64(ahead)
	p.idx++
	p.out = append(p.out, p.c.Take(Row{p.idx, o})...)
	return p.idx
}

func (p *tape) loop(device string, s float64) int64 {
	at := noon.Add(time.Duration(s * float64(time.Second)))
	return p.say(device, s, 5, 0, &observation.VehicleDetection{StartNs: at.UnixNano(), EndNs: at.Add(5 * time.Second).UnixNano(), Direction: "forward", SpeedKph: 7.2, LengthM: 8})
}

func (p *tape) plate(device string, s float64, ahead time.Duration, text string) int64 {
	return p.say(device, s, 1, ahead, &observation.VehiclePlate{Plate: text, Normal: text, Skeleton: skeleton(text), Confidence: 0.9})
}

func (p *tape) portal(s float64) int64 {
	at := noon.Add(time.Duration(s * float64(time.Second)))
	return p.say("rpm", s, 5, 0, &observation.RadiationOccupancy{StartNs: at.UnixNano(), EndNs: at.Add(5 * time.Second).UnixNano()})
}

func (p *tape) tick(s float64) {
	p.out = append(p.out, p.c.Tick(noon.Add(time.Duration(s*float64(time.Second))))...)
}

func (p *tape) closed() (out []*observation.PassageClosed) {
	for _, o := range p.out {
		if d := o.Body.GetPassageClosed(); d != nil {
			out = append(out, d)
		}
	}
	return out
}

// One vehicle is one document, with everything that saw it; the swab that comes minutes later is added to it.
func TestOneVehicle(t *testing.T) {
	p := newTape(t)
	p.loop("loop", 0)
	p.plate("lpr", 0.5, 0, "ABC123")
	p.portal(10)
	p.loop("loop2", 20)
	p.plate("lpr2", 20.5, 0, "A8C123") // B read as 8: the same skeleton
	p.tick(80)
	all := p.closed()
	if len(all) != 1 {
		t.Fatalf("%d passages: %v", len(all), all)
	}
	d := all[0]
	if len(d.Readings) != 5 || d.End != observation.PassageEnd_PASSAGE_END_LEFT || d.Plate != "ABC123" || d.SpeedKph < 7 || d.LengthM != 8 || d.Alarm || d.Confidence < 0.5 {
		t.Errorf("%v", d)
	}
	for _, s := range d.Stations {
		want := map[string]observation.PassageGap{
			"rfid":   observation.PassageGap_PASSAGE_GAP_NOTHING_READ,
			"office": observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED,
		}[s.Station]
		if s.Gap != want || s.Seen != (want == observation.PassageGap_PASSAGE_GAP_UNSPECIFIED) {
			t.Errorf("%v", s)
		}
	}
	swab := p.say("ion", 200, 12, 0, &observation.TraceAnalysis{Sample: "abc-123", Verdict: "clear"})
	p.tick(300)
	if p.in[swab] != d.Id {
		t.Errorf("the swab is in %q", p.in[swab])
	}
	last := p.out[len(p.out)-1].Body.GetPassageUpdated()
	if last == nil || !last.AfterClose || !strings.Contains(last.Readings[0].Reason, "plate") {
		t.Errorf("%v", p.out[len(p.out)-1])
	}
}

// A plate reader whose clock is 80 s ahead: the offset is found, and its reads are where they belong from the second vehicle on.
func TestClocks(t *testing.T) {
	p := newTape(t)
	var plates, loops []int64
	for i := range 12 {
		s := float64(60 * i)
		loops = append(loops, p.loop("loop", s))
		plates = append(plates, p.plate("lpr", s+0.5, 80*time.Second, string(rune('A'+i))+"XY77"))
	}
	p.tick(1000)
	for i := range plates {
		if p.in[plates[i]] == "" || p.in[plates[i]] != p.in[loops[i]] {
			t.Errorf("vehicle %d: plate in %q, loop in %q", i, p.in[plates[i]], p.in[loops[i]])
		}
	}
	if off := p.c.Offset("lpr"); (off - 80*time.Second).Abs() > 2*time.Second {
		t.Errorf("offset %s", off)
	}
}

// Who reverses out is the last that came in.
func TestReversing(t *testing.T) {
	p := newTape(t)
	first := p.loop("loop", 0)
	second := p.loop("loop", 14)
	at := noon.Add(30 * time.Second)
	back := p.say("loop", 30, 5, 0, &observation.VehicleDetection{StartNs: at.UnixNano(), EndNs: at.Add(5 * time.Second).UnixNano(), Direction: "reverse", SpeedKph: 5})
	p.portal(40)
	p.tick(400)
	if p.in[back] != p.in[second] || p.in[first] == p.in[second] {
		t.Errorf("first %q, second %q, reversing %q", p.in[first], p.in[second], p.in[back])
	}
	for _, d := range p.closed() {
		if (d.Id == p.in[second]) != (d.End == observation.PassageEnd_PASSAGE_END_REVERSED) {
			t.Errorf("%v", d)
		}
	}
}

// A tag that is hardly heard while nobody is there is of the neighbouring lane; one that is read well opens a passage.
func TestTags(t *testing.T) {
	p := newTape(t)
	tag := func(s float64, reads uint32) int64 {
		at := noon.Add(time.Duration(s * float64(time.Second)))
		return p.say("rfid", s, 2, 0, &observation.VehicleTag{Uri: "urn:epc:raw:96.x1", FirstNs: at.UnixNano(), LastNs: at.Add(time.Second).UnixNano(), Reads: reads})
	}
	faint, strong := tag(0, 1), tag(100, 20)
	p.tick(120)
	p.tick(400)
	if p.in[faint] != "" || p.in[strong] == "" {
		t.Errorf("faint in %q, strong in %q", p.in[faint], p.in[strong])
	}
}

// A device that is down makes its station blind.
func TestBlind(t *testing.T) {
	p := newTape(t)
	p.say("rpm", -10, 0, 0, &observation.DeviceState{State: observation.DeviceState_STATE_DOWN, Reason: "cable"})
	p.loop("loop", 0)
	p.loop("loop2", 20)
	p.tick(100)
	all := p.closed()
	if len(all) != 1 || all[0].Stations[2].Gap != observation.PassageGap_PASSAGE_GAP_BLIND {
		t.Errorf("%v", all)
	}
}

func TestCorrections(t *testing.T) {
	p := newTape(t)
	a, b := p.loop("loop", 0), p.loop("loop", 60)
	swab := p.say("ion", 70, 5, 0, &observation.TraceAnalysis{Verdict: "clear"})
	p.tick(100)
	to := p.in[a]
	if p.in[swab] == to {
		to = p.in[b]
	}
	obs, err := p.c.Correct(swab, to, "it was the other lorry", "officer-7")
	if err != nil || len(obs) != 1 {
		t.Fatal(obs, err)
	}
	if c := obs[0].Body.GetPassageCorrected(); c.To != to || c.By != "officer-7" || c.Idx != swab {
		t.Errorf("%v", c)
	}
	for _, bad := range []struct {
		idx int64
		to  string
	}{{swab, "nowhere"}, {9999, to}} {
		if _, err := p.c.Correct(bad.idx, bad.to, "x", "y"); err == nil {
			t.Errorf("%v was corrected", bad)
		}
	}
}

// The agent's clock is set back by an hour: passages close as before.
func TestClockSetBack(t *testing.T) {
	p := newTape(t)
	p.tick(3600)
	p.loop("loop", 0)
	p.portal(10)
	p.tick(30)
	if all := p.closed(); len(all) != 0 {
		t.Errorf("a vehicle in the lane was closed: %v", all)
	}
	p.loop("loop2", 20)
	p.tick(80)
	if all := p.closed(); len(all) != 1 || all[0].End != observation.PassageEnd_PASSAGE_END_LEFT || len(all[0].Readings) != 3 {
		t.Errorf("%v", all)
	}
}

// A follower corrects times by the clocks that it has learnt, and shows nothing as later than it arrived.
func TestCorrected(t *testing.T) {
	f := NewFollower(nil, []Lane{road()}, nil)
	now := time.Unix(1_800_000_000, 0)
	seen := func(at, arrived time.Time, own bool) *observation.Observation {
		o := observation.New(observation.Class_CLASS_EVENT, at, &observation.XrayImage{})
		if o.Device = "xray"; own {
			o.Body.DeviceTimeNs = at.UnixNano()
		}
		o.Body.AgentDelayNs = int64(arrived.Sub(at))
		return o
	}
	late := seen(now.Add(time.Hour-20*time.Second), now, true) // an hour ahead, told 20 s after it happened
	if at := (*Follower)(nil).Corrected(late); !at.Equal(now) {
		t.Errorf("without clocks %s, expected when it arrived", at)
	}
	if at := f.Corrected(late); !at.Equal(now) {
		t.Errorf("before the clock is known %s, expected when it arrived", at)
	}
	f.correlator.clocks.correct(seen(now.Add(time.Hour), now, true))
	f.publishOffsets()
	if at := f.Corrected(late); !at.Equal(now.Add(-20 * time.Second)) {
		t.Errorf("%s, expected 20 s before %s", at, now)
	}
	if o := seen(now.Add(-time.Minute), now, false); !f.Corrected(o).Equal(o.Time()) {
		t.Error("a time by the agent's own clock was changed")
	}
}
