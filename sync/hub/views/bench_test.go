package views

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// traffic makes the rows of an agent's lane without a journal: each vehicle is some 40 rows, as at the lane of make
// run.
type traffic struct {
	from    store.Sender
	hello   ledger.Hello
	random  *rand.Rand
	at      time.Time
	idx     int64
	last    observation.PerClass[int64]
	pending observation.PerClass[[]wire.Row]
	plates  []string // of the vehicles so far, to be searched for
	thin    bool     // of a vehicle its decision and its document alone: many passages in little time
}

func newTraffic(tb testing.TB, site, agent string, seed uint64) *traffic {
	id := sha256.Sum256([]byte(site + agent))
	_, verifier, err := note.GenerateKey(nil, evidence.KeyName(site, agent))
	if err != nil {
		tb.Fatal(err)
	}
	return &traffic{
		from: store.Sender{Site: site, Agent: agent}, random: rand.New(rand.NewPCG(seed, 1)), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		last: observation.PerClass[int64]{-1, -1, -1, -1},
		hello: ledger.Hello{From: store.Sender{Site: site, Agent: agent}, Body: &wire.Hello{
			Journal: id[:16], Size: 1 << 40, BlindKey: id[:], Verifier: verifier, Epoch: 1,
		}},
	}
}

// add adds a row.
func (l *traffic) add(class observation.Class, device string, body proto.Message) int64 {
	o := observation.New(class, l.at, body)
	text, err := proto.Marshal(o.Body)
	if err != nil {
		panic(err)
	}
	r := wire.Row{Idx: l.idx, Time: l.at.UnixNano(), Device: device, Kind: o.Body.Kind(), Body: text}
	public, values, err := personal.Split(r.Kind, text)
	if err != nil {
		panic(err)
	}
	if !values.IsZero() {
		r.Values = values
	}
	_ = public
	l.pending[class] = append(l.pending[class], r)
	l.idx++
	return r.Idx
}

// vehicle adds the rows of one vehicle.
func (l *traffic) vehicle() {
	const event, telemetry = observation.Class_CLASS_EVENT, observation.Class_CLASS_TELEMETRY
	plate := fmt.Sprintf("%c%c%c%d", 'A'+l.random.IntN(26), 'A'+l.random.IntN(26), 'A'+l.random.IntN(26), l.random.IntN(9000)+1000)
	id := fmt.Sprintf("lane-1-%s-%d", l.at.Format("20060102T150405"), l.idx)
	alarmed := l.random.IntN(100) == 0
	opened := l.at
	var all []*observation.PassageReading
	reading := func(class observation.Class, device, station string, body proto.Message) *observation.PassageReading {
		l.at = l.at.Add(2 * time.Second)
		idx := l.idx
		if !l.thin || class == observation.Class_CLASS_ALARM {
			idx = l.add(class, device, body)
		}
		r := &observation.PassageReading{
			Idx: idx, Device: device, Kind: uint32(observation.New(class, l.at, body).Body.Kind()), Station: station, TimeNs: l.at.UnixNano(),
			Class: uint32(class), Confidence: 0.99, Reason: "matches loop-1 (0.4 s later than predicted)",
		}
		all = append(all, r)
		return r
	}
	loop := reading(event, "loop-1", "entry", &observation.VehicleDetection{Station: "entry", StartNs: l.at.UnixNano(), SpeedKph: 12, LengthM: 18})
	if !l.thin {
		l.add(event, "agent", &observation.PassageOpened{Id: id, Lane: "lane-1", Readings: []*observation.PassageReading{loop}})
	}
	updated := func(readings ...*observation.PassageReading) {
		if l.thin {
			return
		}
		l.add(event, "agent", &observation.PassageUpdated{Id: id, Readings: readings})
	}
	updated(reading(event, "lpr-1", "entry", &observation.VehiclePlate{Plate: plate, Normal: plate, Confidence: 0.94, Region: "ca-on"}))
	class := event
	if alarmed {
		class = observation.Class_CLASS_ALARM
	}
	counts := make([]int32, 60)
	for i := range counts {
		counts[i] = int32(200 + l.random.IntN(40))
	}
	updated(reading(class, "rpm-1", "portal", &observation.RadiationOccupancy{Number: 1, GammaAlarm: alarmed, SigmaMax: 3, Gamma: []*observation.Series{{Counts: counts}, {Counts: counts}}}))
	container := fmt.Sprintf("CSQU%07d", l.random.IntN(1e7))
	updated(reading(event, "ocr-1", "portal", &observation.VehicleCode{Text: container, Type: "container", Value: container, Role: "equipment"}),
		reading(event, "rfid-1", "booth", &observation.VehicleTag{Uri: "urn:epc:id:giai:0614141." + plate, Reads: 12}))
	code := fmt.Sprintf("1234PARS%06d", l.random.IntN(1e6))
	updated(reading(event, "scan-1", "booth", &observation.VehicleCode{Text: code, Type: "cargo-control-number", Value: code, Role: "cargo"}),
		reading(event, "scale-1", "booth", &observation.VehicleWeight{Kg: 24050, Seconds: 6}))
	outcome := "RELEASE"
	if alarmed {
		outcome = "HOLD"
	}
	for revision := range uint32(2) {
		if l.thin && revision == 0 {
			continue
		}
		l.add(event, "agent", &observation.ClearanceDecision{Presentation: "v" + id, Revision: revision + 1, Lane: "lane-1", Passage: id, Outcome: outcome, Decided: outcome,
			NowNs: l.at.UnixNano(), Plates: []string{plate}, Reasons: []*observation.ClearanceReason{{Code: "MANIFEST-MATCH", Outcome: outcome}},
			Lists: []*observation.ListInForce{{List: "targets", Version: 12, IssuedNs: 1}, {List: "manifests", Version: 90, IssuedNs: 1}, {List: "drivers", Version: 3, IssuedNs: 1}}})
	}
	for range 14 {
		if l.at = l.at.Add(5 * time.Second); l.thin {
			continue
		}
		l.add(telemetry, "rpm-1", &observation.RadiationBackground{Gamma: []int32{200, 201, 199, 202}, Neutron: []int32{1, 0}})
	}
	l.add(event, "agent", &observation.PassageClosed{Id: id, Lane: "lane-1", OpenedNs: opened.UnixNano(), ClosedNs: l.at.UnixNano(), Plate: plate, Containers: []string{container},
		Tags: []string{"urn:epc:id:giai:0614141." + plate}, Codes: []string{code}, WeightKg: 24050, SpeedKph: 12, LengthM: 18, Alarm: alarmed, Readings: all, Confidence: 0.99,
		End: observation.PassageEnd_PASSAGE_END_LEFT, State: observation.PassageState_PASSAGE_STATE_CLOSED,
		Stations: []*observation.PassageStation{{Station: "entry", Seen: true}, {Station: "portal", Seen: true}, {Station: "booth", Seen: true}}})
	if alarmed {
		l.adjudicate(id)
	}
	if l.plates = append(l.plates, plate); len(l.plates) > 1000 {
		l.plates = l.plates[1:]
	}
}

// adjudicate adds the rows of the case of a vehicle with an alarm: an officer takes it, and decides.
func (l *traffic) adjudicate(id string) {
	opened := l.at
	add := func(after time.Duration, body proto.Message) {
		l.at = opened.Add(after)
		l.add(observation.Class_CLASS_EVENT, "agent", body)
	}
	add(0, &observation.CaseOpened{Id: id, Lane: "lane-1", Alarms: []*observation.CaseAlarm{{Idx: l.idx, Device: "rpm-1", Gamma: true}}})
	taken := time.Duration(20+l.random.IntN(300)) * time.Second
	add(taken, &observation.CaseEvent{Id: id, Action: observation.CaseEvent_ACTION_TAKE, By: "ann", Role: "officer"})
	add(taken+time.Duration(30+l.random.IntN(600))*time.Second, &observation.CaseEvent{Id: id, Action: observation.CaseEvent_ACTION_DECIDE,
		By: "ann", Role: "officer", Verdict: &observation.CaseVerdict{Code: uint32(4 + l.random.IntN(5))}})
	l.at = opened
}

// batches returns what is to be sent, in batches of up to 500 rows.
func (l *traffic) batches() (out []ledger.Batch) {
	for _, class := range observation.Classes {
		for rows := range slices.Chunk(l.pending[class], 500) {
			out = append(out, ledger.Batch{From: l.from, Body: wire.NewBatch(l.hello.Body.Journal, class, l.last[class], rows)})
			l.last[class] = rows[len(rows)-1].Idx
		}
		l.pending[class] = nil
	}
	return out
}

// spent is time by the clock, and of this process's processor, which other programs hardly change.
type spent struct{ clock, processor time.Duration }

func now(tb testing.TB) spent {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return spent{time.Duration(time.Now().UnixNano()), time.Duration(r.Utime.Nano() + r.Stime.Nano())}
}

func (s *spent) add(tb testing.TB, since spent) {
	at := now(tb)
	s.clock, s.processor = s.clock+at.clock-since.clock, s.processor+at.processor-since.processor
}

// packed is a batch as it comes over the link.
type packed struct {
	from    store.Sender
	payload []byte
}

// fill files the passages of some lanes, and returns how long it took to decode and file the rows, and the views to
// fold them.
func fill(b testing.TB, c *centre, lanes []*traffic, passages int) (rows int64, filing, folding spent) {
	for _, l := range lanes {
		if _, err := c.ledger.Apply([]ledger.Message{l.hello}); err != nil {
			b.Fatal(err)
		}
	}
	codec, err := wire.NewCodec()
	if err != nil {
		b.Fatal(err)
	}
	defer codec.Close()
	for made := 0; made < passages; {
		var came []packed
		for _, l := range lanes {
			for range 60 {
				l.vehicle()
				made++
			}
			for _, m := range l.batches() {
				payload, err := codec.Encode(m.Body)
				if err != nil {
					b.Fatal(err)
				}
				came = append(came, packed{m.From, payload})
			}
		}
		began := now(b)
		rows += c.file(codec, came)
		filing.add(b, began)
		began = now(b)
		if err := c.CatchUp(context.Background()); err != nil {
			b.Fatal(err)
		}
		folding.add(b, began)
	}
	return rows, filing, folding
}

// file decodes and files batches in one group, and returns how many rows were new.
func (c *centre) file(codec *wire.Codec, came []packed) (rows int64) {
	var group []ledger.Message
	for _, p := range came {
		body := &wire.Batch{}
		if err := codec.Decode(p.payload, body); err != nil {
			c.t.Fatal(err)
		}
		group = append(group, ledger.Batch{From: p.from, Body: body})
	}
	answers, err := c.ledger.Apply(group)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range answers {
		if a.Ack.Refusal != 0 {
			c.t.Fatal(a.Ack)
		}
		rows += int64(a.Rows)
	}
	return rows
}

// number returns a number from the environment.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// BenchmarkViews files the traffic of some lanes, and folds it: what the views cost beside the ledger, and what
// searching, opening and adding up take among all of it. LANEWARDEN_PASSAGES and LANEWARDEN_LANES say how much there is;
// LANEWARDEN_THIN that each passage is two rows alone; LANEWARDEN_LEDGER where the ledger is kept, so that it is only
// read when there is one.
func BenchmarkViews(b *testing.B) {
	passages := number("LANEWARDEN_PASSAGES", 20_000)
	b.Run("sqlite", func(b *testing.B) { benchViews(b, "", passages) })
	b.Run("postgres", func(b *testing.B) { benchViews(b, postgrestest.URL(b), passages) })
}

// began is when the traffic begins.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func benchViews(b *testing.B, url string, passages int) {
	dir := cmp.Or(os.Getenv("LANEWARDEN_LEDGER"), b.TempDir())
	l, err := ledger.OpenWith(b.Context(), ledger.Options{Dir: dir, URL: url})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c := &centre{t: b, ledger: l}
	c.Views = New(l, c.apply, slog.New(slog.DiscardHandler))
	if newest, _ := l.Durable(); newest > 0 {
		if err := c.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		benchReads(b, c)
		return
	}
	var lanes []*traffic
	for i := range number("LANEWARDEN_LANES", 8) {
		one := newTraffic(b, fmt.Sprintf("site-%d", i/4), fmt.Sprintf("lane-%d", i), uint64(i))
		one.thin = os.Getenv("LANEWARDEN_THIN") != ""
		lanes = append(lanes, one)
	}
	rows, filing, folding := fill(b, c, lanes, passages)
	b.ReportMetric(float64(filing.clock.Nanoseconds())/float64(rows), "ledger-ns/row")
	b.ReportMetric(float64(filing.processor.Nanoseconds())/float64(rows), "ledger-cpu-ns/row")
	b.ReportMetric(float64(folding.processor.Nanoseconds())/float64(rows), "views-cpu-ns/row")
	b.ReportMetric(100*folding.clock.Seconds()/filing.clock.Seconds(), "views-%")
	b.ReportMetric(100*folding.processor.Seconds()/filing.processor.Seconds(), "views-cpu-%")
	benchReads(b, c)
}

// samples are the calls of which the 95th percentile is reported.
const samples = 200

// timed reports the 95th percentile of a call's time.
func timed(b *testing.B, name string, f func(i int) error) {
	var all []time.Duration
	for i := range samples {
		begin := time.Now()
		if err := f(i); err != nil {
			b.Fatal(name, err)
		}
		all = append(all, time.Since(begin))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, name+"-p95-ms")
}

// benchReads measures what pages ask for, each of what is spread over all that there is.
func benchReads(b *testing.B, c *centre) {
	newest, _, err := c.Passages(Search{}, Place{}, 1)
	if err != nil || len(newest) == 0 {
		b.Fatal(newest, err)
	}
	end := time.Unix(0, newest[0].Document.OpenedNs)
	moment := func(i int) time.Time { return end.Add(-end.Sub(began) / samples * time.Duration(i)) }
	var found []Found
	search := func(s Search) error {
		out, _, err := c.Passages(s, Place{}, 50)
		if len(out) > 0 {
			found = append(found, out[len(out)-1])
		}
		return err
	}
	timed(b, "time", func(i int) error { return search(Search{To: moment(i)}) })
	some := slices.Clone(found)
	timed(b, "site-time", func(i int) error { return search(Search{Sites: []string{"site-0", "site-1"}, To: moment(i)}) })
	timed(b, "plate", func(i int) error { return search(named(observation.PlateName, some[i%len(some)].Document.Plate)) })
	timed(b, "container", func(i int) error {
		return search(named(observation.ContainerName, some[i%len(some)].Document.Containers[0]))
	})
	timed(b, "unknown", func(i int) error { return search(Search{Any: fmt.Sprintf("NONE%d", i)}) })
	timed(b, "site-alarm", func(i int) error { return search(Search{Site: "site-1", Alarm: true, To: moment(i)}) })
	timed(b, "held", func(i int) error { return search(Search{Outcome: "HOLD", To: moment(i)}) })
	timed(b, "open", func(i int) error {
		f := &found[i*len(found)/samples]
		_, err := c.Passage(f.Sender, f.Document.Id)
		return err
	})
}
