package tsa

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/drivers/transport"
)

func config(address string) *Config {
	return &Config{Link: transport.Link{Address: address}, NSigma: 7, Intervals: 5, Timeout: 10 * time.Second,
		SilentAfter: 15 * time.Second}
}

// normal removes times from an observation's body.
func normal(o *observation.Observation) {
	if b := o.Body.GetRadiationOccupancy(); b != nil {
		b.StartNs, b.EndNs = 0, 0
	}
}

func TestConformance(t *testing.T) {
	var b bytes.Buffer
	cfg := sim.Defaults()
	cfg.TruckEvery, cfg.InnocentShare = 15*time.Second, 0.5
	if _, err := sim.Record(&b, sim.New(cfg), time.Time{}, 3*time.Minute, false); err != nil {
		t.Fatal(err)
	}
	drivertest.Stream{
		Spec: Spec, Settings: func(a string) any {
			return config(a)
		}, Input: b.Bytes(), Cut: b.Len()/2 + 3, Normal: normal,
	}.Run(t)
}

func TestDecodeLine(t *testing.T) {
	none := [4]int32{-1, -1, -1, -1}
	for text, want := range map[string]line{
		"GB,000250,000251,000252,000253": {kind: lineGB, counts: [4]int32{250, 251, 252, 253}, clock: -1},
		"GS,000050,000051":               {kind: lineGS, counts: [4]int32{50, 51, -1, -1}, clock: -1},
		"NA,000001,xx,,000004":           {kind: lineNA, counts: [4]int32{1, -1, -1, 4}, clock: -1},
		"GL,000250,000251,000252,000253,23:59:59.999": {kind: lineGL, counts: [4]int32{250, 251, 252, 253},
			clock: 24*time.Hour - time.Millisecond},
		"NH,000001,000001,000001,000001,00-00-01.000": {kind: lineNH, counts: [4]int32{1, 1, 1, 1}, clock: time.Second},
		"SP,0.2000,5.00,8.047": {kind: lineSP, counts: none, clock: -1,
			beamSeconds: 0.2, kph: 8.047},
		"SP,0.2000,5.00,8.047,12:00:00.000": {kind: lineSP, counts: none, clock: 12 * time.Hour,
			beamSeconds: 0.2, kph: 8.047},
		"GX,000042,004800": {kind: lineGX, counts: none, clock: -1,
			number: 42, neutronMilli: 4800},
		"GX,000042,004800,12:00:00.000": {kind: lineGX, counts: none, clock: 12 * time.Hour,
			number: 42, neutronMilli: 4800},
		"TT":              {kind: lineTT, counts: none, clock: -1},
		"TC,12:00:00.000": {kind: lineTC, counts: none, clock: 12 * time.Hour},
	} {
		var got line
		if err := decodeLine([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !want.kind.counts() {
			want.counts = [4]int32{}
		}
		got.fields = nil
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %+v\nwant %+v", text, got, want)
		}
	}
	for _, bad := range []string{"", "XX,1", "GB", "GB,1,2,3,4,5", "gb,1,2,3,4", "SG1,1,2,3,4,5,6,7,8", "\x00\x01"} {
		if err := decodeLine([]byte(bad), new(line)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestDecodeLineDoesNotAllocate(t *testing.T) {
	var l line
	text := []byte("GS,000250,000251,000252,000253,12:34:56.789")
	if n := testing.AllocsPerRun(1000, func() {
		if err := decodeLine(text, &l); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per line", n)
	}
}

// feed runs lines through a tracker; "+5s" lets time pass, "break" breaks the input off.
func feed(t *testing.T, lines ...string) []*observation.Observation {
	t.Helper()
	tr := newTracker(alarmRule{nSigma: 7, intervals: 5}, 10*time.Second)
	at := time.Unix(1_800_000_000, 0).UTC()
	for _, text := range lines {
		if d, err := time.ParseDuration(strings.TrimPrefix(text, "+")); err == nil && text[0] == '+' {
			at = at.Add(d)
			tr.tick(at)
			continue
		}
		if text == "break" {
			tr.breakOff()
			continue
		}
		var l line
		if err := decodeLine([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if err := tr.handleLine(at, &l); err != nil {
			t.Logf("%s: %v", text, err)
		}
	}
	return tr.drain()
}

func repeat(n int, lines ...string) (out []string) {
	for range n {
		out = append(out, lines...)
	}
	return out
}

func lines(parts ...any) (out []string) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p)
		case []string:
			out = append(out, p...)
		}
	}
	return out
}

const (
	gb = "GB,000250,000250,000250,000250"
	nb = "NB,000001,000001,000000,000001"
	gs = "GS,000048,000048,000048,000048"
	ga = "GA,000148,000048,000048,000048"
)

func occupancies(obs []*observation.Observation) (out []*observation.RadiationOccupancy) {
	for _, o := range obs {
		if b := o.Body.GetRadiationOccupancy(); b != nil {
			out = append(out, b)
		}
	}
	return out
}

func TestOccupancyEnds(t *testing.T) {
	for name, c := range map[string]struct {
		lines      []string
		end        observation.RadiationOccupancy_End
		incomplete bool
		number     uint32
	}{
		"GX": {lines(gb, nb, repeat(10, gs, "+200ms"), "GX,000007,004800"),
			observation.RadiationOccupancy_END_MARKED, false, 7},
		"time-out": {lines(gb, nb, repeat(10, gs, "+200ms"), "+11s"),
			observation.RadiationOccupancy_END_TIMEOUT, true, 0},
		"background": {lines(gb, nb, repeat(10, gs, "+200ms"), "+1s", gb),
			observation.RadiationOccupancy_END_BACKGROUND, true, 0},
		"disconnect": {lines(gb, nb, repeat(10, gs, "+200ms"), "break"),
			observation.RadiationOccupancy_END_DISCONNECT, true, 0},
		"start not seen": {lines(repeat(10, gs, "+200ms"), "GX,000007,004800"),
			observation.RadiationOccupancy_END_MARKED, true, 7},
		"start after a break": {lines(gb, nb, "break", repeat(10, gs, "+200ms"), "GX,000007,004800"),
			observation.RadiationOccupancy_END_MARKED, true, 7},
		"time-out, but a tick": {lines(gb, nb, gs, "+9s", gs, "GX,000007,004800"),
			observation.RadiationOccupancy_END_MARKED, false, 7},
	} {
		t.Run(name, func(t *testing.T) {
			got := occupancies(feed(t, c.lines...))
			if len(got) != 1 {
				t.Fatalf("%d occupancies", len(got))
			}
			o := got[0]
			if o.End != c.end || o.Incomplete != c.incomplete || o.Number != c.number {
				t.Errorf("end %v, incomplete %v, number %d; want %v, %v, %d", o.End, o.Incomplete,
					o.Number, c.end, c.incomplete, c.number)
			}
			if o.NeutronBackgroundMilli != 0 && o.NeutronBackgroundMilli != 4800 {
				t.Errorf("neutron background %d", o.NeutronBackgroundMilli)
			}
		})
	}
}

// A vehicle cut by a disconnect must never be merged into the next.
// TestReplayedOccupancyHasItsKey: after a crash an occupancy is read again from its recording, without the background
// that came before: it has the key that it had, so that it is not journalled twice.
func TestReplayedOccupancyHasItsKey(t *testing.T) {
	key := func(text []string) string {
		for _, o := range feed(t, text...) {
			if o.Body.GetRadiationOccupancy() != nil {
				return o.Key
			}
		}
		t.Fatal("no occupancy")
		return ""
	}
	occupancy := lines(repeat(10, gs, "+200ms"), "GX,000007,004800")
	if live, again := key(lines(gb, nb, occupancy)), key(occupancy); live != again {
		t.Errorf("%q, and read again %q", live, again)
	}
}

func TestOccupancyIsNotMergedAcrossABreak(t *testing.T) {
	got := occupancies(feed(t, lines(gb, nb, repeat(10, gs, "+200ms"), "break", "+3s", repeat(6, gs, "+200ms"),
		"GX,000008,004800")...))
	if len(got) != 2 || len(got[0].Gamma[0].Counts) != 10 || len(got[1].Gamma[0].Counts) != 6 ||
		!got[0].Incomplete || !got[1].Incomplete {
		t.Errorf("occupancies %v", got)
	}
}

func TestAlarmRuleIsRecomputed(t *testing.T) {
	quiet := lines(gb, nb, repeat(10, gs, "+200ms"), "GX,000001,000000")
	o := feed(t, quiet...)
	if b := occupancies(o)[0]; b.GammaAlarm || b.GammaAlarmRecomputed || b.AlarmDisagreement || b.GammaMax != 5*4*48 {
		t.Errorf("quiet: %v", b)
	}
	if b := occupancies(o)[0]; math.Abs(float64(b.SigmaMax)-(960-1000)/math.Sqrt(1000)) > 1e-3 {
		t.Errorf("sigma %v", b.SigmaMax)
	}
	loud := lines(gb, nb, repeat(5, ga, "+200ms"), "GX,000001,000000")
	o = feed(t, loud...)
	last := o[len(o)-1]
	if b := last.Body.GetRadiationOccupancy(); !b.GammaAlarm || !b.GammaAlarmRecomputed ||
		b.AlarmDisagreement || last.Class != observation.Class_CLASS_ALARM {
		t.Errorf("loud: %v", b)
	}
	// One hot interval: the portal says alarm, the sum over a second does not.
	disputed := lines(gb, nb, ga, repeat(9, gs, "+200ms"), "GX,000001,000000")
	o = feed(t, disputed...)
	if b := o[len(o)-1].Body.GetRadiationOccupancy(); !b.GammaAlarm || b.GammaAlarmRecomputed || !b.AlarmDisagreement {
		t.Errorf("disputed: %v", b)
	}
	// The portal's own SG1 line sets the rule.
	strict := lines("SG1,000500,000060,5,10,1.0,000000", gb, nb,
		repeat(10, "GS,000053,000053,000053,000053", "+200ms"), "GX,000001,000000")
	o = feed(t, strict...)
	if b := o[len(o)-1].Body.GetRadiationOccupancy(); !b.GammaAlarmRecomputed || b.SigmaLimit != 1 {
		t.Errorf("strict: %v", b)
	}
}

func TestFaultsTamperAndSetupAreReportedOnChange(t *testing.T) {
	got := feed(t, lines(
		"GH,000900,000900,000900,000900", nb, "+5s", "GH,000900,000900,000900,000900", nb, "+5s", gb, nb,
		"TT", "TT", "+1s", "TC", "TC", "SG3,0.068,5.000,20,7,A1.4", "SG3,0.068,5.000,20,7,A1.4",
		"SG3,0.068,5.000,30,7,A1.4")...)
	var have []string
	for _, o := range got {
		switch b := o.Body.Typed().(type) {
		case *observation.RadiationFault:
			have = append(have, fmt.Sprintf("%v cleared=%v", b.Fault, b.Cleared))
		case *observation.RadiationTamper:
			have = append(have, fmt.Sprintf("tamper %v %s", b.Tripped, o.Class.Name()))
		case *observation.RadiationSetup:
			have = append(have, b.Line+" "+b.Settings[2].Name+"="+b.Settings[2].Value)
		}
	}
	want := "FAULT_GAMMA_HIGH cleared=false|FAULT_GAMMA_HIGH cleared=true|tamper true alarm|tamper false event|SG3 " +
		"background_time=20|SG3 background_time=30"
	if s := strings.Join(have, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestBackgroundPairsGammaAndNeutron(t *testing.T) {
	got := feed(t, gb, nb, "+5s", gb, "+5s", gb, nb)
	var have []string
	for _, o := range got {
		b := o.Body.GetRadiationBackground()
		have = append(have, fmt.Sprint(len(b.Gamma), len(b.Neutron)))
	}
	if s := strings.Join(have, "|"); s != "4 4|4 0|4 4" {
		t.Errorf("backgrounds %s", s)
	}
}

// TestDailyFile imports a day of simulated traffic, with and without times, twice: the second time adds nothing, and
// every vehicle of the simulation's truth is there.
func TestDailyFile(t *testing.T) {
	for _, withTimes := range []bool{true, false} {
		t.Run(fmt.Sprintf("times=%v", withTimes), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "portal-2026-11-24.csv")
			truths := record(t, path, 24*time.Hour, withTimes)
			sink := drivertest.NewSink()
			p := &portal{Config: *config("")}
			p.Files = &Files{TimeZone: "UTC"}
			if err := p.importFile(context.Background(), sink, path); err != nil {
				t.Fatal(err)
			}
			first := len(sink.Observations())
			got := sink.Of(observation.Kind_KIND_RADIATION_OCCUPANCY)
			if len(got) != len(truths) {
				t.Fatalf("%d occupancies of %d vehicles", len(got), len(truths))
			}
			day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
			for i, o := range got {
				b, want := o.Body.GetRadiationOccupancy(), truths[i]
				if b.Number != want.Number || b.GammaAlarm != want.GammaAlarm || b.TimeEstimated == withTimes {
					t.Fatalf("occupancy %d: %v, want %+v", i, b, want)
				}
				if at := o.Time().Sub(day); withTimes && (at-want.Start).Abs() > time.Second {
					t.Fatalf("occupancy %d began at %s, not at %s", i, at, want.Start)
				}
			}
			if b := sink.Of(observation.Kind_KIND_DEVICE_IMPORT)[0].Body.GetDeviceImport(); b.Faults != 0 ||
				b.Added != b.Observations {
				t.Errorf("import: %v", b)
			}
			if err := p.importFile(context.Background(), sink, path); err != nil {
				t.Fatal(err)
			}
			if n := len(sink.Observations()); n != first {
				t.Errorf("the second import added %d observations", n-first)
			}
		})
	}
}

// A portal whose files are all there is of it is not running where their folder cannot be made.
func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &portal{}
	p.Files = &Files{TimeZone: "UTC", Folder: transport.Folder{Path: path, Settle: time.Second}}
	sink := drivertest.NewSink()
	if err := p.Run(t.Context(), sink); err == nil {
		t.Error("Run ended without an error")
	}
	if len(sink.States()) > 0 {
		t.Errorf("the driver said %v", sink.States())
	}
}

// TestDailyFileWithOtherContent imports two files of one name whose lines have the same times: what differs is kept
// of both.
func TestDailyFileWithOtherContent(t *testing.T) {
	sink := drivertest.NewSink()
	p := &portal{Config: *config("")}
	p.Files = &Files{TimeZone: "UTC"}
	counts := 0
	for _, gamma := range []string{"000200", "000300", "000200"} {
		path := filepath.Join(t.TempDir(), "portal-2026-11-24.csv")
		text := ""
		for i := range 4 {
			text += fmt.Sprintf("GB,%s,000200,000200,000200,12:00:%02d.000\r\n", gamma, 5*i)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := len(sink.Of(observation.Kind_KIND_RADIATION_BACKGROUND))
		if err := p.importFile(t.Context(), sink, path); err != nil {
			t.Fatal(err)
		}
		if n := len(sink.Of(observation.Kind_KIND_RADIATION_BACKGROUND)) - before; counts == 0 {
			counts = n
		} else if want := map[string]int{"000300": counts, "000200": 0}[gamma]; n != want {
			t.Errorf("counts of %s gave %d backgrounds, want %d", gamma, n, want)
		}
	}
	if counts == 0 {
		t.Error("no background")
	}
}

func record(t testing.TB, path string, span time.Duration, withTimes bool) []sim.Truth {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	truths, err := sim.Record(f, sim.New(sim.Defaults()), time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
		span, withTimes)
	if err != nil {
		t.Fatal(err)
	}
	return truths
}

func TestFileClockPassesMidnight(t *testing.T) {
	c := fileClock{day: fileDay("rpm_20261124.csv", time.Time{}, time.UTC), last: -1}
	a, _ := c.at([]byte(gb + ",23:59:58.000"))
	b, _ := c.at([]byte(gb + ",00:00:03.000"))
	if b.Sub(a) != 5*time.Second || a.Format(time.DateOnly) != "2026-11-24" {
		t.Errorf("%s then %s", a, b)
	}
}

func TestDescribeRefusesOtherFiles(t *testing.T) {
	if recogniseDaily([]byte("<?xml version='1.0'?>\n<x/>\n")) {
		t.Error("XML was recognised as a daily file")
	}
	if !recogniseDaily([]byte(gb + "\r\n" + nb + "\r\n")) {
		t.Error("a daily file was not recognised")
	}
}

// How an occupancy ended is said where the portal did not mark it, in words for every end that the schema has.
func TestEndsInWords(t *testing.T) {
	for number, name := range observation.RadiationOccupancy_End_name {
		end := strings.TrimPrefix(name, "END_")
		text := (&DailySummary{Occupancies: []OccupancySummary{{End: end}}}).Text()
		last := text[len(text)-1].English()
		said := !strings.HasSuffix(last, "no alarm")
		if want := number > int32(observation.RadiationOccupancy_END_MARKED); said != want ||
			strings.Contains(last, end) {
			t.Errorf("%s: %s", name, last)
		}
	}
}

// The simulated portal's physics: the mean of backgrounds, the suppression by a vehicle, the rate of alarms.
func TestSimulatorIsSensible(t *testing.T) {
	cfg := sim.Defaults()
	cfg.InnocentShare, cfg.SourceShare, cfg.NeutronShare, cfg.RainEvery = 0, 0, 0, 0
	dir := t.TempDir()
	path := filepath.Join(dir, "x.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Record(f, sim.New(cfg), time.Time{}, 12*time.Hour, true); err != nil {
		t.Fatal(err)
	}
	f.Close()
	text, _ := os.ReadFile(path)
	d, err := describeDaily(bytes.NewReader(text), "x.csv")
	if err != nil {
		t.Fatal(err)
	}
	s := d.(*DailySummary)
	alarms := 0
	for _, o := range s.Occupancies {
		if o.GammaAlarm != o.Recomputed {
			t.Errorf("occupancy %d: the portal says %v, the recomputation %v", o.Number, o.GammaAlarm, o.Recomputed)
		}
		if o.GammaAlarm {
			alarms++
		}
		if o.Sigma > 7 {
			t.Errorf("occupancy %d without a source has sigma %v", o.Number, o.Sigma)
		}
	}
	if len(s.Occupancies) < 200 || alarms > 0 || s.Faults > 0 {
		t.Errorf("%d occupancies, %d alarms, %d faults", len(s.Occupancies), alarms, s.Faults)
	}
}

// collect runs a portal for a span and counts its lines by their first field.
func collect(p *sim.Portal, span time.Duration) map[string]int {
	tags := map[string]int{}
	for end := p.Now() + span; p.Now() < end; {
		tag, _, _ := strings.Cut(p.Next().Text, ",")
		tags[tag]++
	}
	return tags
}

func TestSimulatorFaultsAndSourcesOnDemand(t *testing.T) {
	cfg := sim.Defaults()
	cfg.TruckEvery = 0
	p := sim.New(cfg)
	if tags := collect(p, time.Minute); tags["GB"] < 10 || tags["NB"] < 10 || tags["GH"]+tags["GL"]+tags["GS"] > 0 {
		t.Errorf("a quiet portal: %v", tags)
	}
	for gain, want := range map[float64]string{3: "GH", 0.1: "GL"} {
		p.SetGain(gain)
		if tags := collect(p, time.Minute); tags[want] < 10 || tags["GB"] > 1 {
			t.Errorf("gain %v: %v", gain, tags)
		}
	}
	p.SetGain(1)
	p.SetTamper(true)
	p.SetTamper(true)
	if tags := collect(p, time.Minute); tags["TT"] != 1 || tags["TC"] != 0 {
		t.Errorf("tamper: %v", tags)
	}
	p.Truths()
	passes := []struct {
		source         *sim.Source
		gamma, neutron bool
	}{
		{nil, false, false},
		{&sim.Source{Gamma: 20000, Position: 5}, true, false},
		{&sim.Source{Gamma: 10, Neutron: 2000, Position: 5}, false, true},
	}
	for i, c := range passes {
		p.Send(sim.Vehicle{Length: 10, Speed: 1.8, Suppression: 0.2, Source: c.source})
		tags := collect(p, 30*time.Second)
		if tags["GX"] != 1 || tags["SP"] != 1 || tags["GS"]+tags["GA"] < 20 || (tags["GA"] > 0) != c.gamma ||
			(tags["NA"] > 0) != c.neutron {
			t.Errorf("pass %d: %v", i, tags)
		}
	}
	if truths := p.Truths(); len(truths) != len(passes) || !truths[1].GammaAlarm {
		t.Errorf("truths %+v", truths)
	}
}

func FuzzFramerAndTracker(f *testing.F) {
	f.Add([]byte(gb + "\r\n" + nb + "\r\n" + gs + "\r\n" + ga +
		"\r\nGX,000001,000002\r\nTT\r\nSG1,1,2,3,4,5,6\r\nSP,1,2,3\r\n"))
	f.Add([]byte(gs + ",12:00:00.000\n" + strings.Repeat("x", 2*maxLine) + "\n" + gb))
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newSession(discard{}, alarmRule{nSigma: 7, intervals: 5}, 10*time.Second)
		at := time.Unix(0, 0)
		for i := 0; i < len(in); i += 7 {
			at = at.Add(time.Second)
			s.handleChunk(transport.Chunk{At: at, Data: in[i:min(i+7, len(in))]})
		}
		s.tracker.breakOff()
		if recogniseDaily(in[:min(len(in), driver.HeadBytes)]) {
			describeDaily(bytes.NewReader(in), "fuzz")
		}
	})
}

// BenchmarkDecode decodes a day's lines; the baseline only looks for their ends.
func BenchmarkDecode(b *testing.B) {
	var buf bytes.Buffer
	if _, err := sim.Record(&buf, sim.New(sim.Defaults()), time.Time{}, 2*time.Hour, false); err != nil {
		b.Fatal(err)
	}
	all := bytes.Split(bytes.TrimSpace(buf.Bytes()), []byte("\r\n"))
	var l line
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, text := range all {
			if err := decodeLine(text, &l); err != nil {
				b.Fatal(err)
			}
		}
		n += len(all)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}
