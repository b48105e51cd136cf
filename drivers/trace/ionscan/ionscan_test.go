package ionscan

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/transport"
)

// lib is a library of one substance a polarity; the built-in one is above this floor.
var lib = &plasmagram.Library{
	Name: "test", Version: "1",
	Calibrants: []plasmagram.Calibrant{{Name: "nicotinamide", Polarity: "positive", K0: 1.86},
		{Name: "4-nitrobenzonitrile", Polarity: "negative", K0: 1.65}},
	Substances: []plasmagram.Substance{
		{Name: "cocaine", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2,
			Peaks: []plasmagram.Ion{{Adduct: "[M+H]+", K0: 1.16, Window: 0.02, MinSNR: 6}}},
		{Name: "PETN", Category: "explosive", Polarity: "negative", Require: 1, MinScans: 2,
			Peaks: []plasmagram.Ion{{Adduct: "[M+Cl]-", K0: 1.15, Window: 0.02, MinSNR: 6}}},
	},
}

// reportProfile is a small report in lines.
func reportProfile() *line.Profile {
	p := &line.Profile{
		Name: "test", Charset: "ascii", Framing: line.Framing{Start: "\x02", End: "\r\n", MaxBytes: 256},
		Unmatched: "fault",
		Checksum:  &line.Checksum{Kind: "xor", Format: "hex", Separator: "*"},
		Time:      line.Clock{Zone: "UTC", Formats: []string{"YYYY-MM-DD hh:mm:ss"}},
		Messages: []line.Message{
			report("SAMPLE", "analysis"), report("BLANK", "blank"), report("VERIFY", "verification"),
			{Name: "state", Kind: "health", Pattern: "STATE T {drift_temperature:float} P {pressure:float} {*}",
				Fields: []profile.Field{
					{Name: "drift_temperature", Unit: "degC", Factor: 1}, {Name: "pressure", Unit: "hPa", Factor: 1}}},
		},
	}
	return p
}

func report(word, kind string) line.Message {
	return line.Message{
		Name: kind, Kind: kind,
		Pattern: word + " {sample:word} OP {operator:word} MODE {mode:word} POL {polarity:word} AT {time:time}",
		Lines: []line.Line{{Name: "peak",
			Pattern: "PEAK {drift_ms:float} {amplitude:float} {fwhm_ms:float} SNR {snr:float}"},
			{Name: "substance", Pattern: "SUBST {substance}"}},
		End: "RESULT {verdict:word}",
	}
}

func settings() *Config {
	c := &Config{LengthCm: 8, FieldVPerCm: 250, MinSNR: 5, SilentAfter: 10 * time.Second, Quality: Quality{
		VerifyEvery: 8 * time.Hour, VerifyGrace: 30 * time.Minute, Shift: 8 * time.Hour, ShiftStart: 6 * time.Hour,
		ShiftLimit: 0.01, RIPPlace: 0.08, RIPHeight: 0.4,
		RIPWidth: 0.3, AlarmsPer: 20, ClearDown: 24 * time.Hour, // longer than any test
	}}
	c.Library = driver.Ref[plasmagram.Library]{Name: "test", Value: lib}
	return c
}

func folderSettings(folder, _, _ string) any {
	c := settings()
	c.Folder = &transport.Folder{Path: folder, Settle: time.Second}
	return c
}

func lineSettings(address string) any {
	c := settings()
	c.Link.Address = address
	c.Profile = driver.Ref[line.Profile]{Name: "test", Value: reportProfile()}
	return c
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// measuredAt is when swabs were measured: quality control holds it against the clock.
var measuredAt = time.Now().UTC().Truncate(time.Second)

func scanner(seed uint64) *sim.Scanner {
	s := sim.NewScanner(seed, lib)
	s.Profile = reportProfile()
	return s
}

func measured(t testing.TB, s *sim.Scanner, w sim.Swab) *sim.Result {
	r, err := s.Run(w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// file is a swab's JCAMP-DX file.
func file(t testing.TB, substance string) []byte {
	r := measured(t, scanner(7), sim.Swab{Kind: "analysis", Substance: substance, Amplitude: 300,
		Operator: "o", At: measuredAt})
	data, err := jcampdx.Bytes(r.Block(), jcampdx.Options{Form: jcampdx.DIFDUP})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestConformsDocuments(t *testing.T) {
	drivertest.Documents{
		Spec: Spec, Settings: folderSettings, Name: "s.jdx", Good: file(t, "cocaine"),
		Other: append(file(t, "cocaine"), "$$ again\r\n"...),
		Bad:   []byte("##TITLE= t\r\n##DATA TYPE= INFRARED SPECTRUM\r\n##END=\r\n"),
		// Quality control judges as time passes too: what a sample still changes depends on whether that came first.
		Timed: func(o *observation.Observation) bool { return strings.HasPrefix(o.Key, "quality") },
	}.Run(t)
}

// session is what a line instrument sends: its state, a verification, samples.
func session(t testing.TB) []byte {
	s := scanner(9)
	out := s.Frame(s.State())
	for i, w := range []sim.Swab{
		{Kind: "verification", Substance: "cocaine", Amplitude: 300}, {Kind: "analysis"},
		{Kind: "analysis", Substance: "PETN", Amplitude: 400}, {Kind: "blank"},
	} {
		w.Operator, w.At = "o", noon.Add(time.Duration(i)*time.Minute)
		for _, l := range measured(t, s, w).Lines() {
			out = append(out, s.Frame(l)...)
		}
	}
	return out
}

func TestConformsStream(t *testing.T) {
	input := session(t)
	drivertest.Stream{
		Spec: Spec, Settings: lineSettings, Input: input, Cut: len(input) - 40,
		Normal: func(o *observation.Observation) { // quality control goes by when things arrived
			if q := o.Body.GetTraceQuality(); q != nil {
				q.ShiftStartNs, q.VerifiedNs, q.BlankNs, q.AlarmNs, q.ClearDownSeconds = 0, 0, 0, 0, 0
			}
			if b := o.Body.GetTraceBlank(); b != nil {
				b.ClearDownSeconds = 0
			}
		},
	}.Run(t)
}

// run drops files into a folder and returns what was observed once all of them moved.
func run(t *testing.T, files map[string][]byte) *drivertest.Sink {
	folder := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Minute)
		if err := os.Chtimes(filepath.Join(folder, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	links, err := transport.NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Spec.New(folderSettings(folder, "", ""), driver.Env{Device: "d", Links: links})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, sink) }()
	moved := func() bool {
		a, _ := filepath.Glob(filepath.Join(folder, "done", "*"))
		b, _ := filepath.Glob(filepath.Join(folder, "bad", "*.reason"))
		return len(a)+len(b) == len(files)
	}
	for !moved() && ctx.Err() == nil {
		<-time.After(20 * time.Millisecond)
	}
	if !moved() {
		t.Error("not all files were taken")
	}
	cancel()
	<-done
	return sink
}

// Both verdicts, and what they say about each other.
func TestVerdicts(t *testing.T) {
	silent := bytes.Replace(file(t, "cocaine"), []byte("##$VERDICT= ALARM"), []byte("##$VERDICT= PASS"), 1)
	shouting := bytes.Replace(file(t, ""), []byte("##$VERDICT= PASS"), []byte("##$VERDICT= ALARM"), 1)
	for name, c := range map[string]struct {
		data       []byte
		class      observation.Class
		ours       string
		instrument string
		disagree   bool
	}{
		"both alarm":        {file(t, "cocaine"), observation.Class_CLASS_ALARM, "alarm", "alarm", false},
		"both clear":        {file(t, ""), observation.Class_CLASS_EVENT, "clear", "clear", false},
		"instrument misses": {silent, observation.Class_CLASS_ALARM, "alarm", "clear", true},
		"we miss":           {shouting, observation.Class_CLASS_ALARM, "clear", "alarm", true},
	} {
		t.Run(name, func(t *testing.T) {
			sink := run(t, map[string][]byte{"a.jdx": c.data})
			all := sink.Of(observation.Kind_KIND_TRACE_ANALYSIS)
			if len(all) != 1 {
				t.Fatalf("%d analyses: %v", len(all), sink.Observations())
			}
			a := all[0].Body.GetTraceAnalysis()
			if all[0].Class != c.class || a.Verdict != c.ours || a.InstrumentVerdict != c.instrument ||
				a.Disagreement != c.disagree {
				t.Errorf("%v: %v", all[0].Class, a)
			}
			if a.Qc != "due" || a.K0Source != "calibrant" || a.Library != "test 1" ||
				all[0].TimeNs != measuredAt.UnixNano() {
				t.Errorf("%v", a)
			}
			if c.ours == "alarm" && (len(a.Found) != 1 || a.Found[0].Substance != "cocaine" ||
				!strings.Contains(a.Reasons[0], "cocaine: peak at") || inFrench(a.Messages) == "" ||
				inFrench(a.Messages) == strings.Join(a.Reasons, "; ")) {
				t.Errorf("found %v, reasons %v", a.Found, a.Reasons)
			}
		})
	}
}

// A sample that the journal has already is not counted again, nor what it was: after a kill between commit and move,
// or dropped twice.
func TestCountedOnce(t *testing.T) {
	data := file(t, "cocaine")
	sink := run(t, map[string][]byte{"a.jdx": data, "b.jdx": data, "c.jdx": file(t, "")})
	last := uint32(0)
	for _, o := range sink.Of(observation.Kind_KIND_TRACE_QUALITY) {
		q := o.Body.GetTraceQuality()
		last = max(last, q.Samples)
		if q.Alarms > 1 {
			t.Errorf("%v", q)
		}
	}
	if last != 2 {
		t.Errorf("%d samples were counted, there are 2", last)
	}
}

// A fault in a record gives a device.fault with line and column, and the whole points before it are kept as partial.
func TestFaultsKeepWhatIsWhole(t *testing.T) {
	good := string(file(t, "cocaine"))
	pages := strings.Split(good, "##PAGE=")
	last := pages[len(pages)-1]
	lines := strings.Split(last, "\r\n")
	with := func(edit func(lines []string) []string) []byte {
		page := strings.Join(edit(append([]string(nil), lines...)), "\r\n")
		return []byte(strings.Join(append(append([]string(nil), pages[:len(pages)-1]...), page), "##PAGE="))
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"check ordinate": {with(func(l []string) []string { // the digit that the check begins with
			at := strings.IndexAny(l[8], "ABCDEFGHI")
			l[8] = l[8][:at] + "I" + l[8][at+1:]
			return l
		}), "check ordinate is"},
		"NPOINTS":       {[]byte(strings.Replace(good, "##NPOINTS= 1200", "##NPOINTS= 1300", 1)), "NPOINTS is 1,300"},
		"broken number": {with(func(l []string) []string { l[8] += "!7"; return l }), "is no ordinate"},
		"cut file":      {[]byte(good[:len(good)-200]), "file ends without ##END="},
	} {
		t.Run(name, func(t *testing.T) {
			sink := run(t, map[string][]byte{"a.jdx": c.data})
			faults := sink.Of(observation.Kind_KIND_DEVICE_FAULT)
			if len(faults) == 0 {
				t.Fatalf("no fault in %v", sink.Observations())
			}
			f := faults[0].Body.GetDeviceFault()
			if !strings.Contains(f.Reason, "line ") || !strings.Contains(f.Reason, ", column ") ||
				!strings.Contains(f.Reason, c.want) || f.Source != "a.jdx" {
				t.Errorf("fault %q of %q, want %q with line and column", f.Reason, f.Source, c.want)
			}
			all := sink.Of(observation.Kind_KIND_TRACE_ANALYSIS)
			if len(all) != 1 {
				t.Fatalf("%d analyses", len(all))
			}
			if a := all[0].Body.GetTraceAnalysis(); !a.Partial || a.Verdict != "alarm" ||
				all[0].Class != observation.Class_CLASS_ALARM {
				t.Errorf("the scans before the fault show cocaine: partial %v, verdict %s", a.Partial, a.Verdict)
			}
		})
	}
}

// The instrument's own files with other labels.
func TestLabels(t *testing.T) {
	c := settings()
	c.Labels = []Label{{Quantity: "temperature", Label: "$TUBE"}}
	data := bytes.Replace(file(t, ""), []byte("##.DRIFT TEMPERATURE="), []byte("##$TUBE="), 1)
	f, err := jcampdx.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.samplesOf(f)
	if err != nil || s[0].cell.TemperatureK < 370 {
		t.Errorf("%v %+v", err, s)
	}
	for text, want := range map[string]float64{"105 C": 378.15, "378.15 K": 378.15, "105": 378.15,
		"378.15": 378.15, "hot": 0, "1000 hPa": 0} {
		b := &jcampdx.Block{Records: []jcampdx.Record{{Label: ".DRIFT TEMPERATURE", Value: text}}}
		if got := (labelled{blocks: []*jcampdx.Block{b}}).quantity("temperature", temperatureUnits); got != want {
			t.Errorf("%q is %v K, not %v", text, got, want)
		}
	}
}

func TestQuality(t *testing.T) {
	limits := settings().Quality
	limits.ClearDown = 5 * time.Minute
	q := newQuality(limits)
	at := noon
	step := func(d time.Duration) { at = at.Add(d) }
	state := func(want, reason string) {
		t.Helper()
		words := message.Join("; ", q.reasons...).English()
		if q.state != want || !strings.Contains(words, reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", at.Format(time.TimeOnly), q.state, words, want, reason)
		}
	}
	n := 0
	take := func(m measurement) *measurement {
		n++
		m.at, m.key, m.polarity = at, fmt.Sprint(n), plasmagram.Positive
		if m.health.ripMs == 0 {
			m.health.ripMs, m.health.ripAmplitude = 10, 6000
		}
		m.hasShift = true
		q.add(&m)
		return &m
	}
	q.tick(at)
	state(qcDue, "no verification")
	take(measurement{kind: "verification", alarm: true})
	state(qcOut, "failed")
	take(measurement{kind: "verification", alarm: true, passed: true})
	state(qcIn, "")
	take(measurement{kind: "analysis", calibrantShift: 0.02})
	state(qcOut, "calibrant_shift positive is off by 0.02")
	take(measurement{kind: "analysis"})
	state(qcIn, "")
	take(measurement{kind: "analysis", health: health{ripMs: 10, ripAmplitude: 2000}})
	state(qcOut, "rip_amplitude")
	take(measurement{kind: "analysis"})
	take(measurement{kind: "analysis", alarm: true})
	state(qcIn, "")
	step(6 * time.Minute)
	q.tick(at)
	state(qcOut, "no clean blank")
	take(measurement{kind: "blank", alarm: true})
	state(qcOut, "no clean blank")
	step(time.Minute)
	if m := take(measurement{kind: "blank"}); m.clearDown != 7*time.Minute {
		t.Errorf("clear-down %s", m.clearDown)
	}
	state(qcIn, "")

	again := newQuality(limits) // as after a restart
	again.resume(q.observation(at).Body.GetTraceQuality())
	if again.samples != q.samples || again.alarms != 1 || !again.verified.Equal(q.verified) ||
		len(again.trends) != len(q.trends) {
		t.Errorf("resumed %+v from %+v", again, q)
	}
	step(8 * time.Hour)
	shift := q.tick(at)
	state(qcDue, "verification is due")
	if len(shift) != 2 || shift[0].Body.GetTraceQuality().Samples != 5 || q.samples != 0 {
		t.Errorf("the shift's sum: %v", shift)
	}
	step(time.Hour)
	q.tick(at)
	state(qcOut, "overdue")
	take(measurement{kind: "verification", alarm: true, passed: true})
	for i := range 25 {
		take(measurement{kind: "analysis", alarm: i%3 == 0})
	}
	state(qcOut, "alarms in 100 samples")
}

// TestFailedVerificationOutlivesRestart: an instrument that failed its verification stays out until it passes one.
func TestFailedVerificationOutlivesRestart(t *testing.T) {
	q := newQuality(settings().Quality)
	q.add(&measurement{at: noon, kind: "verification", key: "1", alarm: true, passed: true})
	q.add(&measurement{at: noon.Add(time.Minute), kind: "verification", key: "2"})
	row := q.observation(noon.Add(time.Minute)).Body.GetTraceQuality()
	older := proto.Clone(row).(*observation.TraceQuality)
	older.Messages = nil // versions before wrote reasons as texts only
	for name, last := range map[string]*observation.TraceQuality{"row": row, "row of an older version": older} {
		again := newQuality(settings().Quality)
		again.resume(last)
		if obs := again.tick(noon.Add(2 * time.Minute)); len(obs) != 0 || again.state != qcOut {
			t.Errorf("%s: %s after a restart, %v", name, again.state, obs)
		}
		again.add(&measurement{at: noon.Add(3 * time.Minute), kind: "verification", key: "3", alarm: true, passed: true})
		if again.state != qcIn {
			t.Errorf("%s: %s after a verification that passed", name, again.state)
		}
	}
}

func TestDescribeAndDraw(t *testing.T) {
	data := file(t, "cocaine")
	d, err := Format.Describe(bytes.NewReader(data), "a.jdx")
	if err != nil {
		t.Fatal(err)
	}
	s := d.(*Summary).Blocks[0]
	if len(s.Spectra) != 24 || s.Spectra[0].Points != 1200 || *s.Spectra[0].FirstX != 0 ||
		len(s.Peaks) < 3 || s.Labels["SAMPLE ID"] != "S000001" {
		t.Errorf("%+v", s)
	}
	if text := message.Join("\n", d.Text()...).English(); !strings.Contains(text, "1,200 points") ||
		!strings.Contains(text, "reactant") {
		t.Errorf("%s", text)
	}
	m, err := Format.Draw(driver.Source{ReaderAt: bytes.NewReader(data), Size: int64(len(data))}, driver.View{})
	if err != nil || m.Bounds().Dx() != plotWidth {
		t.Fatalf("%v %v", m, err)
	}
	colours := map[[3]uint32]int{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			colours[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	if colours[[3]uint32{0, 92, 175}] < 1000 || colours[[3]uint32{200, 60, 0}] < 500 {
		t.Errorf("curve and peaks are not drawn: %v", colours)
	}
}
