package instrument

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/n42/n42test"
)

// Documents of 2011, of one sort each.
var (
	doc2011     = n42test.Document
	measurement = n42test.Measurement
	spectrumOf  = n42test.Spectrum
	countOf     = n42test.Counts
)

// TestDeviceFaults: what an instrument says of itself and of its detectors is in the summary, and a severe fault is a
// row of its own beside the spectrum.
func TestDeviceFaults(t *testing.T) {
	spectrum := spectrumOf("g", "", "1 2")
	fault := func(code, severity, words string) string {
		return "<Fault><FaultCodeValue>" + code + "</FaultCodeValue><FaultDescription>" + words +
			"</FaultDescription><FaultSeverityCode>" + severity + "</FaultSeverityCode></Fault>"
	}
	detector := func(inside string) string {
		return "<RadDetectorState radDetectorInformationReference='n'>" + inside + "</RadDetectorState>"
	}
	doc2006 := func(inside string) string {
		return "<N42InstrumentData><Measurement><Spectrum Detector='g'><ChannelData>1 2</ChannelData></Spectrum>" +
			inside +
			"</Measurement></N42InstrumentData>"
	}
	doc := func(inside string) string { return doc2011("g:Gamma n:Neutron", inside) }
	for _, c := range []struct {
		name, text, want string
		severe           bool
	}{
		{"a detector, fatal", doc(measurement(spectrum + detector(fault("41", "Fatal", "tube without voltage")))),
			`detector "n" reports a fault 41 Fatal: tube without voltage`, true},
		{"a detector, error, in each slice",
			doc(strings.Repeat(measurement(spectrum+detector(fault("E7", "Error", "gain"))), 3)),
			`detector "n" reports a fault E7 Error: gain`, true},
		{"the instrument",
			doc(measurement(spectrum + "<RadInstrumentState>" + fault("9", "Fatal", "disk") +
				"</RadInstrumentState>")), "the instrument reports a fault 9 Fatal: disk", true},
		{"a warning", doc(measurement(spectrum + detector(fault("2", "Warning", "warm")))),
			`detector "n" reports a fault 2 Warning: warm`, false},
		{"no severity", doc(measurement(spectrum + detector(fault("2", "", "drift")))),
			`detector "n" reports a fault 2: drift`, false},
		{"code 0", doc(measurement(spectrum + detector(fault("0", "", "")))), "", false},
		{"analysis", doc(measurement(spectrum) +
			"<AnalysisResults><AnalysisResultStatusCode>Failure</AnalysisResultStatusCode><AnalysisResultDescription>too few counts</AnalysisResultDescription></AnalysisResults>"), "the instrument's analysis has the status Failure: too few counts", false},
		{"analysis that succeeded",
			doc(measurement(spectrum) +
				"<AnalysisResults><AnalysisResultStatusCode>Success</AnalysisResultStatusCode><AnalysisResultDescription>nothing found</AnalysisResultDescription></AnalysisResults>"), "", false},
		{"2006, attributes", doc2006("<Fault Detector='N1' Code='5' Severity='Error' Description='no pulses'/>"),
			`detector "N1" reports a fault 5 Error: no pulses`, true},
		{"2006, text", doc2006("<InstrumentStatus><Fault Severity='Fatal'>pump</Fault></InstrumentStatus>"),
			"the instrument reports a fault Fatal: pump", true},
		{"2006, a status in a word", doc2006("<DetectorStatus Detector='N1'>Failed</DetectorStatus>"),
			`detector "N1" reports a fault Error: Failed`, true},
		{"2006, all well", doc2006("<DetectorStatus Detector='N1'>OK</DetectorStatus>"), "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink, err := taken(t, Config{}, c.text)
			if err != nil {
				t.Fatal(err)
			}
			s := sink.Of(observation.Kind_KIND_RADIATION_SPECTRUM)[0].Body.GetRadiationSpectrum()
			if got := strings.Join(s.Warnings, "|"); got != c.want || int(s.WarningCount) != len(s.Warnings) {
				t.Errorf("warnings %q, want %q", got, c.want)
			}
			for i, m := range s.Messages {
				if said := driver.DecodeMessage(m, ""); said.English() != s.Warnings[i] || said.In(message.French) == s.Warnings[i] {
					t.Errorf("warning %q is said as %q, %q", s.Warnings[i], said.English(), said.In(message.French))
				}
			}
			faults := sink.Of(observation.Kind_KIND_DEVICE_FAULT)
			if (len(faults) == 1) != c.severe || len(faults) > 1 {
				t.Fatalf("faults %v", faults)
			}
			if c.severe {
				if f := faults[0].Body.GetDeviceFault(); f.Reason != c.want || f.Source != "d.n42" ||
					faults[0].Key == "" {
					t.Errorf("fault %v", f)
				}
				said := driver.DecodeMessage(faults[0].Body.GetDeviceFault().Message, "")
				if said.English() != c.want || said.In(message.French) == c.want {
					t.Errorf("message %q, %q", said.English(), said.In(message.French))
				}
			}
			d, err := describe(strings.NewReader(c.text), "")
			if err != nil {
				t.Fatal(err)
			}
			shown := message.Join("\n", d.Text()...).English()
			if !strings.Contains(shown, c.want) || strings.Contains(shown, "DEVICE FAULT") != c.severe {
				t.Errorf("decode shows %s", shown)
			}
		})
	}
}

// TestFaultWithoutMeasurement: an instrument that measured nothing because it is broken says so all the same.
func TestFaultWithoutMeasurement(t *testing.T) {
	sink, err := taken(t, Config{},
		doc2011("g:Gamma", "<RadInstrumentState><Fault><FaultDescription>no detector answers"+
			"</FaultDescription><FaultSeverityCode>Fatal</FaultSeverityCode></Fault></RadInstrumentState>"))
	if err == nil || !strings.Contains(fmt.Sprint(sink.Observations()), "no detector answers") {
		t.Errorf("%v %v", err, sink.Observations())
	}
}
