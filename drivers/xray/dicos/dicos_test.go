package dicos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/xray/dicom"
)

func encode(t testing.TB, d dicom.Dataset, pixels []byte) []byte {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var b bytes.Buffer
	if err := dicom.Write(&b, &dicom.File{Syntax: syntax, Dataset: d}, bytes.NewReader(pixels)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// report is a TDR with one object, which some change says otherwise about.
func report(decision, flag string) dicom.Dataset {
	alarms := uint32(0)
	if flag == "THREAT" {
		alarms = 1
	}
	return dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", classTDR), dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Text(tagContentDate, "DA", "20261124"), dicom.Text(tagContentTime, "TM", "123457.5"),
		dicom.Text(tagOOI, "LO", "MSCU1234565"), dicom.Text(tagScan, "UI", "1.2.9"),
		dicom.Sequence(tagThreats, dicom.Dataset{
			dicom.Uints(tagPTO, "US", 3),
			dicom.Sequence(tagRepresentations,
				dicom.Dataset{dicom.Sequence(0x00081140, dicom.Dataset{dicom.Text(tagReferenced, "UI", "1.2.3.1")}),
					dicom.Floats32(tagPolygon, 1, 2, 0, 30, 20, 0)}),
			dicom.Sequence(tagAssessments, dicom.Dataset{dicom.Text(tagCategory, "CS", "CONTRABAND"),
				dicom.Text(tagFlag, "CS", flag), dicom.Floats32(tagProbability, 0.9), dicom.Floats32(tagMass, 1200)}),
		}),
		dicom.Text(tagAbortFlag, "CS", "SUCCESS"), dicom.Text(tagTDRType, "CS", "MACHINE"),
		dicom.Text(tagDecisionTime, "DT", "20261124123500"),
		dicom.Text(tagDecision, "CS", decision), dicom.Uints(tagTotalObjects, "US", 1),
		dicom.Uints(tagAlarmObjects, "US", alarms),
	}
}

func sampleImage(more ...*dicom.Element) (dicom.Dataset, []byte) {
	pixels := bytes.Repeat([]byte{1, 2}, 64*32)
	d := dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"),
		dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.1"),
		dicom.Text(tagStudyDate, "DA", "20261124"), dicom.Text(tagStudyTime, "TM", "1234"),
		dicom.Text(tagModality, "CS", "DX"),
		dicom.Text(tagOOI, "LO", "MSCU1234565"), dicom.Decimals(tagKVP, 6000), dicom.Uints(tagRows, "US", 32),
		dicom.Uints(tagColumns, "US", 64),
		dicom.Uints(tagBitsStored, "US", 16), dicom.Text(tagHighEnergy, "CS", "LINEAR"),
	}
	d = append(d, more...)
	return append(d, &dicom.Element{Tag: dicom.PixelData, VR: "OW", Length: int64(len(pixels))}), pixels
}

func settings(folder, listen string) *Config {
	c := &Config{TimeZone: "UTC"}
	if folder != "" {
		c.Folder = &transport.Folder{Path: folder, Settle: time.Second}
	}
	if listen != "" {
		c.Network = &Network{Listen: listen, AETitle: "LANE"}
	}
	return c
}

func TestConformance(t *testing.T) {
	d, pixels := sampleImage()
	good := encode(t, d, pixels)
	for name, bad := range map[string][]byte{"garbage": bytes.Repeat([]byte{0xa5}, 4096),
		"header cut off": good[:300], "pixels cut off": good[:len(good)-100]} {
		t.Run(name, func(t *testing.T) {
			drivertest.Documents{Spec: Spec, Observations: 3, Listens: true, Name: "x.dcs",
				Good: good, Bad: bad, Other: encode(t, d, bytes.Repeat([]byte{3, 4}, len(pixels)/2)),
				Settings: func(folder, listen, _ string) any {
					return settings(folder, listen)
				}}.Run(t)
		})
	}
}

func observe(t *testing.T, d dicom.Dataset, pixels []byte) []*observation.Observation {
	t.Helper()
	s := newSystem(*settings("", ""), driver.Env{}, time.UTC)
	sink := drivertest.NewSink()
	raw := encode(t, d, pixels)
	for range 2 { // the second time adds nothing
		if err := s.handleObject(context.Background(), sink, bytes.NewReader(raw), "x.dcs", "test"); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range sink.Observations() {
		if !bytes.Equal(sink.Artifact(o.Body.Artifacts[0].Sha256), raw) {
			t.Error("the artifact is not the file")
		}
	}
	return sink.Observations()
}

func TestImage(t *testing.T) {
	d, pixels := sampleImage()
	got := observe(t, d, pixels)
	if len(got) != 1 || got[0].Class != observation.Class_CLASS_EVENT {
		t.Fatalf("%v", got)
	}
	i := got[0].Body.GetXrayImage()
	if i.OoiId != "MSCU1234565" || i.Rows != 32 || i.Columns != 64 || i.Kvp != 6000 || !i.HighEnergy ||
		i.LowEnergy || i.PixelBytes != int64(len(pixels)) || i.Frames != 1 {
		t.Errorf("image %v", i)
	}
	if want := time.Date(2026, 11, 24, 12, 34, 0, 0, time.UTC); !got[0].Time().Equal(want) {
		t.Errorf("time %s", got[0].Time())
	}
}

func TestReport(t *testing.T) {
	got := observe(t, report("ALARM", "THREAT"), nil)
	if len(got) != 1 || got[0].Class != observation.Class_CLASS_ALARM {
		t.Fatalf("%v", got)
	}
	r := got[0].Body.GetXrayThreatReport()
	o := r.Objects[0]
	if r.Type != "MACHINE" || r.Clear || len(r.ImageInstances) != 1 || r.ImageInstances[0] != "1.2.3.1" ||
		o.Id != 3 || o.Assessments[0].MassG != 1200 ||
		len(o.Regions[0].Polygon) != 6 || o.Regions[0].ImageInstance != "1.2.3.1" ||
		r.DecisionNs != time.Date(2026, 11, 24, 12, 35, 0, 0, time.UTC).UnixNano() {
		t.Errorf("report %v", r)
	}
	if want := time.Date(2026, 11, 24, 12, 34, 57, 5e8, time.UTC); !got[0].Time().Equal(want) {
		t.Errorf("time %s", got[0].Time())
	}
}

func replace(d dicom.Dataset, e *dicom.Element) dicom.Dataset {
	for i := range d {
		if d[i].Tag == e.Tag {
			d[i] = e
			return d
		}
	}
	panic("no element " + e.Tag.String())
}

// A scan is clear only when every condition agrees; and anything that says alarm is one.
func TestClearAndAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		d            dicom.Dataset
		clear, alarm bool
	}{
		"clear":               {report("CLEAR", "NO_THREAT"), true, false},
		"alarm":               {report("ALARM", "THREAT"), false, true},
		"clear, but a threat": {report("CLEAR", "THREAT"), false, true},
		"unknown":             {report("UNKNOWN", "UNKNOWN"), false, false},
		"no decision":         {report("", "NO_THREAT"), false, false},
		"clear, but aborted": {replace(report("CLEAR", "NO_THREAT"), dicom.Text(tagAbortFlag, "CS", "ABORT")),
			false, false},
		"clear, but one in counts": {replace(report("CLEAR", "NO_THREAT"), dicom.Uints(tagAlarmObjects, "US", 1)),
			false, true},
		"illegal date": {replace(report("CLEAR", "NO_THREAT"),
			dicom.Text(tagContentDate, "DA", "20269999")), true, false},
	} {
		got := observe(t, c.d, nil)[0]
		if r := got.Body.GetXrayThreatReport(); r.Clear != c.clear ||
			(got.Class == observation.Class_CLASS_ALARM) != c.alarm {
			t.Errorf("%s: clear %v, class %v", name, r.Clear, got.Class)
		}
	}
}

// TestThreatBehindManyObjects: a report keeps a bounded number of objects, and the one that is a threat is among them
// wherever it stands.
func TestThreatBehindManyObjects(t *testing.T) {
	d := report("CLEAR", "NO_THREAT")
	threat := report("CLEAR", "THREAT").Find(tagThreats).Items[0]
	harmless := d.Find(tagThreats).Items[0]
	items := append(slices.Repeat([]dicom.Dataset{harmless}, maxObjects+10), threat, harmless)
	got := observe(t, replace(d, dicom.Sequence(tagThreats, items...)), nil)[0]
	r := got.Body.GetXrayThreatReport()
	if got.Class != observation.Class_CLASS_ALARM || r.Clear || len(r.Objects) != maxObjects ||
		int(r.TotalObjects) != len(items) {
		t.Errorf("class %v, clear %v, %d of %d objects", got.Class, r.Clear, len(r.Objects), r.TotalObjects)
	}
}

func TestThreatTagsInsideAnImage(t *testing.T) {
	d, pixels := sampleImage(report("ALARM", "THREAT")[6], dicom.Text(tagDecision, "CS", "ALARM"))
	got := observe(t, d, pixels)
	if len(got) != 2 || got[0].Body.GetXrayThreatReport() == nil || !got[0].Body.GetXrayThreatReport().Embedded ||
		got[0].Class != observation.Class_CLASS_ALARM || got[1].Body.GetXrayImage() == nil {
		t.Errorf("%v", got)
	}
}

func TestDescribe(t *testing.T) {
	raw := encode(t, report("ALARM", "THREAT"), nil)
	if !recognise(raw) || recognise([]byte("<?xml version='1.0'?>")) {
		t.Error("recognise")
	}
	s, err := describe(bytes.NewReader(raw), "x")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"AlarmDecision","vr":"CS","length":6,"value":"ALARM"`,
		`"items":[[{"tag":"(4010,1010)"`, `"category":"CONTRABAND"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if lines := message.Join("\n", s.Text()...).English(); !strings.Contains(lines,
		"threat report on MSCU1234565 (machine): alarm, 1 of 1") {
		t.Error(lines)
	}
}

// TestStorescu lets dcmtk push an image and a report, and refuses when the journal does.
func TestStorescu(t *testing.T) {
	peer.Need(t, peer.Dcmtk)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	d, err := Spec.New(settings("", address), driver.Env{Device: "xray-1"})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, sink) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	set, pixels := sampleImage()
	for name, raw := range map[string][]byte{"dx.dcs": encode(t, set, pixels),
		"again.dcs": encode(t, set, bytes.Repeat([]byte{9, 9}, len(pixels)/2)),
		"tdr.dcs":   encode(t, report("ALARM", "THREAT"), nil)} {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := net.SplitHostPort(address)
	push := func(name string) (string, error) {
		cmd := exec.Command("storescu", "-v", "-R", "-aec", "LANE", "127.0.0.1", port, name)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for begin := time.Now(); ; <-time.After(50 * time.Millisecond) {
		out, err := push("tdr.dcs")
		if err == nil {
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal(out)
		}
	}
	if n := len(sink.Of(observation.Kind_KIND_XRAY_THREAT_REPORT)); n != 1 {
		t.Errorf("%d reports when the sender was told success", n)
	}
	sink.Refuse(true)
	if out, err := push("dx.dcs"); err == nil || !strings.Contains(out, "OutOfResources") {
		t.Errorf("the journal refuses: %v %s", err, out)
	}
	sink.Refuse(false)
	for range 2 { // and is told so again
		if out, err := push("dx.dcs"); err != nil {
			t.Errorf("%v %s", err, out)
		}
	}
	images := sink.Of(observation.Kind_KIND_XRAY_IMAGE)
	if len(images) != 1 {
		t.Fatalf("%d images", len(images))
	}
	// the same SOP instance, other pixels: success is said for what was kept
	if out, err := push("again.dcs"); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if n := len(sink.Of(observation.Kind_KIND_XRAY_IMAGE)); n != 2 {
		t.Errorf("%d images of one instance with two contents", n)
	}
	if a := sink.Artifact(images[0].Body.Artifacts[0].Sha256); !bytes.HasSuffix(a, pixels) ||
		string(a[128:132]) != "DICM" {
		t.Error("the artifact is not a file with these pixels")
	}
}
