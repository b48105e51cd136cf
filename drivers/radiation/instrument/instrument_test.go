package instrument

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/drivers/transport"
)

func TestConformance(t *testing.T) {
	doc := sim.Document(sim.Pass{Number: 1, Start: time.Unix(1_800_000_000, 0), Seconds: 3,
		Source: &sim.Nuclides[0], Counts: 5000}, 1)
	drivertest.Documents{
		Spec: Spec, Name: "pass.n42", Good: doc, Bad: doc[:len(doc)/2], HTTP: true,
		Other: append(bytes.Clone(doc), "\n<!-- again -->"...),
		Settings: func(folder, listen, path string) any {
			c := &Config{}
			if folder != "" {
				c.Folder = &transport.Folder{Path: folder, Settle: time.Second}
			}
			if listen != "" {
				c.HTTP = &transport.HTTP{Listen: listen, Path: path, MaxBytes: 1 << 20}
			}
			return c
		},
	}.Run(t)
}

// taken has the driver decode one document, and returns what it committed and answered.
func taken(t *testing.T, c Config, text string) (*drivertest.Sink, error) {
	t.Helper()
	d, err := build(c, driver.Env{Device: "n", Tape: nil})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	return sink, d.(*instrument).handleDocument(context.Background(), sink, bytes.NewReader([]byte(text)), "d.n42", "d.n42")
}

// TestNothingMeasured: a document without measurements is bad and a fault, never an event; an alarm in it is not lost.
func TestNothingMeasured(t *testing.T) {
	alarm := "<AnalysisResults><RadAlarm><RadAlarmCategoryCode>Gamma</RadAlarmCategoryCode></RadAlarm></AnalysisResults>"
	for _, c := range []struct {
		name, inside, reason string
		alarms               int
	}{
		{"nothing", "", "no measurement", 0},
		{"no channels", "<RadMeasurement><Spectrum><ChannelData></ChannelData></Spectrum></RadMeasurement>",
			"no measurement", 0},
		{"an unreadable spectrum",
			"<RadMeasurement><Spectrum><ChannelData>1 x</ChannelData></Spectrum></RadMeasurement>",
			`"x" is not a count`, 0},
		{"an alarm", alarm, "no measurement", 1},
	} {
		sink, err := taken(t, Config{}, doc2011("g:Gamma", c.inside))
		var bad *transport.BadFileError
		if !errors.As(err, &bad) || !strings.Contains(bad.Error(), c.reason) {
			t.Errorf("%s: %v", c.name, err)
		}
		spectra := sink.Of(observation.Kind_KIND_RADIATION_SPECTRUM)
		if len(spectra) != c.alarms || len(sink.Of(observation.Kind_KIND_DEVICE_FAULT)) != 1 {
			t.Errorf("%s: %v", c.name, sink.Observations())
		}
		for _, o := range spectra {
			if o.Class != observation.Class_CLASS_ALARM {
				t.Errorf("%s: class %s", c.name, o.Class)
			}
		}
	}
}

// TestObservation: what the document's summary says is in the observation, and times without zone are of the device's.
func TestObservation(t *testing.T) {
	sink, err := taken(t, Config{TimeZone: "-05:00"}, doc2011("g:Gamma n:Neutron m:Neutron",
		"<RadMeasurement><StartDateTime>2027-03-04T05:06:07</StartDateTime><RealTimeDuration>?</RealTimeDuration>"+
			spectrumOf("g", "", "1 2")+countOf("n", "", "0")+countOf("m", "", "4")+
			"<DoseRate radDetectorInformationReference='g'><DoseRateValue>0.25</DoseRateValue></DoseRate></RadMeasurement>"))
	if err != nil {
		t.Fatal(err)
	}
	all := sink.Of(observation.Kind_KIND_RADIATION_SPECTRUM)
	if len(all) != 1 {
		t.Fatalf("%v", sink.Observations())
	}
	s := all[0].Body.GetRadiationSpectrum()
	if at := time.Unix(0, s.StartNs).UTC(); at.Format(time.RFC3339) != "2027-03-04T10:06:07Z" {
		t.Errorf("start %s", at)
	}
	if s.DoseRateMax != 0.25 || s.WarningCount != 1 || len(s.Warnings) != 1 || len(s.Classes) != 1 ||
		s.Classes[0].GammaCounts != 3 || s.Detectors != 3 {
		t.Errorf("%v", s)
	}
	if n := s.Detector[1]; n.Name != "n" || !n.Neutrons || n.NeutronCounts != 0 || n.LiveSeconds != 8 ||
		s.Detector[0].Neutrons || s.Detector[0].DoseRates[0] != 0.25 {
		t.Errorf("%v", s.Detector)
	}
	if _, err := build(Config{TimeZone: "Mars"}, driver.Env{}); err == nil {
		t.Error("a zone that is none is accepted")
	}
}

// TestFilesOfOtherKinds: the reason beside a file of spectra that is not read names it.
func TestFilesOfOtherKinds(t *testing.T) {
	for words, text := range map[string]string{
		"RadiaCode":           "<?xml version='1.0'?><ResultDataFile></ResultDataFile>",
		"SPE":                 "$SPEC_ID:\nx\n$DATA:\n0 1\n1\n2\n",
		"not an N42 document": "<html></html>",
	} {
		sink, err := taken(t, Config{}, text)
		if err == nil || !strings.Contains(err.Error(), words) ||
			len(sink.Of(observation.Kind_KIND_DEVICE_FAULT)) != 1 {
			t.Errorf("%s: %v", words, err)
		}
	}
}
