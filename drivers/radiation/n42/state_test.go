package n42

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
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
		return "<N42InstrumentData><Measurement><Spectrum Detector='g'><ChannelData>1 2</ChannelData></Spectrum>" + inside +
			"</Measurement></N42InstrumentData>"
	}
	doc := func(inside string) string { return doc2011("g:Gamma n:Neutron", inside) }
	for _, c := range []struct {
		name, text, want string
		severe           bool
	}{
		{"a detector, fatal", doc(measurement(spectrum + detector(fault("41", "Fatal", "tube without voltage")))), `detector "n" reports a fault 41 Fatal: tube without voltage`, true},
		{"a detector, error, in each slice", doc(strings.Repeat(measurement(spectrum+detector(fault("E7", "Error", "gain"))), 3)), `detector "n" reports a fault E7 Error: gain`, true},
		{"the instrument", doc(measurement(spectrum + "<RadInstrumentState>" + fault("9", "Fatal", "disk") + "</RadInstrumentState>")), "the instrument reports a fault 9 Fatal: disk", true},
		{"a warning", doc(measurement(spectrum + detector(fault("2", "Warning", "warm")))), `detector "n" reports a fault 2 Warning: warm`, false},
		{"no severity", doc(measurement(spectrum + detector(fault("2", "", "drift")))), `detector "n" reports a fault 2: drift`, false},
		{"code 0", doc(measurement(spectrum + detector(fault("0", "", "")))), "", false},
		{"analysis", doc(measurement(spectrum) + "<AnalysisResults><AnalysisResultStatusCode>Failure</AnalysisResultStatusCode><AnalysisResultDescription>too few counts</AnalysisResultDescription></AnalysisResults>"), "the instrument's analysis has the status Failure: too few counts", false},
		{"analysis that succeeded", doc(measurement(spectrum) + "<AnalysisResults><AnalysisResultStatusCode>Success</AnalysisResultStatusCode><AnalysisResultDescription>nothing found</AnalysisResultDescription></AnalysisResults>"), "", false},
		{"2006, attributes", doc2006("<Fault Detector='N1' Code='5' Severity='Error' Description='no pulses'/>"), `detector "N1" reports a fault 5 Error: no pulses`, true},
		{"2006, text", doc2006("<InstrumentStatus><Fault Severity='Fatal'>pump</Fault></InstrumentStatus>"), "the instrument reports a fault Fatal: pump", true},
		{"2006, a status in a word", doc2006("<DetectorStatus Detector='N1'>Failed</DetectorStatus>"), `detector "N1" reports a fault Error: Failed`, true},
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
			faults := sink.Of(observation.Kind_KIND_DEVICE_FAULT)
			if (len(faults) == 1) != c.severe || len(faults) > 1 {
				t.Fatalf("faults %v", faults)
			}
			if c.severe {
				if f := faults[0].Body.GetDeviceFault(); f.Reason != c.want || f.Source != "d.n42" || faults[0].Key == "" {
					t.Errorf("fault %v", f)
				}
			}
			d, err := describe(strings.NewReader(c.text), "")
			if err != nil {
				t.Fatal(err)
			}
			shown := strings.Join(d.Text(), "\n")
			if !strings.Contains(shown, c.want) || strings.Contains(shown, "DEVICE FAULT") != c.severe {
				t.Errorf("decode shows %s", shown)
			}
		})
	}
}

// TestFaultsAreBounded: a document of many faults keeps maxFaults of them.
func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 10 * maxFaults {
		fmt.Fprintf(&b, "<Fault><FaultCodeValue>%d</FaultCodeValue><FaultSeverityCode>Error</FaultSeverityCode></Fault>", i+1)
	}
	d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(spectrumOf("g", "", "1"))+b.String())), nil)
	if err != nil || len(d.Faults) != maxFaults {
		t.Errorf("%d faults, %v", len(d.Faults), err)
	}
}

// TestFaultWithoutMeasurement: an instrument that measured nothing because it is broken says so all the same.
func TestFaultWithoutMeasurement(t *testing.T) {
	sink, err := taken(t, Config{}, doc2011("g:Gamma", "<RadInstrumentState><Fault><FaultDescription>no detector answers"+
		"</FaultDescription><FaultSeverityCode>Fatal</FaultSeverityCode></Fault></RadInstrumentState>"))
	if err == nil || !strings.Contains(fmt.Sprint(sink.Observations()), "no detector answers") {
		t.Errorf("%v %v", err, sink.Observations())
	}
}

// TestMeters: exposure rates and total doses are measurements where nothing else is.
func TestMeters(t *testing.T) {
	meter := func(name, value string) string {
		return fmt.Sprintf("<%s radDetectorInformationReference='g'><%sValue>%s</%sValue></%s>", name, name, value, name, name)
	}
	for _, c := range []struct {
		name, inside   string
		measurements   int
		exposure, dose float64
		warnings       int
	}{
		{"exposure rate", meter("ExposureRate", "3.5"), 1, 3.5, 0, 0},
		{"total dose", meter("TotalDose", "0.75"), 1, 0, .75, 0},
		{"both of one detector", meter("ExposureRate", "3.5") + meter("TotalDose", "0.75"), 1, 3.5, .75, 0},
		{"beside a spectrum", spectrumOf("g", "", "1 2") + meter("ExposureRate", "3.5"), 1, 3.5, 0, 0},
		{"exposure rate of 0", meter("ExposureRate", "0"), 1, 0, 0, 0},
		{"unreadable", meter("ExposureRate", "high"), 0, 0, 0, 1},
		{"less than 0", meter("TotalDose", "-1"), 0, 0, 0, 1},
	} {
		d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(c.inside))), nil)
		if err != nil || d.Measurements != c.measurements || d.ExposureRateMax != c.exposure || d.TotalDose != c.dose || d.WarningCount != c.warnings {
			t.Errorf("%s: %+v %v", c.name, d, err)
		}
	}
}

// TestWarningsOfLaterMeasurements: the second measurement's time and detector are checked as the first's are.
func TestWarningsOfLaterMeasurements(t *testing.T) {
	second := strings.Replace(measurement(spectrumOf("x1", "", "3 4")), "2027-03-04T05:06:07Z", "soon", 1)
	d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(spectrumOf("g", "", "1 2"))+second)), nil)
	if err != nil || d.WarningCount != 2 || !strings.Contains(d.Warnings[0], `"soon" is no time`) ||
		!strings.Contains(d.Warnings[1], `detector "x1" measured, and no RadDetectorInformation`) {
		t.Errorf("%v %v", d.Warnings, err)
	}
}
